import { describe, expect, test } from 'vitest';
import { diamond } from '../../src/import/diamond/importer.ts';
import { convert } from '../../src/import/index.ts';
import type { Labels } from '../../src/metric/index.ts';
import { expectGolden, imported, loaded, sentAs, withFile } from './support.ts';

const from = (text: string) => {
  const made = withFile('diamond.conf', text, (path) => convert(diamond, [path]));
  return { ...made, config: loaded(made) };
};

const SHOP = 'test/fixtures/import/diamond';
const SERVICES = 'test/fixtures/import/diamond-services';

describe('a Diamond', () => {
  test('with every kind of line is moved over', async () => {
    const result = await imported('diamond', SHOP);
    const config = await expectGolden('diamond-shop', result);
    expect(config.interval).toBe(20);
  });

  test('Python’s own settings of its log are no reason to stop', () => {
    const { left, config } = from(
      '[server]\n[formatter_default]\nformat = [%(asctime)s] %(message)s\n[collectors]\n[[CPUCollector]]\nenabled = True\n',
    );
    expect(left.map(({ line }) => line)).toContainEqual(expect.stringContaining('%(asctime)s'));
    expect(config.collectors.map(({ instance }) => instance)).toEqual(['cpu']);
  });

  test.each([
    ['no collector', 'CPUCollector', 'False', true],
    ['none that has a counterpart', 'BeerCollector', 'True', true],
    ['a collector', 'CPUCollector', 'True', false],
  ])(
    'of which %s is enabled: why nothing is collected is told where that is written',
    (_, name, enabled, told) => {
      const { owners, config } = from(
        `[server]\nhandlers = diamond.handler.graphite.GraphiteHandler\n[handlers]\n[collectors]\n[[${name}]]\nenabled = ${enabled}\n`,
      );
      expect(config.collectors).toHaveLength(told ? 0 : 1);
      const [head = ''] = owners.split('\ninterval:');
      expect(head.replaceAll('\n# ', ' ').includes('nothing is collected, and nothing sent.')).toBe(
        told,
      );
    },
  );

  test('interfaces without a comma are what Diamond makes of them: letters', () => {
    const { config } = from(
      '[collectors]\n[[NetworkCollector]]\nenabled = True\ninterfaces = eth\n[handlers]\n[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n',
    );
    const options = config.collectors[0]?.options as {
      readonly interfaces: (name: string) => boolean;
    };
    const taken = ['eth0', 'ens3', 'tun0', 'lo'].map((name) => options.interfaces(name));
    expect(taken).toEqual([true, true, true, false]);
  });

  test('what was collected beyond the defaults keeps its names; nothing comes that was not there', () => {
    const { owners } = from(
      '[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n[handlers]\n[[ArchiveHandler]]\nlog_file = /tmp/a\n[collectors]\n[[DiskSpaceCollector]]\nenabled = True\nfilesystems = ext4, zfs\n',
    );
    expect(owners).toMatch(/dialect:\s+name: diamond\s+everyDevice: true/);
    expect(owners).toContain('system.filesystem.usage & label:state=re:^(used|free)$');
  });

  test('with what asks servers, checks them and runs programs is moved over', async () => {
    const result = await imported('diamond', SERVICES);
    const config = await expectGolden('diamond-services', result);
    expect(config.collectors.map(({ instance, interval }) => [instance, interval])).toEqual(
      expect.arrayContaining([
        ...[...['apache', 'chrony', 'http', 'nfs', 'nginx', 'ntpd', 'processes']].map((it) => [
          ...[it, 60],
        ]),
        ['ping', 30],
        ['script-queue', 60],
        ['websitemonitor', 60],
      ]),
    );
    expect(result.anybodys).not.toContain('open-sesame');
    const sent = (...it: readonly [string, string, Labels?]) => sentAs(config, ...it);
    const client = { side: 'client', version: '3', operation: 'read' };
    const server = { side: 'server', version: '4', operation: 'read' };
    expect([
      sent('apache', 'apache.requests', { server: 'shop' }),
      sent('apache', 'apache.requests', { server: 'localhost' }),
      sent('nginx', 'nginx.connections.current', { state: 'reading' }),
      sent('nginx', 'nginx.requests'),
      sent('redis', 'redis.uptime', { server: 'cache' }),
      sent('ntpd', 'ntpd.frequency'),
      sent('ntpd', 'ntpd.root.dispersion'),
      sent('ping', 'check.ping.time.mean', { target: 'example_org' }),
      sent('http', 'check.http.time', { target: 'https__www_my_server_com_' }),
      sent('nfs', 'system.nfs.operations', client),
      sent('nfs', 'system.nfs.operations', server),
      sent('nfs', 'system.nfs.rpc.retransmissions'),
      sent('processes', 'system.files.open'),
      sent('processes', 'system.entropy.available'),
      sent('processes', 'system.context_switches'),
    ]).toEqual([
      ['servers.web01.httpd.shop.TotalAccesses'],
      ['servers.web01.httpd.TotalAccesses'],
      ['servers.web01.nginx.act_reads'],
      [],
      ['servers.web01.redis.cache.process.uptime'],
      ['servers.web01.ntpd.frequency'],
      ['servers.web01.ntpd.root_dispersion'],
      ['servers.web01.ping.example_org'],
      ['servers.web01.http.https__www_my_server_com_.time'],
      ['servers.web01.nfs.v3.read'],
      ['servers.web01.nfsd.v4.ops.read'],
      ['servers.web01.nfs.rpc.retrans'],
      ['servers.web01.files.assigned'],
      ['servers.web01.random.available'],
      [],
    ]);
  });

  test('a second instance of a collector takes nothing from the first', () => {
    const { left, config } = from(
      '[server]\n[collectors]\n[[NginxCollector]]\nenabled = True\nreq_host = a\n[[NginxCollector two]]\nenabled = True\nreq_host = b\n',
    );
    expect(config.collectors.map(({ options }) => options)).toMatchObject([
      { url: 'http://a:8080/nginx_status' },
    ]);
    expect(left.find(({ line }) => line.includes('two'))?.why).toContain('"type: nginx"');
  });

  test('what is not carried over says what does the like', () => {
    const { left } = from(
      '[server]\n[collectors]\n[[NtpCollector]]\nenabled = True\n[[UserScriptsCollector]]\nenabled = True\nscripts_path = /nowhere\n[[IPVSCollector]]\nenabled = True\n',
    );
    const why = (name: string) => left.find(({ line }) => line.includes(name))?.why;
    expect(why('Ntp')).toContain('the collectors chrony and ntpd');
    expect(why('scripts_path')).toContain('there is no program in /nowhere');
    expect(why('IPVS')).toContain('let Diamond run for it alone');
  });
});
