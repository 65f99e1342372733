import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Exposition, NodeExporter } from '../support/node-exporter.ts';
import { describeWithPeer } from '../support/peers.ts';
import { cullinan } from '../support/program.ts';

// biome-ignore format: a list of words
const COLLECTORS = [
  'cpu', 'meminfo', 'diskstats', 'filesystem', 'netdev', 'loadavg', 'vmstat', 'stat', 'time',
  'sockstat', 'netstat', 'filefd', 'entropy', 'pressure', 'processes', 'uname',
];

/** What node_exporter reports unless told otherwise and we do not: it has every field and interface. */
const CONFIGURATION = `
collectors:
  memory: { detailed: true }
  network: { interfaces: { exclude: [lo] } }
`;

/** What only node_exporter has; docs/dialects/prometheus.md says why. */
const THEIRS_ALONE: readonly RegExp[] = [
  /^node_(scrape_collector|exporter_build|time|uname)_/,
  /^promhttp_/,
  /^node_memory_HugePages_(Total|Free|Rsvd|Surp)$/,
  /^node_disk_(info|filesystem_info|device_mapper_info|ata_)/,
  /^node_disk_\w+\{device="z?ram\d+"\}$/,
  /^node_disk_\w+\{device="(sr|nbd)\d+"\}$/,
  /^node_network_receive_nohandler_total\{/,
  /^node_filesystem_(readonly|device_error|mount_info)\{/,
  /^node_filesystem_files(_free)?\{.*fstype="(btrfs|vfat)"/,
  /^node_entropy_pool_size_bits$/,
  /^node_sockstat_(TCP|UDP)_mem_bytes$/,
  /^node_processes_threads_state\{/,
];

/** What only we have, under a name of node_exporter's. */
const OURS_ALONE: readonly RegExp[] = [
  // Not from its collectors above: netclass has it.
  /^node_network_speed_bytes\{/,
  // More fields than it publishes unless told otherwise.
  /^node_(vmstat|netstat)_/,
  /^node_filesystem_device_error\{/,
  // It leaves a state out that no process is in.
  /^node_processes_state\{/,
  // Mount points that Debian's build leaves out.
  /^node_filesystem_\w+\{.*mountpoint="\/(run|mnt|media)\//,
  /^node_filesystem_\w+\{.*fstype="overlay"/,
];

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/**
 * By how much a value may lie outside of what node_exporter said right before and right after; nothing
 * where none of these fits. Levels move while nobody looks; the kernel settles a sleeping CPU's account
 * late, and adds up stalls every two seconds.
 */
const TOLERANCES: readonly (readonly [RegExp, number])[] = [
  [/^node_cpu_seconds_total\{.*mode="(idle|iowait)"/, 0.1],
  [/^node_cpu_(guest_)?seconds_total/, 0.02],
  [/^node_pressure_/, 2.1],
  // A guest that another test starts is promised all that it may ever use.
  [/^node_memory_Committed_AS_/, 16 * GIB],
  [/^node_memory_/, GIB],
  [/^node_filesystem_(avail|free)_bytes/, GIB],
  [/^node_filesystem_files_free/, 100_000],
  [/^node_load/, 1],
  [/^node_(procs|processes)_/, 100],
  [/^node_sockstat_\w+_mem$/, (64 * MIB) / 4096],
  [/^node_(sockstat_|netstat_Tcp_CurrEstab)/, 100],
  [/^node_filefd_allocated/, 2000],
  [/^node_disk_io_now/, 200],
  [/^node_entropy_available_bits/, 4096],
  // Derived from the wall clock, which may be set.
  [/^node_boot_time_seconds/, 1],
];

const toleranceOf = (series: string): number =>
  TOLERANCES.find(([pattern]) => pattern.test(series))?.[1] ?? 0;

/** `path value time` lines. */
const parse = (text: string): Exposition =>
  new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, path = '', value] = /^(.*) (\S+) \d+$/.exec(line) ?? [];
        return [path, Number(value)];
      }),
  );

const missing = (from: Exposition, among: Exposition, excused: readonly RegExp[]): string[] =>
  [...from.keys()].filter(
    (series) => !among.has(series) && !excused.some((pattern) => pattern.test(series)),
  );

describeWithPeer('prometheus-node-exporter', 'beside a real node_exporter', () => {
  let folder: string;
  let before: Exposition;
  let ours: Exposition;
  let after: Exposition;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cullinan-node-exporter-'));
    const config = join(folder, 'cullinan.yaml');
    writeFileSync(config, CONFIGURATION);
    await using exporter = await NodeExporter.start(COLLECTORS);
    // The first one is slower, and reports what it has just started itself.
    await exporter.scrape();
    before = await exporter.scrape();
    const words = ['once', '--config', config, '--over', '0s', '--raw', '--dialect', 'prometheus'];
    const { stdout } = await cullinan(words);
    after = await exporter.scrape();
    ours = parse(stdout);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every series of its collectors is here, under its name and labels', () => {
    expect(missing(before, ours, THEIRS_ALONE)).toEqual([]);
  });

  test('nothing else here has one of its names', () => {
    const borrowed = new Map([...ours].filter(([series]) => series.startsWith('node_')));
    expect(missing(borrowed, after, OURS_ALONE)).toEqual([]);
  });

  test('every value lies between what it said before and after', () => {
    const apart: string[] = [];
    let compared = 0;
    for (const [series, value] of ours) {
      const [first, last] = [before.get(series), after.get(series)];
      if (first === undefined || last === undefined) continue;
      compared += 1;
      const slack = toleranceOf(series);
      // Both print the shortest digits of sums that may differ in the last.
      const rounding = Math.abs(value) * 1e-12;
      const least = Math.min(first, last) - slack - rounding;
      const most = Math.max(first, last) + slack + rounding;
      if (value < least || value > most) apart.push(`${series} ${value}, not ${first} to ${last}`);
    }
    expect(apart).toEqual([]);
    expect(compared).toBeGreaterThan(100);
  });

  test('every series with another name is spelled as Prometheus takes it', () => {
    const label = /[a-zA-Z_]\w*="(?:[^\\"\n]|\\[\\"n])*"/.source;
    const spelled = new RegExp(`^[a-zA-Z_:][\\w:]*(\\{${label}(,${label})*\\})?$`);
    expect([...ours.keys()].filter((series) => !spelled.test(series))).toEqual([]);
  });
});
