import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Collectd, type Sent, Sink } from '../support/collectd.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';

const HOST = 'web01.example.net';
/** Seconds for which both run side by side. */
const TOGETHER = 12;

// biome-ignore format: a list of words
const PLUGINS = [
  'cpu', 'memory', 'df', 'disk', 'interface', 'load', 'swap', 'vmem', 'uptime', 'processes',
  'contextswitch', 'entropy',
];

/** What collectd observes unless told otherwise and we do not, and two filesystems for both. */
const OBSERVED = `
  paging: { detailed: true }
  network: { interfaces: { exclude: [] } }
  disk: { devices: { exclude: [] } }
  filesystem: { types: { exclude: [] }, mountpoints: { include: [/, /dev/shm], exclude: [] } }
`;
const MOUNTS = 'MountPoint "/"\n  MountPoint "/dev/shm"';

/** An agent or a peer under each of the options that both have, by the port of each. */
interface Variant {
  readonly name: string;
  /** write_graphite's options. */
  readonly theirs: string;
  /** The same as options of the dialect. */
  readonly ours: string;
}
const VARIANTS: readonly Variant[] = [
  { name: 'rates', theirs: 'Prefix "collectd."', ours: 'prefix: "collectd."' },
  { name: 'raw', theirs: 'StoreRates false', ours: 'storeRates: false' },
  {
    name: 'levels',
    theirs:
      'SeparateInstances true\nAlwaysAppendDS true\nPreserveSeparator true\nReverseHost true\nPostfix "-x"',
    ours: 'separateInstances: true, alwaysAppendDS: true, preserveSeparator: true, reverseHost: true, postfix: "-x"',
  },
  {
    name: 'short',
    theirs: 'DropDuplicateFields true\nEscapeCharacter "-"',
    ours: 'dropDuplicateFields: true, escapeCharacter: "-"',
  },
  {
    name: 'tags',
    theirs: 'UseTags true\nReverseHost true',
    ours: 'useTags: true, reverseHost: true',
  },
  {
    name: 'short-tags',
    theirs:
      'UseTags true\nDropDuplicateFields true\nAlwaysAppendDS true\nPrefix "a."\nPostfix ".z"',
    ours: 'useTags: true, dropDuplicateFields: true, alwaysAppendDS: true, prefix: "a.", postfix: ".z"',
  },
];

/** What each of them sent, under each variant. */
interface Run extends AsyncDisposable {
  readonly theirs: Readonly<Record<string, Sent>>;
  readonly ours: Readonly<Record<string, Sent>>;
  readonly ends: Readonly<Record<'theirs' | 'ours', ReadonlySet<string>>>;
}

/**
 * Runs both side by side until each has sent for long enough.
 *
 * @param plugins `<Plugin …>` blocks of collectd.
 * @param options the same as options of the dialect, for every variant.
 */
async function run(plugins: string, options: string, variants = VARIANTS): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-beside-'));
  const begun: AsyncDisposable[] = [];
  const sinks = { theirs: new Map<string, Sink>(), ours: new Map<string, Sink>() };
  for (const { name } of variants) {
    for (const side of [sinks.theirs, sinks.ours]) {
      const sink = await Sink.listen();
      side.set(name, sink);
      begun.push(sink);
    }
  }
  const portOf = (side: keyof typeof sinks, name: string) => sinks[side].get(name)?.port;
  const nodes = variants.map(
    ({ name, theirs }) =>
      `<Node "${name}">\nHost "127.0.0.1"\nPort "${portOf('theirs', name)}"\n${theirs}\n</Node>\n`,
  );
  const handlers = variants.map(
    ({ name, ours }) =>
      `  ${name}: { type: graphite, host: 127.0.0.1, port: ${portOf('ours', name)}, ` +
      `dialect: { name: collectd, ${[ours, options].filter((it) => it !== '').join(', ')} } }\n`,
  );
  const config = join(folder, 'cullinan.yaml');
  writeFileSync(
    config,
    `interval: 1s\nhostname: { name: ${HOST} }\ncollectors:${OBSERVED}handlers:\n${handlers.join('')}`,
  );
  const writes = `<Plugin write_graphite>\n${nodes.join('')}</Plugin>\n`;
  begun.push(Collectd.start(HOST, PLUGINS, `${plugins}\n${writes}`));
  const child = spawn(process.execPath, [PROGRAM, 'run', '--config', config], { stdio: 'ignore' });
  begun.push({ [Symbol.asyncDispose]: () => end(child) });
  const dispose = async () => {
    for (const each of begun.reverse()) await each[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const everybody = [...sinks.theirs.values(), ...sinks.ours.values()];
  const waited = vi.waitFor(
    () => {
      for (const sink of everybody) {
        const times = [...sink.sent()].find(([path]) => path.includes('uptime'))?.[1].size ?? 0;
        expect(times).toBeGreaterThan(TOGETHER);
      }
    },
    { timeout: 60_000, interval: 500 },
  );
  await waited.catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  const sent = (side: keyof typeof sinks) =>
    Object.fromEntries([...sinks[side]].map(([name, sink]) => [name, sink.sent()]));
  const endsOf = (side: keyof typeof sinks) =>
    new Set([...sinks[side].values()].flatMap((sink) => [...sink.lines().ends]));
  return {
    theirs: sent('theirs'),
    ours: sent('ours'),
    ends: { theirs: endsOf('theirs'), ours: endsOf('ours') },
    [Symbol.asyncDispose]: dispose,
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/**
 * What only we have among the plugins' names; docs/dialects/collectd.md says why. collectd leaves out what
 * a disk has never done; what it has no name for at all is called gauge or derive.
 */
const OURS_ALONE: readonly RegExp[] = [
  /\b(gauge|derive)\b/,
  /\bdisk[-.\w=;]*disk_(octets|ops|time|merged|io_time)\b/,
  /\bpending_operations\b/,
];

/** What only collectd has. A disk without requests in an interval has no mean time of a request. */
const THEIRS_ALONE: readonly RegExp[] = [/\bdisk_time\b/];

const PLUGIN = new RegExp(`(?:^|[.;=])(?:plugin=)?(?:${PLUGINS.join('|')})(?:[-.;]|$)`);

const missing = (from: Sent | undefined, among: Sent | undefined, excused: readonly RegExp[]) =>
  [...(from?.keys() ?? [])].filter(
    (path) =>
      PLUGIN.test(path) &&
      among?.has(path) !== true &&
      !excused.some((pattern) => pattern.test(path)),
  );

const valuesOf = (slots: ReadonlyMap<number, number>, from: number, to: number): number[] =>
  [...slots].filter(([time]) => time >= from && time <= to).map(([, value]) => value);

describeWithPeer('collectd', 'beside a real collectd', () => {
  describe('with the options that neither was given', () => {
    let it: Run;

    beforeAll(async () => {
      it = await run(`<Plugin df>\n  ${MOUNTS}\n</Plugin>`, '');
    });
    afterAll(() => it[Symbol.asyncDispose]());

    test.each(VARIANTS)('every name of its is here: $name', ({ name }) => {
      expect(it.theirs[name]?.size).toBeGreaterThan(100);
      expect(missing(it.theirs[name], it.ours[name], THEIRS_ALONE)).toEqual([]);
    });

    test.each(VARIANTS)('nothing else here looks like one of its: $name', ({ name }) => {
      expect(missing(it.ours[name], it.theirs[name], OURS_ALONE)).toEqual([]);
    });

    test('lines end as its lines do', () => {
      expect(it.ends.theirs).toEqual(new Set(['\r\n']));
      expect(it.ends.ours).toEqual(it.ends.theirs);
    });

    test('every total of a counter lies between the ones we read before and after', () => {
      expectCounters(it.theirs['raw'], it.ours['raw']);
    });

    test('every rate comes to the same over the time they ran', () => {
      expectRates(it.theirs['rates'], it.ours['rates']);
    });

    test('every level is one that we saw around that time', () => {
      expectLevels(it.theirs['rates'], it.ours['rates']);
    });
  });

  test.concurrent('with percentages and the other options of the plugins, names and levels are the same', async () => {
    const variant = { name: 'percent', theirs: '', ours: '' };
    await using it = await run(
      `<Plugin cpu>
  ReportGuestState true
  ValuesPercentage true
  ReportNumCpu true
</Plugin>
<Plugin memory>
  ValuesPercentage true
</Plugin>
<Plugin df>
  ${MOUNTS}
  ReportInodes true
  ValuesPercentage true
</Plugin>
<Plugin load>
  ReportRelative true
</Plugin>
<Plugin swap>
  ReportIO false
</Plugin>
<Plugin vmem>
  Verbose true
</Plugin>`,
      'cpu: { reportGuestState: true, valuesPercentage: true, reportNumCpu: true }, ' +
        'memory: { valuesPercentage: true }, df: { reportInodes: true, valuesPercentage: true }, ' +
        'load: { reportRelative: true }, swap: { reportIO: false }, vmem: { verbose: true }',
      [variant],
    );
    expect(missing(it.theirs['percent'], it.ours['percent'], THEIRS_ALONE)).toEqual([]);
    expect(missing(it.ours['percent'], it.theirs['percent'], OURS_ALONE)).toEqual([]);
    expectLevels(it.theirs['percent'], it.ours['percent']);
  });

  test.concurrent('with all CPUs as one and filesystems by device, names are the same', async () => {
    const variant = { name: 'one', theirs: '', ours: '' };
    await using it = await run(
      `<Plugin cpu>
  ReportByCpu false
  ReportByState false
</Plugin>
<Plugin df>
  MountPoint "/"
  ReportByDevice true
  ValuesAbsolute false
  ValuesPercentage true
</Plugin>`,
      'cpu: { reportByCpu: false, reportByState: false }, ' +
        'df: { reportByDevice: true, valuesAbsolute: false, valuesPercentage: true }',
      [variant],
    );
    expect(missing(it.theirs['one'], it.ours['one'], THEIRS_ALONE)).toEqual([]);
    // Ours has /dev/shm too.
    expect(missing(it.ours['one'], it.theirs['one'], [...OURS_ALONE, /\bdf-/])).toEqual([]);
    expectLevels(it.theirs['one'], it.ours['one']);
  });
});

/** The values that count something. */
const COUNTER =
  /[.](cpu-\d+[.]cpu-\w+|disk_(octets|ops|merged|io_time)[.]\w+|if_\w+[.]\w+|swap_io-\w+|vmpage_(io|faults|action)\S*|fork_rate|contextswitch)$/;

/**
 * Both read at moments of their own: a total that grows lies between the readings around it. The
 * kernel settles the account of a sleeping CPU late, and may take some ticks of it back.
 */
function expectCounters(theirs: Sent | undefined, ours: Sent | undefined): void {
  const apart: string[] = [];
  let compared = 0;
  for (const [path, slots] of theirs ?? []) {
    const mine = ours?.get(path);
    if (mine === undefined || !COUNTER.test(path)) continue;
    const slack = /cpu-(idle|wait)$/.test(path) ? 5 : 0;
    // Ours are read right after the second they bear, but for the first one.
    const [first = 0] = mine.keys();
    for (const [time, value] of slots) {
      if (time <= first + 1) continue;
      const least = Math.min(...valuesOf(mine, Math.max(first + 1, time - 2), time - 1)) - slack;
      const most = Math.max(...valuesOf(mine, time + 1, time + 3)) + slack;
      if (!Number.isFinite(least) || !Number.isFinite(most)) continue;
      compared += 1;
      if (value < least || value > most) {
        apart.push(`${path} at ${time}: ${value}, not ${least} to ${most}`);
      }
    }
  }
  expect(compared).toBeGreaterThan(500);
  expect(apart).toEqual([]);
}

/** Over the whole time rates differ by what happens in three of its seconds, at most. */
function expectRates(theirs: Sent | undefined, ours: Sent | undefined): void {
  const apart: string[] = [];
  let compared = 0;
  for (const [path, slots] of theirs ?? []) {
    const mine = ours?.get(path);
    if (mine === undefined || !COUNTER.test(path)) continue;
    const from = Math.max(Math.min(...slots.keys()), Math.min(...mine.keys()));
    const to = Math.min(Math.max(...slots.keys()), Math.max(...mine.keys()));
    const [a, b] = [valuesOf(slots, from, to), valuesOf(mine, from, to)];
    const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
    const slack = 3 * Math.max(...a, ...b) + 1;
    compared += 1;
    if (Math.abs(sum(a) - sum(b)) > slack) {
      apart.push(`${path}: ${sum(a)} and ${sum(b)}, more than ${slack} apart`);
    }
  }
  expect(compared).toBeGreaterThan(50);
  expect(apart).toEqual([]);
}

const MIB = 2 ** 20;

/**
 * By how much a level may once move between two readings of ours, unseen by us: other tests run
 * beside this one. Usually it is a 32nd of this.
 */
const TOLERANCES: readonly (readonly [RegExp, number])[] = [
  [/[.]memory-/, 512 * MIB],
  [/[.]df_complex-/, 512 * MIB],
  [/[.]vmpage_number-/, (512 * MIB) / 4096],
  [/[.]df_inodes-/, 20_000],
  [/[.]load[.]/, 0.5],
  [/[.]ps_state-/, 200],
  [/[.]pending_operations/, 1000],
  // A tick that a busy machine ran late.
  [/[.]uptime$/, 5],
  [/[.]swap-/, 64 * MIB],
  // Percent of a second that began at another moment.
  [/[.]cpu(-\d+)?[.]percent-/, 60],
  [/[.]percent-|[.]percent_/, 3],
];

/** Another number at every moment, as soon as other tests run beside this one: usually it is one that we saw at some time. */
const MOMENTARY = /[.]ps_state-running$/;

/**
 * Every level of theirs is one that we saw within two seconds of it, but for what moves meanwhile; and
 * most of the time nearly so.
 */
function expectLevels(theirs: Sent | undefined, ours: Sent | undefined): void {
  const apart: string[] = [];
  let compared = 0;
  for (const [path, slots] of theirs ?? []) {
    const mine = ours?.get(path);
    if (mine === undefined || COUNTER.test(path) || path.includes('.disk_time.')) continue;
    const slack = TOLERANCES.find(([pattern]) => pattern.test(path))?.[1] ?? 0;
    const beyond: number[] = [];
    for (const [time, value] of slots) {
      if (!mine.has(time - 1) || !mine.has(time + 2)) continue;
      const near = valuesOf(mine, time - 2, time + 2);
      // df's percentages are of single precision.
      const rounding = Math.abs(value) * 1e-6;
      const least = Math.min(...near) - rounding;
      const most = Math.max(...near) + rounding;
      const seen = MOMENTARY.test(path) ? [...mine.values()] : near;
      beyond.push(
        Math.max(0, Math.min(...seen) - rounding - value, value - Math.max(...seen) - rounding),
      );
      if (value < least - slack || value > most + slack) {
        apart.push(`${path} at ${time}: ${value}, not ${least} to ${most}`);
      }
    }
    compared += beyond.length;
    const usual = beyond.toSorted((x, y) => x - y)[Math.floor(beyond.length / 2)] ?? 0;
    if (usual > slack / 32) apart.push(`${path}: usually ${usual} beyond what we saw`);
  }
  expect(compared).toBeGreaterThan(100);
  expect(apart).toEqual([]);
}
