/**
 * CPU time per state, of each logical CPU and of all of them together, and how many there are.
 *
 * Source  /proc/stat: `cpu`, then `cpuN` per online CPU (Linux, fs/proc/stat.c); numbers skip CPUs
 *         that are offline. Four columns in the oldest kernels, ten since 2.6.33. /proc/cpuinfo
 *         for the cores: `physical id` and `core id`, where the architecture prints them.
 * Units   Ticks since boot, in USER_HZ: 100 per second on every architecture Node runs on.
 *         `user` includes `guest` and `nice` includes `guest_nice`, as the kernel counts them.
 *         `idle` and `iowait` may step back by some ticks when a sleeping CPU's account is settled.
 * Access  World-readable.
 */
import {
  columns,
  count,
  counter,
  defineCollector,
  gauge,
  NoData,
  Observations,
  ParseError,
  parseLines,
  type Row,
  seconds,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  perCpu: z.boolean().default(true).describe('Report each logical CPU by itself as well.'),
});

const metrics = {
  time: counter('system.cpu.time', {
    unit: 'seconds',
    labels: ['cpu', 'state'],
    help: 'Time one logical CPU spent in a state; user includes guest, nice includes guest_nice.',
  }),
  total: counter('system.cpu.total.time', {
    unit: 'seconds',
    labels: ['state'],
    help: 'Time all logical CPUs together spent in a state.',
  }),
  logical: gauge('system.cpu.logical.count', { unit: 'count', help: 'Logical CPUs online.' }),
  physical: gauge('system.cpu.physical.count', {
    unit: 'count',
    help: 'Cores with a logical CPU online; absent where the kernel does not say.',
  }),
};

const OLDEST = ['user', 'nice', 'system', 'idle'] as const;
const NEWER = ['iowait', 'irq', 'softirq', 'steal', 'guest', 'guest_nice'] as const;
const STATES = [...OLDEST, ...NEWER] as const;

const readTicks = columns(OLDEST, NEWER);
const USER_HZ = 100;

interface Times {
  /** The number behind `cpu`, or '' for all of them together. */
  readonly cpu: string;
  readonly ticks: Row<(typeof OLDEST)[number], (typeof NEWER)[number]>;
}

/** The `cpu` lines of /proc/stat. `online` also names a CPU whose line is malformed. */
export function parse(text: string) {
  const online: string[] = [];
  const times = parseLines<Times>('/proc/stat', text, (line) => {
    if (!line.startsWith('cpu')) return undefined;
    const blank = line.indexOf(' ');
    const cpu = line.slice(3, blank);
    if (blank < 3 || !/^\d*$/.test(cpu)) throw new ParseError(`"${line}" is no cpu line`);
    if (cpu !== '') online.push(cpu);
    return { cpu, ticks: readTicks(line, blank) };
  });
  if (times.length === 0) throw new ParseError('/proc/stat has no cpu line');
  return { online, times };
}

/**
 * Distinct cores in /proc/cpuinfo; `undefined` where the kernel prints no topology (ARM, some VMs).
 *
 * @param cpus logical CPUs in /proc/stat. Fewer or more here would make a wrong number of cores.
 */
export function countCores(text: string, cpus: number): number | undefined {
  const cores = new Set<string>();
  let placed = 0;
  for (const cpu of text.split('\n\n')) {
    const chip = /^physical id\s*:\s*(\d+)$/m.exec(cpu);
    const core = /^core id\s*:\s*(\d+)$/m.exec(cpu);
    if (chip === null || core === null) continue;
    placed += 1;
    cores.add(`${chip[1]}/${core[1]}`);
  }
  if (placed === 0) return undefined;
  if (placed === cpus) return cores.size;
  throw new ParseError(
    `/proc/cpuinfo has core ids for ${placed} CPUs, but /proc/stat has ${cpus} CPUs`,
  );
}

/** The labels of a CPU's states, made for each CPU once. */
const label = (cpu: string) =>
  STATES.map((state) => ({ state, all: { state }, one: { cpu, state } }));

export default defineCollector({
  name: 'cpu',
  summary: 'CPU time per state, of each logical CPU and in total, and how many CPUs there are.',
  source: '/proc/stat; /proc/cpuinfo when CPUs come or go',
  options,
  metrics,
  open: () => {
    let counted: string | undefined;
    let cores: number | Error | undefined;
    const known = new Map<string, ReturnType<typeof label>>();
    const seen = new Observations();
    return {
      collect({ host, options }) {
        seen.clear();
        const { online, times } = parse(host.proc.read('stat'));
        for (const line of times) {
          if (line instanceof Error) {
            seen.fail(line);
            continue;
          }
          const { cpu, ticks } = line;
          if (cpu !== '' && !options.perCpu) continue;
          const labelled = known.get(cpu) ?? label(cpu);
          known.set(cpu, labelled);
          for (const { state, all, one } of labelled) {
            const spent = ticks[state];
            if (spent === undefined) continue;
            const time = seconds(spent / USER_HZ);
            if (cpu === '') seen.add(metrics.total, time, all);
            else seen.add(metrics.time, time, one);
          }
        }
        seen.add(metrics.logical, count(online.length));

        // Some kernels measure every CPU's frequency, for milliseconds, to print /proc/cpuinfo; and
        // topology in /sys is two files per CPU. What they say changes only with the CPUs online.
        const set = online.join();
        if (set !== counted) {
          counted = set;
          cores = attempt(() => countCores(host.proc.read('cpuinfo'), online.length));
        }
        if (cores instanceof Error) seen.fail(cores);
        else if (cores !== undefined) seen.add(metrics.physical, count(cores));
        return seen;
      },
      close: () => undefined,
    };
  },
});

function attempt<T>(read: () => T): T | Error | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoData) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}
