import { describe, expect, test } from 'vitest';
import { collectd } from '../../src/import/collectd/importer.ts';
import { convert } from '../../src/import/index.ts';
import { expectGolden, imported, loaded, sentAs, withFile } from './support.ts';

const SHOP = 'test/fixtures/import/collectd/collectd.conf';
const SERVICES = 'test/fixtures/import/collectd/services.conf';

describe('a collectd', () => {
  test('with every kind of line is moved over', async () => {
    const config = await expectGolden('collectd-shop', await imported('collectd', SHOP));
    expect(config.interval).toBe(10);
  });

  test('with what asks servers, checks them and listens is moved over', async () => {
    const result = await imported('collectd', SERVICES);
    const config = await expectGolden('collectd-services', result);
    const { collectors, handlers } = config;
    const others = new Map([
      ['nginx', 30],
      ['push-2', 60],
    ]);
    expect(collectors.map(({ instance }) => instance)).toEqual([
      ...['apache', 'batteries', 'cgroups', 'chrony', 'files', 'http', 'nfs', 'nginx', 'ntpd'],
      ...['ping', 'push', 'push-2', 'redis', 'sensors', 'smart', 'thermal'],
    ]);
    for (const { instance, interval } of collectors)
      expect([instance, interval]).toEqual([instance, others.get(instance) ?? 10]);
    expect(handlers).toHaveLength(1);
    expect(result.anybodys).not.toContain('open-sesame');
    const page = { target: 'stock_quotes' };
    expect([
      sentAs(config, 'apache', 'apache.requests', { server: 'shop' }),
      sentAs(config, 'http', 'check.http.time', page),
      sentAs(config, 'http', 'check.http.status', page),
      sentAs(config, 'http', 'check.http.size', page),
      sentAs(config, 'files', 'files.count', { group: 'mail' }),
      sentAs(config, 'ping', 'check.ping.time.mean', { target: 'host.foo.bar' }),
      sentAs(config, 'nfs', 'system.nfs.operations', {
        ...{ side: 'client', version: '2', operation: 'read' },
      }),
      sentAs(config, 'thermal', 'hardware.thermal.temperature', { zone: '0', type: 'x' }),
    ]).toEqual([
      ['web01.apache.shop.apache_requests'],
      ['web01.curl.stock_quotes.response_time'],
      ['web01.curl.stock_quotes.response_code'],
      [],
      ['web01.filecount.mail.files'],
      ['web01.ping.ping.host_foo_bar'],
      [],
      [],
    ]);
  });

  test('each program of exec is a collector of its own, at the plugin’s interval', () => {
    const made = withFile(
      'collectd.conf',
      `Interval 10
<LoadPlugin exec>
  Interval 60
</LoadPlugin>
LoadPlugin snmp
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
      expect.stringContaining('let collectd run for it alone'),
      expect.stringContaining('a notification goes to the log'),
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
