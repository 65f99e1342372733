/**
 * Pressure stall information: how long tasks had to wait for CPU, memory, I/O and interrupts.
 *
 * Source  /proc/pressure/{cpu,memory,io,irq}: `some` (at least one task waits) and `full` (all of
 *         them do), each `avg10=0.00 avg60=0.00 avg300=0.00 total=0` (Linux, kernel/sched/psi.c).
 *         Since 4.20; irq, which has only `full`, since 6.1; `full` of cpu since 5.13, always 0.
 *         Absent where the kernel was built or started without (psi=0).
 * Units   Averages in percent over 10, 60 and 300 s become ratios; totals are microseconds.
 * Access  World-readable.
 */
import {
  counter,
  defineCollector,
  gauge,
  NoData,
  ParseError,
  parseLines,
  part,
  ratio,
  seconds,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({});

const metrics = {
  time: counter('system.linux.pressure.time', {
    unit: 'seconds',
    labels: ['resource', 'scope'],
    help: 'Time in which some task (some), or every task that had work (full), waited for it.',
  }),
  average: gauge('system.linux.pressure.average', {
    unit: 'ratio',
    labels: ['resource', 'scope', 'window'],
    help: 'The share of that time in the last 10, 60 and 300 seconds, as the kernel averages it.',
  }),
};

const RESOURCES = ['cpu', 'memory', 'io', 'irq'] as const;
const WINDOWS = ['10s', '60s', '300s'] as const;
const PERCENT = String.raw`(\d{1,3}\.\d\d)`;
const LINE = new RegExp(
  `^(some|full) avg10=${PERCENT} avg60=${PERCENT} avg300=${PERCENT} total=(\\d{1,20})$`,
);

/** The lines of one file; a malformed one costs itself. */
export function parse(file: string, text: string) {
  const lines = parseLines(file, text, (line) => {
    const match = LINE.exec(line);
    if (match === null) {
      throw new ParseError(`"${line}" is not "SCOPE avg10=… avg60=… avg300=… total=…"`);
    }
    const [, scope = '', ...numbers] = match;
    const microseconds = Number(numbers.pop());
    return { scope, averages: numbers.map((percent) => Number(percent) / 100), microseconds };
  });
  if (lines.length === 0) throw new ParseError(`${file} is empty`);
  return lines;
}

function* observe(resource: string, text: string) {
  for (const line of parse(`/proc/pressure/${resource}`, text)) {
    if (line instanceof Error) {
      yield line;
      continue;
    }
    const { scope, averages, microseconds } = line;
    yield metrics.time.observe(seconds(microseconds / 1e6), { resource, scope });
    for (const [i, window] of WINDOWS.entries()) {
      yield metrics.average.observe(ratio(averages[i] ?? 0), { resource, scope, window });
    }
  }
}

export default defineCollector({
  name: 'pressure',
  summary: 'Pressure stall information: how long tasks wait for CPU, memory, I/O and interrupts.',
  source: '/proc/pressure/{cpu,memory,io,irq}',
  options,
  metrics,
  *collect({ host }) {
    let known = false;
    for (const resource of RESOURCES) {
      const there = yield* part(() => observe(resource, host.proc.read(`pressure/${resource}`)));
      known ||= there;
    }
    if (!known) throw new NoData('/proc/pressure does not exist here');
  },
});
