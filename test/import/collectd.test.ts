import { describe, expect, test } from 'vitest';
import { expectGolden, imported } from './support.ts';

const SHOP = 'test/fixtures/import/collectd/collectd.conf';

describe('a collectd', () => {
  test('with every kind of line is moved over', async () => {
    const config = await expectGolden('collectd-shop', await imported('collectd', SHOP));
    expect(config.interval).toBe(10);
  });
});
