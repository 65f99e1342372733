/**
 * Load averages, as they are and per logical CPU, and the threads behind them.
 *
 * Source  /proc/loadavg: three averages, `running/all` threads, the last PID (Linux,
 *         fs/proc/loadavg.c). CPUs are counted in /proc/stat.
 * Units   Threads that run or wait for a CPU or for the disk, averaged over 1, 5 and 15 minutes.
 * Access  World-readable.
 */
import { count, defineCollector, gauge, NoData, ParseError, z } from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  m1: gauge('system.cpu.load_average.1m', { unit: 'count', help: 'Load over 1 minute.' }),
  m5: gauge('system.cpu.load_average.5m', { unit: 'count', help: 'Load over 5 minutes.' }),
  m15: gauge('system.cpu.load_average.15m', { unit: 'count', help: 'Load over 15 minutes.' }),
  m1PerCpu: gauge('system.cpu.load_average.1m.per_cpu', {
    unit: 'count',
    help: 'Load over 1 minute, divided by the logical CPUs.',
  }),
  m5PerCpu: gauge('system.cpu.load_average.5m.per_cpu', {
    unit: 'count',
    help: 'Load over 5 minutes, divided by the logical CPUs.',
  }),
  m15PerCpu: gauge('system.cpu.load_average.15m.per_cpu', {
    unit: 'count',
    help: 'Load over 15 minutes, divided by the logical CPUs.',
  }),
  running: gauge('system.threads.running', {
    unit: 'count',
    help: 'Threads that run or are ready to run.',
  }),
  threads: gauge('system.threads.count', { unit: 'count', help: 'Threads that exist.' }),
};

// Digits are bounded so that no garbage becomes Infinity.
const LOADAVG =
  /^(\d{1,9}\.\d{1,9}) (\d{1,9}\.\d{1,9}) (\d{1,9}\.\d{1,9}) (\d{1,9})\/(\d{1,9}) \d+\s*$/;

export function parse(text: string) {
  const match = LOADAVG.exec(text);
  if (match === null) {
    throw new ParseError(
      `/proc/loadavg line 1: "${text.slice(0, 80).trimEnd()}" is not "LOAD1 LOAD5 LOAD15 RUNNING/ALL PID"`,
    );
  }
  const [m1, m5, m15, running, threads] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { m1, m5, m15, running, threads };
}

/** Logical CPUs that are online: the `cpuN` lines of /proc/stat. */
export const countCpus = (stat: string): number => stat.match(/^cpu\d+ /gm)?.length ?? 0;

export default defineCollector({
  name: 'load',
  summary: 'Load averages, as they are and per logical CPU, and the threads behind them.',
  source: '/proc/loadavg, /proc/stat',
  options,
  metrics,
  *collect({ host }) {
    const load = parse(host.proc.read('loadavg'));
    yield metrics.m1.observe(count(load.m1));
    yield metrics.m5.observe(count(load.m5));
    yield metrics.m15.observe(count(load.m15));
    yield metrics.running.observe(count(load.running));
    yield metrics.threads.observe(count(load.threads));
    // A /proc/stat that is missing or unreadable costs the load per CPU, not the load.
    try {
      const cpus = countCpus(host.proc.read('stat'));
      if (cpus === 0) throw new ParseError('/proc/stat has no cpuN line to divide the load by');
      yield metrics.m1PerCpu.observe(count(load.m1 / cpus));
      yield metrics.m5PerCpu.observe(count(load.m5 / cpus));
      yield metrics.m15PerCpu.observe(count(load.m15 / cpus));
    } catch (error) {
      if (error instanceof Error && !(error instanceof NoData)) yield error;
    }
  },
});
