/**
 * Processes by state, forks, context switches, interrupts, entropy, open files and inodes, and the
 * kernel's limits.
 *
 * Source  /proc/stat: `ctxt`, `processes` (forks), `procs_running`, `procs_blocked`, and the
 *         first number of `intr` and `softirq` (Linux, fs/proc/stat.c). /proc/<pid>/stat: the
 *         letter after the last parenthesis (fs/proc/array.c). /proc/sys/kernel/{pid_max,
 *         threads-max,random/entropy_avail}, /proc/sys/fs/{file-nr,inode-nr}.
 * Units   Counts; entropy in bits.
 * Access  World-readable. On a procfs mounted with hidepid nothing is counted by state: other users'
 *         processes are hidden, and a part would pass for the whole.
 *
 * Nowhere does the kernel say how many processes are in which state: each has a file of its own,
 * and reading 5,000 of them takes 34 ms of CPU time (100: 0.4 ms), more than all other collectors
 * together. So a tick lists the processes (5,000: 3 ms) if any has begun or ended since the tick
 * before, reads those that are new, and of the rest only 25, those it has not read for longest; where
 * ticks come faster than every ten seconds, fewer. What has ended is gone at once, so the total is
 * exact; with 250 processes a state is at most ten ticks old, or 100 seconds.
 */
import {
  AccessDenied,
  columns,
  count,
  counter,
  defineCollector,
  fields,
  gauge,
  type Host,
  type Instrument,
  NoData,
  ParseError,
  parseLines,
  part,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  statesPerTick: z.int().min(0).optional().meta({
    description:
      'Known processes whose state is read again at a tick, longest unread first; 0 counts none.',
    fallback: '25, or fewer where ticks come faster than every ten seconds',
  }),
});

const MOST_AGAIN = 25;
/** Seconds in which so many are read again. */
const UNHURRIED = 10;

/** How many are read again at a tick. @param interval seconds from one tick to the next. */
const usualAgain = (interval = UNHURRIED) =>
  Math.min(MOST_AGAIN, Math.ceil((MOST_AGAIN * interval) / UNHURRIED));

const metrics = {
  count: gauge('system.processes.count', {
    unit: 'count',
    labels: ['status'],
    help: 'Processes: running, sleeping, blocked (on a disk), stopped, zombie, idle (kernel), other.',
  }),
  running: gauge('system.processes.running', {
    unit: 'count',
    help: 'Threads that run or are ready to run.',
  }),
  blocked: gauge('system.processes.blocked', {
    unit: 'count',
    help: 'Threads that wait for a disk.',
  }),
  created: counter('system.processes.created', {
    unit: 'count',
    help: 'Processes and threads created: forks and clones.',
  }),
  limit: gauge('system.processes.limit', {
    unit: 'count',
    help: 'The number that PIDs stay below (pid_max).',
  }),
  threadsLimit: gauge('system.threads.limit', {
    unit: 'count',
    help: 'Threads that may exist at a time (threads-max).',
  }),
  switches: counter('system.context_switches', { unit: 'count', help: 'Context switches.' }),
  interrupts: counter('system.interrupts', { unit: 'count', help: 'Interrupts serviced.' }),
  softirqs: counter('system.softirqs', { unit: 'count', help: 'Soft interrupts serviced.' }),
  entropy: gauge('system.entropy.available', {
    unit: 'count',
    help: 'Bits in the entropy pool; always 256 since Linux 5.18.',
  }),
  filesOpen: gauge('system.files.open', { unit: 'count', help: 'Files held open.' }),
  filesLimit: gauge('system.files.limit', {
    unit: 'count',
    help: 'Files that may be held open (file-max).',
  }),
  inodes: gauge('system.inodes.allocated', { unit: 'count', help: 'Inodes held in memory.' }),
  inodesFree: gauge('system.inodes.free', {
    unit: 'count',
    help: 'Those of them that are not in use.',
  }),
};

const STATUSES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'blocked',
  T: 'stopped',
  t: 'stopped',
  Z: 'zombie',
  I: 'idle',
};
const ALL = [...new Set([...Object.values(STATUSES), 'other'])].map((status) => ({ status }));

/** The status in a /proc/<pid>/stat: `PID (COMMAND) LETTER …`; the command may hold parentheses. */
export function parseStatus(pid: string, text: string): string {
  const at = text.lastIndexOf(')') + 1;
  const letter = text.charAt(at + 1);
  const alone = text.charAt(at) === ' ' && text.charAt(at + 2) === ' ' && at + 3 < text.length;
  if (alone && /[A-Za-z]/.test(letter)) return STATUSES[letter] ?? 'other';
  throw new ParseError(`/proc/${pid}/stat has no state behind "(COMMAND)"`);
}

/** Directories that are numbers. */
const isPid = (name: string): boolean => name.charCodeAt(0) >= 48 && name.charCodeAt(0) <= 57;

/** What is known of the processes. */
interface Known {
  /** Longest unread first. */
  readonly statuses: Map<string, string>;
  /** Processes by status. */
  readonly counts: Map<string, number>;
  /** What {@link population} was when all of them were last listed, and could be read. */
  population: string | undefined;
}

const HIDDEN =
  '/proc does not show PID 1: it is mounted with hidepid, and hides the processes of others';

const THREADS = /\/(\d+) /;

/**
 * Forks since boot and threads that there are: while both stand still, nothing has begun or ended.
 * `undefined` where the host does not say.
 */
function population(host: Host, forks: number | undefined): string | undefined {
  try {
    const threads = THREADS.exec(host.proc.read('loadavg'))?.[1];
    return forks === undefined || threads === undefined ? undefined : `${forks} ${threads}`;
  } catch (error) {
    if (error instanceof NoData) return undefined;
    throw error;
  }
}

/**
 * Brings what is known of the processes up to date. A process that ends in mid-read has ended.
 *
 * @param now the population, as it was before this.
 * @param again how many of them are read again.
 * @returns what is wrong with single processes.
 */
function update(host: Host, known: Known, now: string | undefined, again: number) {
  const { statuses, counts } = known;
  const errors: ParseError[] = [];
  const add = (status: string | undefined, n: number): void => {
    if (status !== undefined) counts.set(status, (counts.get(status) ?? 0) + n);
  };
  const forget = (pid: string): void => {
    add(statuses.get(pid), -1);
    statuses.delete(pid);
  };
  const read = (pid: string): void => {
    // Read anew, it goes to the end.
    forget(pid);
    try {
      const status = parseStatus(pid, host.proc.read(`${pid}/stat`));
      statuses.set(pid, status);
      add(status, 1);
    } catch (error) {
      if (error instanceof ParseError) errors.push(error);
      else if (!(error instanceof NoData)) throw error;
    }
  };
  const unread: string[] = [];
  if (now === undefined || now !== known.population) {
    const listed = host.proc.list('').filter(isPid);
    // There is always one with the number 1.
    if (listed.length > 0 && !listed.includes('1')) throw new AccessDenied(HIDDEN);
    for (const pid of listed) if (!statuses.has(pid)) unread.push(pid);
    if (statuses.size > listed.length - unread.length) {
      const living = new Set(listed);
      for (const pid of statuses.keys()) if (!living.has(pid)) forget(pid);
    }
  }
  // Who could not be read now is looked for again.
  known.population = undefined;
  let left = Math.min(again, statuses.size);
  for (const pid of statuses.keys()) {
    if (left === 0) break;
    left -= 1;
    read(pid);
  }
  for (const pid of unread) read(pid);
  if (errors.length === 0) known.population = now;
  return errors;
}

function* observeStates(host: Host, known: Known, forks: number | undefined, again: number) {
  yield* update(host, known, population(host, forks), again);
  // There is always at least one process, if any of them can be seen.
  if (known.statuses.size === 0) return;
  for (const labels of ALL) {
    yield metrics.count.observe(count(known.counts.get(labels.status) ?? 0), labels);
  }
}

const readStat = fields([
  ...['intr', 'ctxt', 'processes', 'procs_running', 'procs_blocked', 'softirq'],
] as const);

function* observeStat(text: string) {
  const { values, errors } = readStat('/proc/stat', text);
  yield* errors;
  const { intr, ctxt, processes, procs_running, procs_blocked, softirq } = values;
  if (procs_running !== undefined) yield metrics.running.observe(count(procs_running));
  if (procs_blocked !== undefined) yield metrics.blocked.observe(count(procs_blocked));
  if (processes !== undefined) yield metrics.created.observe(count(processes));
  if (ctxt !== undefined) yield metrics.switches.observe(count(ctxt));
  if (intr !== undefined) yield metrics.interrupts.observe(count(intr));
  if (softirq !== undefined) yield metrics.softirqs.observe(count(softirq));
  return processes;
}

/** Files of one line, and what its numbers are observed as. */
const SYSCTLS = [
  ['sys/kernel/pid_max', { first: metrics.limit }],
  ['sys/kernel/threads-max', { first: metrics.threadsLimit }],
  ['sys/kernel/random/entropy_avail', { first: metrics.entropy }],
  // The second number, allocated and not in use, is always 0 since 2.6.
  ['sys/fs/file-nr', { first: metrics.filesOpen, third: metrics.filesLimit }],
  ['sys/fs/inode-nr', { first: metrics.inodes, second: metrics.inodesFree }],
] as const;
type Numbers = { readonly [K in 'first' | 'second' | 'third']?: Instrument<'count', never> };
const readNumbers = columns(['first'], ['second', 'third']);

function* observeSysctl(file: string, text: string, { first, second, third }: Numbers) {
  const [numbers] = parseLines(file, text, (line) => readNumbers(line));
  if (numbers === undefined) throw new ParseError(`${file} is empty`);
  if (numbers instanceof Error) throw numbers;
  if (first !== undefined) yield first.observe(count(numbers.first));
  if (second && numbers.second !== undefined) yield second.observe(count(numbers.second));
  if (third && numbers.third !== undefined) yield third.observe(count(numbers.third));
}

export default defineCollector({
  name: 'processes',
  summary: 'Processes by state, forks, switches, interrupts, entropy, open files; the limits.',
  source:
    '/proc/stat; /proc/<pid>/stat of some processes; /proc/sys/kernel/{pid_max,threads-max,random/entropy_avail}; /proc/sys/fs/{file-nr,inode-nr}',
  options,
  metrics,
  open: () => {
    const known: Known = { statuses: new Map(), counts: new Map(), population: undefined };
    return {
      *collect({ host, options, interval }) {
        const forks = yield* observeStat(host.proc.read('stat'));
        for (const [path, instruments] of SYSCTLS) {
          yield* part(() => observeSysctl(`/proc/${path}`, host.proc.read(path), instruments));
        }
        const again = options.statesPerTick ?? usualAgain(interval);
        if (again > 0) yield* part(() => observeStates(host, known, forks, again));
      },
      close: () => undefined,
    };
  },
});
