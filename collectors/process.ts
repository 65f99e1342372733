/**
 * Processes in groups by regular expression: how many there are, and what they use together.
 *
 * Source  /proc/<pid>/stat of every process; of a member also status, io, the names in fd and, with
 *         `pss`, smaps_rollup (since 4.14); exe, cmdline and cgroup where a group asks for them and
 *         the name alone did not decide. See cullinan/wire/process.
 * Units   Ticks in USER_HZ (100 per second) and KiB become seconds and bytes. A group's counters
 *         hold what its members have used since the collector began, and nothing of what they used
 *         before: so they do not go back when a member ends, nor leap when one is found late. What a
 *         member used between its last reading and its end is lost.
 * Access  The exe and smaps_rollup of another user's process need CAP_SYS_PTRACE, its fd and io
 *         CAP_DAC_READ_SEARCH as well, because of their modes. Where one member's cannot be read, the group has no such figure: a part would pass for the whole.
 *         For the same reason no group has levels where /proc is mounted with hidepid.
 * Safety  Whoever may start a process chooses its command line, and none may hold up the agent:
 *         expressions run in linear time, but for those that RE2 does not know (to look ahead or
 *         behind, to refer back).
 */
import {
  AccessDenied,
  bytes,
  count,
  counter,
  defineCollector,
  Foreseen,
  gauge,
  kibibytes,
  NoData,
  nameOf,
  ParseError,
  part,
  seconds,
  type Tree,
  z,
} from 'cullinan/plugin';
import {
  decodeCgroups,
  decodeCommandLine,
  decodeIo,
  decodePss,
  decodeStat,
  decodeStatus,
  type Stat,
} from 'cullinan/wire/process';
import {
  addGrowth,
  addUsage,
  NO_SUMS,
  NOTHING_USED,
  type Usage,
  type Used,
  usedBy,
} from 'cullinan/wire/process-usage';

const expressions = z
  .array(
    z.string().superRefine((text, context) => {
      try {
        new RegExp(text, 'u');
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    }),
  )
  .default([])
  .transform((list) => list.map((text) => new RegExp(text, 'u')));

const group = z
  .strictObject({
    name: expressions.describe('The first 15 bytes of the program’s name: nginx.'),
    exe: expressions.describe('The path of the program: /usr/sbin/nginx.'),
    cmdline: expressions.describe('The command line, its words separated by blanks.'),
    cgroup: expressions.describe('The path of a control group: /system.slice/nginx.service.'),
  })
  .refine((rules) => Object.values(rules).some((list) => list.length > 0), {
    error: 'must have at least one expression under name, exe, cmdline or cgroup',
  });

const options = z.strictObject({
  groups: z
    .record(z.string().regex(/^[\w.-]+$/, 'must be letters, digits, "_", "-" and "."'), group)
    .refine((groups) => Object.keys(groups).length > 0, { error: 'must name at least one group' })
    .describe(
      'Regular expressions by group, in lists called name, exe, cmdline and cgroup: a process belongs to every group that has one for it.',
    ),
  pss: z
    .boolean()
    .default(false)
    .describe(
      'Report the proportional set size, too. The kernel walks every page of every member for it.',
    ),
});
type Rules = z.output<typeof group>;
type Kind = keyof Rules;
type Test = (text: string) => boolean;

const of = ['group'] as const;
const level = { unit: 'count', labels: of } as const;
const metrics = {
  count: gauge('system.process_group.count', { ...level, help: 'Processes.' }),
  threads: gauge('system.process_group.threads', { ...level, help: 'Threads.' }),
  files: gauge('system.process_group.open_files', { ...level, help: 'Open descriptors.' }),
  uptime: gauge('system.process_group.uptime', {
    unit: 'seconds',
    labels: of,
    help: 'Time since the oldest process was started; absent without one.',
  }),
  time: counter('system.process_group.cpu.time', {
    unit: 'seconds',
    labels: ['group', 'state'],
    help: 'CPU time used since the collector began: user, system.',
  }),
  memory: gauge('system.process_group.memory.usage', {
    unit: 'bytes',
    labels: ['group', 'type'],
    help: 'Memory: rss (shared pages counted for each process), virtual, swap, pss.',
  }),
  io: counter('system.process_group.io', {
    unit: 'bytes',
    labels: ['group', 'direction'],
    help: 'Bytes that storage had to read and write for it since the collector began.',
  }),
  faults: counter('system.process_group.page_faults', {
    unit: 'count',
    labels: ['group', 'type'],
    help: 'Page faults since the collector began: minor, major (storage was read).',
  }),
  switches: counter('system.process_group.context_switches', {
    unit: 'count',
    labels: ['group', 'type'],
    help: 'Switches of the first thread of each: voluntary (it waited), involuntary.',
  }),
};

const USER_HZ = 100;
/**
 * Every so many collections a process is judged anew: it may have become another program under the
 * same name, or moved to another control group.
 */
const JUDGE_AGAIN = 8;
/** It is judged so often in a row at first, in case it was seen between fork and exec. */
const FIRST_LOOKS = 2;

/** Makes tests of expressions, in linear time where that can be. */
async function compiler(): Promise<(rule: RegExp) => Test> {
  const { RE2JS } = await import('re2js');
  return (rule) => {
    try {
      const expression = RE2JS.compile(rule.source);
      return (text) => expression.matcher(text).find();
    } catch {
      return (text) => rule.test(text);
    }
  };
}

/** A group, in this collection and since the first. */
const createGroup = (name: string, rules: Readonly<Record<Kind, readonly Test[]>>) => ({
  rules,
  label: { group: name },
  used: { ...NOTHING_USED },
  sums: { ...NO_SUMS },
  /** What cannot be told of it in this collection, and why. */
  doubts: new Map<string, Error>(),
  /** Why a process could not be judged lately, and the turn when that was. */
  unjudged: undefined as { readonly why: Error; readonly turn: number } | undefined,
});
type Group = ReturnType<typeof createGroup>;

/** A process as it was last looked at. Another start makes it another one. */
interface Known {
  readonly started: number;
  command: string;
  groups: readonly Group[];
  /** What it had used when it was last a member, or when it was born; `undefined` of a stranger. */
  used: Readonly<Used> | undefined;
  /** Files that may not be read, which will not be tried again. */
  readonly denied: Map<string, AccessDenied>;
  looks: number;
  seen: number;
}

/** The groups that a process belongs to. The costlier facts are asked for last, each only once. */
function judge(proc: Tree, pid: string, command: string, groups: readonly Group[], turn: number) {
  const name = nameOf(command);
  const texts = new Map<string, readonly string[] | Error>();
  const ask = (key: string, read: () => readonly string[]) => {
    let answer = texts.get(key);
    if (answer === undefined) {
      try {
        answer = read().map(nameOf);
      } catch (error) {
        answer = error as Error;
      }
      texts.set(key, answer);
    }
    return answer;
  };
  const facts = {
    exe: () => [proc.link(`${pid}/exe`).replace(/ \(deleted\)$/, '')],
    cmdline: () => [decodeCommandLine(proc.read(`${pid}/cmdline`))],
    cgroup: () => decodeCgroups(proc.read(`${pid}/cgroup`)),
  };
  return groups.filter((group) => {
    const { rules } = group;
    if (rules.name.some((matches) => matches(name))) return true;
    for (const key of ['exe', 'cmdline', 'cgroup'] as const) {
      if (rules[key].length === 0) continue;
      const answer = ask(key, facts[key]);
      // What a process does not have cannot make it a member.
      if (answer instanceof NoData) continue;
      if (answer instanceof Error) {
        // The first reason stands as long as there is one, so that the log has it once.
        group.unjudged = { why: group.unjudged?.why ?? answer, turn };
        continue;
      }
      if (rules[key].some((matches) => answer.some(matches))) return true;
    }
    return false;
  });
}

const malformed = (pid: string, file: string) =>
  new ParseError(`/proc/${pid}/${file} is not as the kernel prints it`);

/**
 * What a member says of itself, and what it cannot be asked. Throws {@link NoData} if it has ended
 * meanwhile.
 */
function readMember(proc: Tree, pid: string, stat: Stat, { denied }: Known, pss: boolean) {
  const doubts = new Map<string, Error>();
  const attempt = <T>(what: string, file: string, read: (path: string) => T | undefined) => {
    try {
      const figure = denied.has(file) ? undefined : read(`${pid}/${file}`);
      if (figure === undefined) doubts.set(what, denied.get(file) ?? malformed(pid, file));
      return figure;
    } catch (error) {
      if (error instanceof AccessDenied) denied.set(file, error);
      // What this kernel does not have is missing, and no matter to speak of.
      if (!(error instanceof NoData)) doubts.set(what, error as Error);
      return undefined;
    }
  };
  // A zombie holds nothing any more, and the kernel keeps to itself what it had.
  const lives = stat.state !== 'Z' && stat.state !== 'X';
  const figures = {
    io: lives ? attempt(IO, 'io', (path) => decodeIo(proc.read(path))) : UNKNOWN,
    files: lives ? attempt(FILES, 'fd', (path) => proc.list(path).length) : 0,
    pss: lives && pss ? attempt(PSS, 'smaps_rollup', (path) => decodePss(proc.read(path))) : 0,
  };
  // The last: whoever still has a status had the other files as well, where this kernel has them.
  const status = decodeStatus(proc.read(`${pid}/status`));
  if (status === undefined) throw malformed(pid, 'status');
  if (status.resident === undefined) doubts.delete(PSS);
  const usage: Usage = { stat, status, ...figures };
  return { usage, doubts };
}
const IO = 'has no I/O';
const FILES = 'has no open files';
const PSS = 'has no pss';
/** It leaves its group the I/O that the others have. */
const UNKNOWN = { read: Number.NaN, written: Number.NaN };

function* observeLevels({ label, sums }: Group, up: number, pss: boolean) {
  const age = up - sums.oldest / USER_HZ;
  yield metrics.count.observe(count(sums.members), label);
  yield metrics.threads.observe(count(sums.threads), label);
  if (!Number.isNaN(sums.files)) yield metrics.files.observe(count(sums.files), label);
  if (Number.isFinite(age)) yield metrics.uptime.observe(seconds(Math.max(0, age)), label);
  for (const type of pss ? WITH_PSS : WITHOUT_PSS) {
    const size = sums[type];
    if (!Number.isNaN(size)) yield metrics.memory.observe(kibibytes(size), { ...label, type });
  }
}

function* observeUsed({ label, used, sums }: Group) {
  const time = (ticks: number) => seconds(ticks / USER_HZ);
  yield metrics.time.observe(time(used.user), { ...label, state: 'user' });
  yield metrics.time.observe(time(used.system), { ...label, state: 'system' });
  if (!Number.isNaN(sums.io)) {
    yield metrics.io.observe(bytes(used.read), { ...label, direction: 'read' });
    yield metrics.io.observe(bytes(used.written), { ...label, direction: 'write' });
  }
  yield metrics.faults.observe(count(used.minorFaults), { ...label, type: 'minor' });
  yield metrics.faults.observe(count(used.majorFaults), { ...label, type: 'major' });
  if (Number.isNaN(sums.switches)) return;
  yield metrics.switches.observe(count(used.voluntary), { ...label, type: 'voluntary' });
  yield metrics.switches.observe(count(used.involuntary), { ...label, type: 'involuntary' });
}
const WITHOUT_PSS = ['rss', 'virtual', 'swap'] as const;
const WITH_PSS = [...WITHOUT_PSS, 'pss'] as const;

/** Follows all processes from collection to collection, and sums up the members of the groups. */
function createWatch(groups: readonly Group[], pss: boolean) {
  const known = new Map<string, Known>();
  let turn = 0;

  function look(proc: Tree, pid: string): void {
    const before = known.get(pid);
    const young = before === undefined || before.looks < FIRST_LOOKS;
    const due = young || (turn + Number(pid)) % JUDGE_AGAIN === 0;
    if (before !== undefined) {
      before.seen = turn;
      if (before.groups.length === 0 && !due) return;
    }
    const stat = decodeStat(proc.read(`${pid}/stat`));
    if (stat === undefined) throw malformed(pid, 'stat');
    const { started, command } = stat;
    const process = before?.started === started ? before : newcomer(stat);
    if (due || process !== before || process.command !== command) {
      process.groups = judge(proc, pid, command, groups, turn);
      process.command = command;
    }
    known.set(pid, process);
    process.looks += 1;
    if (process.groups.length > 0) reckon(proc, pid, stat, process);
    // If it joins a group late, it brings nothing of what it used before.
    else if (process.looks >= FIRST_LOOKS) process.used = undefined;
  }

  const newcomer = ({ started, command }: Stat): Known => {
    // Of one that was born since the collection before, all it has used is new.
    const used = turn > 1 ? NOTHING_USED : undefined;
    return { started, command, groups: [], used, denied: new Map(), looks: 0, seen: turn };
  };

  function reckon(proc: Tree, pid: string, stat: Stat, process: Known): void {
    const { usage, doubts } = readMember(proc, pid, stat, process, pss);
    const used = usedBy(usage);
    for (const group of process.groups) {
      if (process.used !== undefined) addGrowth(group.used, process.used, used);
      addUsage(group.sums, usage);
      for (const [what, why] of doubts) group.doubts.set(what, why);
    }
    process.used = used;
  }

  /** @returns whether every process could be looked at: else a part would pass for a whole group. */
  return function* watch(proc: Tree): Generator<Error, boolean> {
    const pids = proc.list('').filter((name) => NUMBER.test(name));
    turn += 1;
    for (const group of groups) {
      Object.assign(group.sums, NO_SUMS);
      group.doubts.clear();
      if (group.unjudged && turn - group.unjudged.turn >= JUDGE_AGAIN) group.unjudged = undefined;
    }
    // There is always one with the number 1.
    let whole = pids.includes('1');
    if (!whole) yield new AccessDenied(HIDDEN);
    for (const pid of pids) {
      try {
        look(proc, pid);
      } catch (error) {
        if (error instanceof NoData) known.delete(pid);
        else {
          whole = false;
          yield error as Error;
        }
      }
    }
    for (const [pid, { seen }] of known) if (seen < turn) known.delete(pid);
    return whole;
  };
}
const NUMBER = /^\d+$/;
const HIDDEN =
  '/proc does not show PID 1: it is mounted with hidepid, and hides the processes of others';

const doubt = ({ label }: Group, what: string, why: Error): Error => {
  const message = `group ${label.group} ${what}: ${why.message}`;
  if (why instanceof AccessDenied) return new AccessDenied(message);
  return why instanceof ParseError ? new ParseError(message) : new Foreseen(message);
};

export default defineCollector({
  name: 'process',
  summary: 'Processes in groups by regular expression: how many, and what they use together.',
  source:
    '/proc/<pid>/stat; of members status, io, fd and smaps_rollup; exe, cmdline and cgroup where a group asks',
  enabled: false,
  options,
  metrics,
  open: () => {
    let groups: readonly Group[] = [];
    let watch: ReturnType<typeof createWatch> | undefined;
    return {
      async *collect({ host, options }) {
        if (watch === undefined) {
          const compile = await compiler();
          groups = Object.entries(options.groups).map(
            ([name, { name: names, exe, cmdline, cgroup }]) =>
              createGroup(name, {
                name: names.map(compile),
                exe: exe.map(compile),
                cmdline: cmdline.map(compile),
                cgroup: cgroup.map(compile),
              }),
          );
          watch = createWatch(groups, options.pss);
        }
        const whole = yield* watch(host.proc);
        // Seconds since boot, where the host tells.
        let up = Number.NaN;
        yield* part(() => {
          up = Number.parseFloat(host.proc.read('uptime'));
          return [];
        });
        for (const group of groups) {
          if (whole) yield* observeLevels(group, up, options.pss);
          yield* observeUsed(group);
          // Where one member keeps something to itself, the agent says so once for all of them.
          if (group.unjudged) yield doubt(group, 'may lack members', group.unjudged.why);
          for (const [what, why] of group.doubts) yield doubt(group, what, why);
        }
      },
      close: () => undefined,
    };
  },
});
