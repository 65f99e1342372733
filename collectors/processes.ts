/**
 * Processes by state, forks, context switches, interrupts, entropy, open files and inodes, and the
 * kernel's limits.
 *
 * Source  /proc/stat: `ctxt`, `processes` (forks), `procs_running`, `procs_blocked`, and the
 *         first number of `intr` and `softirq` (Linux, fs/proc/stat.c). /proc/<pid>/stat: the
 *         letter after the last parenthesis (fs/proc/array.c). /proc/sys/kernel/{pid_max,
 *         threads-max,random/entropy_avail}, /proc/sys/fs/{file-nr,inode-nr}.
 * Units   Counts; entropy in bits.
 * Access  World-readable. On a procfs mounted with hidepid other users' processes are not counted.
 *
 * Nowhere does the kernel say how many processes are in which state: each has a file of its own,
 * and reading 5,000 of them takes 34 ms of CPU time (100: 0.4 ms), more than all other collectors
 * together. So a tick lists the processes (5,000: 3 ms), reads those that are new, and of the rest
 * only fifty, those it has not read for longest. What has ended is gone at once, so the total is
 * exact; with 500 processes a state is at most ten ticks old.
 */
import {
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
  statesPerTick: z
    .int()
    .min(0)
    .default(50)
    .describe(
      'Known processes whose state is read again at a tick, longest unread first; 0 counts none.',
    ),
});

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

/** The status in a /proc/<pid>/stat: `PID (COMMAND) LETTER …`; the command may hold parentheses. */
export function parseStatus(pid: string, text: string): string {
  const match = /^ ([A-Za-z]) /.exec(text.slice(text.lastIndexOf(')') + 1, -1));
  if (match === null) throw new ParseError(`/proc/${pid}/stat has no state behind "(COMMAND)"`);
  return STATUSES[match[1] as string] ?? 'other';
}

/** Directories that are numbers. */
const isPid = (name: string): boolean => name.charCodeAt(0) >= 48 && name.charCodeAt(0) <= 57;

/**
 * Brings what is known of the processes up to date. A process that ends in mid-read has ended.
 *
 * @param known status by PID, longest unread first.
 * @param again how many of them are read again.
 * @returns what is wrong with single processes.
 */
function update(host: Host, known: Map<string, string>, again: number): readonly ParseError[] {
  const errors: ParseError[] = [];
  const read = (pid: string): void => {
    // Read anew, it goes to the end.
    known.delete(pid);
    try {
      known.set(pid, parseStatus(pid, host.proc.read(`${pid}/stat`)));
    } catch (error) {
      if (error instanceof ParseError) errors.push(error);
      else if (!(error instanceof NoData)) throw error;
    }
  };
  const listed = new Set(host.proc.list('').filter(isPid));
  for (const pid of known.keys()) if (!listed.has(pid)) known.delete(pid);
  const unread = [...listed].filter((pid) => !known.has(pid));
  let left = Math.min(again, known.size);
  for (const pid of known.keys()) {
    if (left === 0) break;
    left -= 1;
    read(pid);
  }
  for (const pid of unread) read(pid);
  return errors;
}

function* observeStates(host: Host, known: Map<string, string>, again: number) {
  yield* update(host, known, again);
  // There is always at least one process, if any of them can be seen.
  if (known.size === 0) return;
  const counts = new Map([...Object.values(STATUSES), 'other'].map((status) => [status, 0]));
  for (const status of known.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
  for (const [status, n] of counts) yield metrics.count.observe(count(n), { status });
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
    const known = new Map<string, string>();
    return {
      *collect({ host, options }) {
        yield* observeStat(host.proc.read('stat'));
        for (const [path, instruments] of SYSCTLS) {
          yield* part(() => observeSysctl(`/proc/${path}`, host.proc.read(path), instruments));
        }
        const again = options.statesPerTick;
        if (again > 0) yield* part(() => observeStates(host, known, again));
      },
      close: () => undefined,
    };
  },
});
