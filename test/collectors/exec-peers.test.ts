import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scratch } from '../support/agent.ts';
import { Collectd, Sink } from '../support/collectd.ts';
import { collectorAt } from '../support/foreign-programs.ts';
import { describeWithPeer } from '../support/peers.ts';

const running = (options: Readonly<Record<string, unknown>>) => collectorAt('exec', options);
const pathOf = (line: string): string => line.split(' ')[0] ?? '';

describeWithPeer('munin-plugins', "munin's own plugins", () => {
  const plugin = (name: string, more: Readonly<Record<string, unknown>> = {}) =>
    running({ command: [`/usr/share/munin/plugins/${name}`], format: 'munin', ...more });

  test('load is a level', async () => {
    const { values, lines } = plugin('load');
    expect(await values()).toEqual({ 'load.load': expect.any(Number) });
    expect(lines('diamond').map(pathOf)).toEqual(['servers.web01.load.load']);
  });

  test('cpu counts: DERIVE is a counter, of which there is a rate', async () => {
    const { tick, lines } = plugin('cpu');
    const first = await tick();
    expect(new Set(first.map(({ series }) => series.metric.kind))).toEqual(new Set(['counter']));
    const second = await tick();
    expect(second.find(({ series }) => series.metric.name === 'cpu.idle')?.growth?.seconds).toBe(
      10,
    );
    const paths = lines('collectd', { counters: 'rates' }).map(pathOf);
    expect(paths).toEqual(
      expect.arrayContaining(['web01.cpu.derive-user', 'web01.cpu.derive-idle']),
    );
  });

  test('df has a field for each filesystem, under the label it gives it', async () => {
    const { tick } = plugin('df');
    const samples = await tick();
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.map(({ series }) => series.metric.help)).toContain('/');
    for (const { value } of samples) expect(value >= 0 && value <= 100).toBe(true);
  });

  test('diskstats has many graphs: multigraph', async () => {
    const state = scratch();
    const { tick, values, troubles } = plugin('diskstats', {
      environment: { MUNIN_PLUGSTATE: state },
    });
    await tick();
    // It divides by the seconds since it was asked before.
    await sleep(1100);
    const names = Object.keys(await values());
    const heads = new Set(names.map((name) => name.split('.')[0]));
    expect(heads).toEqual(
      new Set([
        'diskstats_iops',
        'diskstats_latency',
        'diskstats_throughput',
        'diskstats_utilization',
      ]),
    );
    expect(names.some((name) => name.split('.').length === 3)).toBe(true);
    expect(troubles()).toEqual([]);
  });

  test.each([
    'cpu',
    'df',
    'df_inode',
    'entropy',
    'forks',
    'interrupts',
    'irqstats',
    'memory',
    'proc_pri',
    'processes',
    'swap',
    'uptime',
    'users',
    'vmstat',
  ])('%s says nothing that cannot be read', async (name) => {
    const { troubles, tick } = plugin(name);
    expect(await tick()).not.toEqual([]);
    expect(troubles()).toEqual([]);
  });
});

describeWithPeer('monitoring-plugins', 'real monitoring plugins', () => {
  const plugin = (...command: readonly string[]) =>
    running({
      command: [`/usr/lib/nagios/plugins/${command[0]}`, ...command.slice(1)],
      format: 'nagios',
    });

  test('check_load', async () => {
    const { values, lines } = plugin('check_load', '-w', '1000,1000,1000', '-c', '2000,2000,2000');
    const { 'check_load.status': status, ...loads } = await values();
    expect(status).toBe(0);
    expect(Object.keys(loads)).toEqual([
      'check_load.load1',
      'check_load.load5',
      'check_load.load15',
    ]);
    expect(lines('diamond').map(pathOf)).toContain('servers.web01.check_load.load15');
  });

  test('check_disk is in bytes', async () => {
    const { tick } = plugin('check_disk', '-w', '0%', '-c', '0%', '-p', '/');
    const root = (await tick()).find(({ series }) => series.metric.name === 'check_disk.root');
    expect(root?.series.metric.unit).toBe('bytes');
    expect(root?.value).toBeGreaterThan(1e6);
  });

  test.each([0, 1, 2, 3])('check_dummy %i', async (status) => {
    const { values, troubles } = plugin('check_dummy', String(status), 'as you like it');
    expect(await values()).toEqual({ 'check_dummy.status': status });
    expect(troubles()).toEqual([]);
  });

  test('check_procs and check_swap, whatever they say', async () => {
    for (const name of ['check_procs', 'check_swap']) {
      const { values, troubles } = plugin(name, '-w', '99999', '-c', '99999');
      expect(Object.keys(await values())).toContain(`${name}.status`);
      expect(troubles()).toEqual([]);
    }
  });
});

describeWithPeer('collectd', 'a script for collectd’s exec plugin', () => {
  // collectd has it ignore SIGPIPE: it ends by itself when nobody reads it any more.
  const SCRIPT = `#!/bin/sh
while true; do
  echo "PUTVAL \\"$COLLECTD_HOSTNAME/exec-magic/gauge-magic_level\\" interval=$COLLECTD_INTERVAL N:42" || exit
  echo "PUTVAL $COLLECTD_HOSTNAME/magic/load interval=$COLLECTD_INTERVAL N:1:2.5:3"
  echo "PUTVAL $COLLECTD_HOSTNAME/exec-a.b/if_octets-eth0 interval=$COLLECTD_INTERVAL N:1000:2000"
  echo "PUTVAL \\"other.host/exec-x y/counter\\" N:7"
  sleep 0.5
done
`;

  test('has the names and values that a real collectd sends, side by side', async () => {
    const folder = scratch();
    // The user of collectd's script has to get there.
    chmodSync(folder, 0o755);
    const script = join(folder, 'script');
    writeFileSync(script, SCRIPT, { mode: 0o755 });
    await using sink = await Sink.listen();
    await using _collectd = Collectd.start(
      'web01',
      ['exec'],
      `<Plugin exec>\n  Exec "nobody:nogroup" "${script}"\n</Plugin>
<Plugin write_graphite>
  <Node it>\n Host "127.0.0.1"\n Port "${sink.port}"\n </Node>
</Plugin>\n`,
    );
    const { tick, values, lines, troubles } = running({ command: [script], format: 'collectd' });
    await tick();
    let ours: readonly string[] = [];
    while (ours.length < 7) {
      await sleep(50);
      await values();
      ours = lines('collectd', { counters: 'rates' });
    }
    expect(troubles()).toEqual([]);
    while (sink.sent().size < 7) await sleep(50);
    const theirs = [...sink.sent()].map(([path, slots]) => `${path} ${[...slots.values()].at(-1)}`);
    const rounded = ours.map((line) => {
      const [path = '', value] = line.split(' ');
      return `${path} ${Number(value)}`;
    });
    expect(rounded.sort()).toEqual(theirs.sort());
  });
});

describeWithPeer('netdata', 'a plugin of Netdata’s', () => {
  test('charts.d with its example', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'charts.d'));
    writeFileSync(join(folder, 'charts.d.conf'), 'example=force\n');
    writeFileSync(join(folder, 'charts.d/example.conf'), 'example_magic_number=12345\n');
    const { tick, values, lines } = running({
      command: ['/usr/lib/netdata/plugins.d/charts.d.plugin', '1', 'example'],
      format: 'netdata',
      environment: {
        ...{
          NETDATA_USER_CONFIG_DIR: folder,
          NETDATA_CACHE_DIR: folder,
          NETDATA_UPDATE_EVERY: '1',
        },
      },
    });
    await tick();
    let seen: Record<string, number> = {};
    while (!('example.random.random1' in seen)) {
      await sleep(50);
      seen = await values();
    }
    expect(lines('diamond').map(pathOf)).toEqual([
      ...[1, 2, 3].map((n) => `servers.web01.example.random.random${n}`),
      'servers.web01.example.random2.random',
      'servers.web01.netdata.plugin_chartsd_example.run_time',
    ]);
  });
});
