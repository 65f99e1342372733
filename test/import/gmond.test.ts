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

  test('of several directives on a line, each reason is told', () => {
    const { left } = withFile(
      'gmond.conf',
      'globals { user = me cleanup_threshold = 300 max_udp_msg_len = 1472 }\ncollection_group { metric { name = "mongodb_x" } metric { name = "mongodb_y" } }\n',
      (path) => convert(gmond, [path]),
    );
    expect(left.map(({ why }) => why)).toEqual([
      expect.stringMatching(/who it runs as.*; a packet.*; what is forgotten/),
      expect.stringMatching(/no metric mongodb_x.*; .*no metric mongodb_y/),
    ]);
  });
});
