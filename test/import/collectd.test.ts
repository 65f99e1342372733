import { describe, expect, test } from 'vitest';
import { collectd } from '../../src/import/collectd/importer.ts';
import { convert } from '../../src/import/index.ts';
import { expectGolden, imported, loaded, withFile } from './support.ts';

const SHOP = 'test/fixtures/import/collectd/collectd.conf';

describe('a collectd', () => {
  test('with every kind of line is moved over', async () => {
    const config = await expectGolden('collectd-shop', await imported('collectd', SHOP));
    expect(config.interval).toBe(10);
  });

  test('each program of exec is a collector of its own, at the plugin’s interval', () => {
    const made = withFile(
      'collectd.conf',
      `Interval 10
<LoadPlugin exec>
  Interval 60
</LoadPlugin>
LoadPlugin ping
LoadPlugin write_graphite
<Plugin exec>
  Exec "stats:adm" "/usr/local/bin/queue" "--quiet"
  Exec "nobody" "/usr/local/bin/other"
  NotificationExec "nobody" "/usr/local/bin/mail"
</Plugin>
<Plugin write_graphite>
  <Node "x">
    Host "127.0.0.1"
  </Node>
</Plugin>
`,
      (path) => convert(collectd, [path]),
    );
    expect(
      loaded(made).collectors.map(({ instance, interval, options }) => [
        ...[instance, interval, options],
      ]),
    ).toEqual([
      [
        ...['exec', 60],
        expect.objectContaining({
          ...{ user: 'stats', group: 'adm', format: 'collectd' },
          command: ['/usr/local/bin/queue', '--quiet'],
        }),
      ],
      [
        'exec-2',
        60,
        expect.objectContaining({ user: 'nobody', command: ['/usr/local/bin/other'] }),
      ],
    ]);
    expect(made.left.map(({ why }) => why)).toEqual([
      expect.stringContaining('the collector ping does the like'),
      expect.stringContaining('notifications'),
    ]);
  });

  test('a header that lets somebody in is a secret', () => {
    const { owners, anybodys } = withFile(
      'collectd.conf',
      `LoadPlugin write_http
<Plugin write_http>
  <Node "x">
    URL "http://127.0.0.1/"
    Header "X-Auth-Token: open-sesame"
    Header "X-Site: ams1"
  </Node>
</Plugin>
<Plugin curl>
  Header "Authorization: Bearer open-sesame"
</Plugin>
`,
      (path) => convert(collectd, [path]),
    );
    expect(owners).toContain('X-Auth-Token: open-sesame');
    expect(anybodys).not.toContain('open-sesame');
    expect(anybodys).toContain('X-Site: ams1');
  });
});
