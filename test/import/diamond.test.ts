import { describe, expect, test } from 'vitest';
import { expectGolden, imported } from './support.ts';

const SHOP = 'test/fixtures/import/diamond';

describe('a Diamond', () => {
  test('with every kind of line is moved over', async () => {
    const result = await imported('diamond', SHOP);
    const config = await expectGolden('diamond-shop', result);
    expect(config.interval).toBe(20);
  });
});
