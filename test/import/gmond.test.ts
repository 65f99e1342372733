import { describe, expect, test } from 'vitest';
import { expectGolden, imported } from './support.ts';

const SHOP = 'test/fixtures/import/gmond/gmond.conf';

describe('a gmond', () => {
  test('with every kind of line is moved over', async () => {
    const config = await expectGolden('gmond-shop', await imported('gmond', SHOP));
    expect(config.handlers).toHaveLength(2);
  });
});
