import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { Collectd, Sink } from '../support/collectd.ts';
import { Gmond } from '../support/gmond.ts';
import { describeWithPeer } from '../support/peers.ts';
import { cullinan, PROGRAM } from '../support/program.ts';

/** What is imported is what runs: the same file is read by both. */
const configuration = (port: number) => `Hostname "web01.example.net"
FQDNLookup false
BaseDir "FOLDER"
PIDFile "FOLDER/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 1
LoadPlugin cpu
LoadPlugin df
LoadPlugin disk
LoadPlugin interface
LoadPlugin load
LoadPlugin memory
LoadPlugin swap
LoadPlugin vmem
LoadPlugin uptime
LoadPlugin processes
LoadPlugin contextswitch
LoadPlugin tail
LoadPlugin write_graphite
LoadPlugin match_regex
<Plugin cpu>
  ValuesPercentage true
</Plugin>
<Plugin df>
  MountPoint "/"
  ReportInodes true
</Plugin>
<Plugin interface>
  Interface "/^(veth|docker)/"
  IgnoreSelected true
</Plugin>
<Plugin disk>
  Disk "/^loop[[:digit:]]/"
  Disk "/^ram/"
  IgnoreSelected true
</Plugin>
<Plugin tail>
  <File "FOLDER/shop.log">
    Instance "shop"
    <Match>
      Regex "\\\\<order [0-9]+ took"
      DSType "CounterInc"
      Type "counter"
      Instance "orders.all"
    </Match>
    <Match>
      Regex "took ([0-9]+) ms"
      DSType "GaugeMax"
      Type "gauge"
    </Match>
    <Match>
      Regex "took ([0-9]+) ms"
      <DSType "Distribution">
        Percentile 80
        Bucket 0 0.5
        Bucket 0.5 10
        Bucket 10 0
      </DSType>
      Type "latency"
      Instance "orders"
    </Match>
  </File>
</Plugin>
<Plugin write_graphite>
  <Node "carbon">
    Host "127.0.0.1"
    Port "${port}"
    Prefix "hosts."
    SeparateInstances true
  </Node>
</Plugin>
PostCacheChain "PostCache"
<Chain "PostCache">
  <Rule "no_caches">
    <Match "regex">
      Plugin "^memory$"
      TypeInstance "^slab"
    </Match>
    Target "stop"
  </Rule>
  Target "write"
</Chain>
`;

/** docs/dialects/ganglia.md says why. */
const NOT_HERE: ReadonlySet<string> = new Set(['cpu_aidle', 'cpu_speed', 'gexec']);

const diamond = (archive: string) => `[server]
handlers = diamond.handler.archive.ArchiveHandler
[handlers]
[[ArchiveHandler]]
log_file = ${archive}
[collectors]
[[default]]
interval = 10
path_prefix = hosts
[[CPUCollector]]
enabled = True
percore = False
metrics_blacklist = total\\.guest
[[MemoryCollector]]
enabled = True
metrics_whitelist = Mem
[[NetworkCollector]]
enabled = True
byte_unit = byte
[[DiskUsageCollector]]
enabled = True
devices = nvme[0-9]+n[0-9]+$
[[LoadAverageCollector]]
enabled = True
path = load
[[VMStatCollector]]
enabled = True
[[UptimeCollector]]
enabled = True
[[SockstatCollector]]
enabled = True
[[TCPCollector]]
enabled = True
allowed_names = CurrEstab, ActiveOpens, RetransSegs
[[UDPCollector]]
enabled = True
[[ProcessStatCollector]]
enabled = True
`;

/** collectd leaves out what a disk has never done; docs/dialects/collectd.md. */
const EXCUSED = /[.]disk[.]\w+[.](disk_(octets|ops|time|merged|io_time)|pending_operations)\b/;

describe('a configuration that was imported', () => {
  test('is written for its owner alone where it has passwords in it, and never over another', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
    const output = join(folder, 'cullinan.yaml');
    const words = ['import', 'collectd', 'test/fixtures/import/collectd/collectd.conf'];
    const printed = await cullinan(words);
    expect(printed).toMatchObject({ code: 0 });
    expect(printed.stdout).toContain(
      `password: \${file:/etc/cullinan/secrets/handlers.http.password}`,
    );
    expect(printed.stdout + printed.stderr).not.toContain('weCh3ik0');
    expect(printed.stderr).toMatch(/^Carried over \d+ of \d+ lines[.]\nNot carried over:\n/);
    expect(await cullinan([...words, '--output', output])).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(output, 'utf8')).toContain('password: weCh3ik0');
    expect(statSync(output).mode & 0o777).toBe(0o600);
    expect(await cullinan([...words, '--output', output])).toMatchObject({ code: 64 });
    expect(await cullinan(['import', 'nagios', output])).toMatchObject({ code: 64 });
    expect(await cullinan(['import', 'collectd', join(folder, 'nowhere')])).toMatchObject({
      code: 78,
      stdout: '',
    });
    rmSync(folder, { recursive: true, force: true });
  });

  test('is compared with what stood packed on standard input', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
    const [packed, after] = [join(folder, 'before.gz'), join(folder, 'after.txt')];
    writeFileSync(packed, gzipSync('servers.web01.cpu.total.user 1 1\nservers.web01.gone 1 1\n'));
    writeFileSync(after, 'servers.web01.cpu.total.user\n');
    const words = [PROGRAM, 'diff-names', '-', after];
    const { stderr, status } = spawnSync(process.execPath, words, {
      input: readFileSync(packed),
      encoding: 'utf8',
    });
    expect(stderr).toContain('1 stay, 1 go, 0 come');
    expect(status).toBe(2);
    rmSync(folder, { recursive: true, force: true });
  });

  test('sends the names that Diamond sent, and no others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
    const archive = join(folder, 'archive.log');
    const conf = join(folder, 'diamond.conf');
    writeFileSync(conf, diamond(archive));
    const output = join(folder, 'cullinan.yaml');
    expect(await cullinan(['import', 'diamond', conf, '-o', output])).toMatchObject({ code: 0 });
    const replayed = ['replay', 'test/fixtures/numa-64', '--config', output, '--send'];
    expect(await cullinan(replayed)).toMatchObject({ code: 0 });
    const lines = readFileSync(archive, 'utf8').trimEnd().split('\n');
    const names = new Set(lines.map((line) => line.replace(/ .*$/, '')));
    // Devices by what they are.
    const kinds = new Set(
      [...names].map((name) => name.replace(/[.](network|iostat)[.][^.]+[.]/, '.$1.*.')),
    );
    await expect(`${[...kinds].sort().join('\n')}\n`).toMatchFileSnapshot(
      '../golden/import/diamond-names.txt',
    );
    rmSync(folder, { recursive: true, force: true });
  });

  describeWithPeer('collectd', 'beside the real collectd that it was imported from', () => {
    test('names are the same', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
      await using theirs = await Sink.listen();
      await using ours = await Sink.listen();
      await using collectd = Collectd.startWith(configuration(theirs.port));
      const { code, stdout, stderr } = await cullinan(['import', 'collectd', collectd.file]);
      expect(code, stderr).toBe(0);
      const config = join(folder, 'cullinan.yaml');
      writeFileSync(
        config,
        stdout
          .replace(`port: ${theirs.port}`, `port: ${ours.port}`)
          .replace('  logs:\n', `  logs:\n    state: ${join(folder, 'state')}\n`),
      );
      const log = join(dirname(collectd.file), 'shop.log');
      const shop = setInterval(() => appendFileSync(log, 'order 7 took 12 ms\n'), 100);
      expect(await cullinan(['check', '--config', config])).toMatchObject({ code: 0 });
      const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
        stdio: 'ignore',
      });
      const gone = once(agent, 'exit');
      const counted = 'tail.shop.counter.orders_all';
      try {
        await vi.waitFor(
          () => {
            for (const sink of [theirs, ours]) {
              const [, slots] = [...sink.sent()].find(([path]) => path.includes('uptime')) ?? [];
              expect(slots?.size).toBeGreaterThan(4);
              expect([...sink.sent().keys()].filter((it) => it.endsWith(counted))).toHaveLength(1);
            }
          },
          { timeout: 60_000, interval: 250 },
        );
      } finally {
        clearInterval(shop);
        agent.kill('SIGKILL');
        await gone;
        rmSync(folder, { recursive: true, force: true });
      }
      const names = (sink: Sink): string[] =>
        [...sink.sent().keys()].filter((path) => !EXCUSED.test(path)).sort();
      expect(names(theirs).length).toBeGreaterThan(100);
      expect(names(theirs).every((path) => path.startsWith('hosts.web01_example_net.'))).toBe(true);
      expect(names(ours)).toEqual(names(theirs));
    });
  });

  describeWithPeer('gmond', 'in the place of the real gmond that it was imported from', () => {
    test('the same metrics are heard and shown', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
      await using gmond = await Gmond.start({ pace: 2 });
      const names = async (): Promise<string[]> => {
        const [host] = [...(await gmond.hosts()).values()];
        return [...(host?.metrics.keys() ?? [])].filter((it) => !NOT_HERE.has(it)).sort();
      };
      await vi.waitFor(async () => expect(await names()).toContain('part_max_used'), {
        timeout: 30_000,
        interval: 250,
      });
      const theirs = await names();
      const output = join(folder, 'cullinan.yaml');
      const ended = await cullinan(['import', 'gmond', gmond.file, '-o', output]);
      expect(ended.code, ended.stderr).toBe(0);
      await gmond.kill();
      const agent = spawn(process.execPath, [PROGRAM, 'run', '--config', output], {
        stdio: 'ignore',
      });
      const gone = once(agent, 'exit');
      try {
        await vi.waitFor(async () => expect(await names()).toEqual(theirs), {
          timeout: 40_000,
          interval: 250,
        });
        expect(theirs.length).toBeGreaterThan(25);
      } finally {
        agent.kill('SIGKILL');
        await gone;
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
});
