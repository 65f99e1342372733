import { describe, expect, test } from 'vitest';
import { gmond } from '../../src/import/gmond/importer.ts';
import { convert } from '../../src/import/index.ts';
import { expectGolden, imported, withFile } from './support.ts';

const SHOP = 'test/fixtures/import/gmond/gmond.conf';

describe('a gmond', () => {
  test('several directives on a line are one line', () => {
    const { lines, carried } = withFile(
      'gmond.conf',
      'modules { module { name = "x" path = "x.so" } }\nudp_send_channel { host = 127.0.0.1 port = 8649 }\n',
      (path) => convert(gmond, [path]),
    );
    expect([lines, carried]).toEqual([2, 1]);
  });

  test('with every kind of line is moved over', async () => {
    const config = await expectGolden('gmond-shop', await imported('gmond', SHOP));
    expect(config.handlers).toHaveLength(2);
  });
});
