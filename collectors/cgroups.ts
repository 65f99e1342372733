/**
 * Control groups: what systemd's units, slices, containers and users' sessions use, and their limits.
 *
 * Source  /sys/fs/cgroup, or /sys/fs/cgroup/unified where version 1 has the place: per group cpu.stat,
 *         memory.current, memory.max, memory.swap.current, memory.events, io.stat, pids.current and
 *         pids.max, as far as its controllers are switched on (Linux,
 *         Documentation/admin-guide/cgroup-v2.rst). Version 1 is not read.
 * Units   Microseconds become seconds; bytes; counts. A limit that says `max` is absent.
 * Access  World-readable. A few small files per group and tick: 1,000 groups are 8,000 reads.
 */
import {
  bytes,
  type Chosen,
  count,
  counter,
  defineCollector,
  fields,
  gauge,
  NoData,
  ParseError,
  part,
  seconds,
  selection,
  type Tree,
  unlessAbsent,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  groups: selection().describe(
    'Which groups, by path below the root: system.slice/nginx.service, "machine.slice/*".',
  ),
  depth: z
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe('Levels below the root: 2 are slices and what stands in them.'),
  limit: z.int().min(1).max(10_000).default(500).describe('Groups that are read at most.'),
});

const labels = ['group'] as const;
const metrics = {
  cpu: counter('system.cgroup.cpu.time', {
    unit: 'seconds',
    labels: [...labels, 'state'],
    help: 'CPU time by state.',
  }),
  throttled: counter('system.cgroup.cpu.throttled_time', {
    unit: 'seconds',
    labels,
    help: 'Time in which it was kept from running by its quota.',
  }),
  periods: counter('system.cgroup.cpu.periods', {
    unit: 'count',
    labels: [...labels, 'state'],
    help: 'Periods of the quota in which it ran (all), and in which it was stopped (throttled).',
  }),
  memory: gauge('system.cgroup.memory.usage', {
    unit: 'bytes',
    labels: [...labels, 'type'],
    help: 'Memory with page cache (memory), and swap.',
  }),
  memoryLimit: gauge('system.cgroup.memory.limit', {
    unit: 'bytes',
    labels,
    help: 'Memory that it may use.',
  }),
  memoryEvents: counter('system.cgroup.memory.events', {
    unit: 'count',
    labels: [...labels, 'event'],
    help: "How often it came to a limit, by the kernel's names; oom_kill counts killed processes.",
  }),
  io: counter('system.cgroup.io', {
    unit: 'bytes',
    labels: [...labels, 'direction'],
    help: 'Bytes moved to and from all disks.',
  }),
  operations: counter('system.cgroup.io.operations', {
    unit: 'count',
    labels: [...labels, 'direction'],
    help: 'Requests to all disks.',
  }),
  pids: gauge('system.cgroup.pids.count', {
    unit: 'count',
    labels,
    help: 'Processes and threads in it and below.',
  }),
  pidsLimit: gauge('system.cgroup.pids.limit', {
    unit: 'count',
    labels,
    help: 'Processes and threads that it may have.',
  }),
};

const readCpu = fields([
  ...(['user_usec', 'system_usec', 'nr_periods', 'nr_throttled', 'throttled_usec'] as const),
]);
const EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill'] as const;
const readEvents = fields(EVENTS);

/** A file with one number; `undefined` for `max`. */
export function parseNumber(file: string, text: string): number | undefined {
  if (text === 'max\n') return undefined;
  if (/^\d{1,20}\n$/.test(text)) return Number(text);
  throw new ParseError(`${file}: "${text.slice(0, 80).trimEnd()}" is no whole number`);
}

const DIRECTIONS = [
  ['read', 'rbytes', 'rios'],
  ['write', 'wbytes', 'wios'],
  ['discard', 'dbytes', 'dios'],
] as const;

/** Sums over all disks, by the names in io.stat: `8:0 rbytes=1 wbytes=2 …` per disk. */
export function parseIo(file: string, text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [i, line] of text.split('\n').entries()) {
    const [disk = '', ...pairs] = line.trimEnd().split(' ');
    if (disk === '') continue;
    if (!/^\d+:\d+$/.test(disk)) {
      throw new ParseError(`${file} line ${i + 1}: "${line.slice(0, 80)}" begins with no disk`);
    }
    for (const pair of pairs) {
      const [, name, number] = /^(\w{1,20})=(\d{1,20})$/.exec(pair) ?? [];
      if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(number));
    }
  }
  return sums;
}

function* observe(sys: Tree, root: string, group: string) {
  const path = (file: string) => `${root}/${group}/${file}`;
  const text = (file: string) => sys.read(path(file));
  const number = (file: string) => parseNumber(`/sys/${path(file)}`, text(file));
  yield* part(function* () {
    const { values, errors } = readCpu(`/sys/${path('cpu.stat')}`, text('cpu.stat'));
    yield* errors;
    for (const state of ['user', 'system'] as const) {
      const time = values[`${state}_usec`];
      if (time !== undefined) yield metrics.cpu.observe(seconds(time / 1e6), { group, state });
    }
    const { nr_periods: all, nr_throttled: throttled, throttled_usec: stopped } = values;
    if (all === undefined || throttled === undefined || stopped === undefined) return;
    yield metrics.throttled.observe(seconds(stopped / 1e6), { group });
    yield metrics.periods.observe(count(all), { group, state: 'all' });
    yield metrics.periods.observe(count(throttled), { group, state: 'throttled' });
  });
  yield* part(function* () {
    const used = number('memory.current');
    if (used !== undefined) yield metrics.memory.observe(bytes(used), { group, type: 'memory' });
    const limit = number('memory.max');
    if (limit !== undefined) yield metrics.memoryLimit.observe(bytes(limit), { group });
    const { values, errors } = readEvents(`/sys/${path('memory.events')}`, text('memory.events'));
    yield* errors;
    for (const event of EVENTS) {
      const times = values[event];
      if (times !== undefined) yield metrics.memoryEvents.observe(count(times), { group, event });
    }
  });
  yield* part(function* () {
    const swap = number('memory.swap.current');
    if (swap !== undefined) yield metrics.memory.observe(bytes(swap), { group, type: 'swap' });
  });
  yield* part(function* () {
    const sums = parseIo(`/sys/${path('io.stat')}`, text('io.stat'));
    for (const [direction, moved, requests] of sums.size === 0 ? [] : DIRECTIONS) {
      yield metrics.io.observe(bytes(sums.get(moved) ?? 0), { group, direction });
      yield metrics.operations.observe(count(sums.get(requests) ?? 0), { group, direction });
    }
  });
  yield* part(function* () {
    const pids = number('pids.current');
    if (pids !== undefined) yield metrics.pids.observe(count(pids), { group });
    const limit = number('pids.max');
    if (limit !== undefined) yield metrics.pidsLimit.observe(count(limit), { group });
  });
}

const ROOTS = ['fs/cgroup', 'fs/cgroup/unified'];

function rootOf(sys: Tree): string {
  for (const root of ROOTS) {
    if (unlessAbsent(() => sys.list(root))?.includes('cgroup.procs')) return root;
  }
  throw new NoData('/sys/fs/cgroup holds no control groups of version 2');
}

/** Files of the kernel's; a folder has a name of somebody else's. */
const FILE = /^(cgroup|cpu|cpuset|memory|io|pids|hugetlb|rdma|misc|irq|dmem)\.[a-z0-9_.-]+$/i;

/** The groups below the root, each before those that stand in it. */
function* groupsOf(sys: Tree, root: string, depth: number, above = ''): Generator<string> {
  if (depth === 0) return;
  for (const name of foldersIn(sys, `${root}/${above}`)) {
    const group = `${above}${name}`;
    yield group;
    yield* groupsOf(sys, root, depth - 1, `${group}/`);
  }
}

/** None where a group was removed meanwhile. */
function foldersIn(sys: Tree, folder: string): readonly string[] {
  const names = unlessAbsent(() => sys.list(folder.replace(/[/]$/, '')));
  return (names ?? []).filter((name) => !FILE.test(name));
}

function* observeAll(sys: Tree, depth: number, limit: number, chosen: Chosen) {
  const root = rootOf(sys);
  let left = limit;
  for (const group of groupsOf(sys, root, depth)) {
    if (!chosen(group)) continue;
    if (left === 0) {
      yield new ParseError(
        `/sys/${root}: more than ${limit} groups. Choose some, or raise "limit".`,
      );
      return;
    }
    left -= 1;
    yield* observe(sys, root, group);
  }
}

export default defineCollector({
  name: 'cgroups',
  summary: "Control groups: what systemd's units, slices and containers use, and their limits.",
  source: '/sys/fs/cgroup (version 2)',
  enabled: false,
  options,
  metrics,
  collect: ({ host, options: { depth, limit, groups } }) =>
    observeAll(host.sys, depth, limit, groups),
});
