/**
 * Interrupts by line and device, and soft interrupts by kind; on request for each CPU.
 *
 * Source  /proc/interrupts: a head that names the CPUs that are online, then `IRQ: number… chip and
 *         devices` (Linux, kernel/irq/proc.c; the architecture's own, such as NMI, in
 *         arch_show_interrupts). ERR and MIS have one number. /proc/softirqs: the same without devices
 *         (fs/proc/softirqs.c, since 2.6.30).
 * Units   Interrupts.
 * Access  World-readable. To print /proc/interrupts the kernel goes through every line and CPU.
 */
import {
  type Chosen,
  count,
  counter,
  defineCollector,
  NoData,
  ParseError,
  parseLines,
  part,
  selection,
  z,
} from 'cullinan/plugin';

const options = z.strictObject({
  interrupts: selection().describe(
    'Which interrupts, by number or name as in /proc/interrupts, such as 24 or NMI.',
  ),
  perCpu: z.boolean().default(false).describe('Report each CPU by itself, too.'),
});

const help = 'Interrupts serviced, by number or name, and what raises them.';
const softHelp = 'Soft interrupts serviced, by what they do.';
const metrics = {
  interrupts: counter('system.linux.interrupts', {
    unit: 'count',
    labels: ['interrupt', 'device'],
    help,
  }),
  interruptsPerCpu: counter('system.linux.interrupts.cpu', {
    unit: 'count',
    labels: ['cpu', 'interrupt', 'device'],
    help: `${help} On each CPU; only with \`perCpu\`.`,
  }),
  softirqs: counter('system.linux.softirqs', { unit: 'count', labels: ['type'], help: softHelp }),
  softirqsPerCpu: counter('system.linux.softirqs.cpu', {
    unit: 'count',
    labels: ['cpu', 'type'],
    help: `${softHelp} On each CPU; only with \`perCpu\`.`,
  }),
};

const HEAD = /^(\s+CPU\d+)+\s*$/;
const LINE = /^ *([^\s:]{1,32}):((?: +\d{1,20})+)(?:\s+(\D.*)|\s*)$/;
/** The chip's line and how it triggers stand before the devices, if there are any. */
const TRIGGERED = /(?:^|[-\s])(?:edge|level|fasteoi|percpu)(?:$|\s+)/i;

/** The numbers of each line by CPU; a malformed line costs itself. */
export function parse(file: string, text: string) {
  const headEnd = text.indexOf('\n');
  const head = text.slice(0, headEnd + 1);
  if (!HEAD.test(head)) throw new ParseError(`${file} line 1: no CPUs are named`);
  const cpus = head.trim().replaceAll('CPU', '').split(/\s+/);
  const parseLine = (line: string) => {
    const match = LINE.exec(line);
    if (match === null) throw new ParseError(`"${line.slice(0, 80)}" is not "IRQ: NUMBER… WHAT"`);
    const [, interrupt = '', numbers = '', what = ''] = match;
    const perCpu = numbers.trim().split(/ +/).map(Number);
    if (perCpu.length !== cpus.length && perCpu.length !== 1) {
      throw new ParseError(`"${line.slice(0, 80)}" has no number for each of ${cpus.length} CPUs`);
    }
    return { interrupt, perCpu, device: deviceOf(interrupt, what) };
  };
  return { cpus, lines: parseLines(file, text, parseLine, { skip: 1 }) };
}

function deviceOf(interrupt: string, what: string): string {
  if (!/^\d+$/.test(interrupt)) return what.trim();
  const [, ...devices] = what.split(TRIGGERED);
  return devices.join(' ').trim();
}

type Line = Exclude<ReturnType<typeof parse>['lines'][number], Error>;
const total = ({ perCpu }: Line) => perCpu.reduce((sum, number) => sum + number, 0);

function* observeInterrupts(text: string, chosen: Chosen, each: boolean) {
  const { cpus, lines } = parse('/proc/interrupts', text);
  for (const line of lines) {
    if (line instanceof Error) yield line;
    else if (chosen(line.interrupt)) {
      const { interrupt, device, perCpu } = line;
      yield metrics.interrupts.observe(count(total(line)), { interrupt, device });
      if (!each || perCpu.length !== cpus.length) continue;
      for (const [i, cpu] of cpus.entries()) {
        const labels = { cpu, interrupt, device };
        yield metrics.interruptsPerCpu.observe(count(perCpu[i] ?? 0), labels);
      }
    }
  }
}

function* observeSoftirqs(text: string, each: boolean) {
  const { cpus, lines } = parse('/proc/softirqs', text);
  for (const line of lines) {
    if (line instanceof Error) {
      yield line;
      continue;
    }
    const type = line.interrupt;
    yield metrics.softirqs.observe(count(total(line)), { type });
    for (const [i, cpu] of each ? cpus.entries() : []) {
      yield metrics.softirqsPerCpu.observe(count(line.perCpu[i] ?? 0), { cpu, type });
    }
  }
}

export default defineCollector({
  name: 'interrupts',
  summary: 'Interrupts by line and device, and soft interrupts by kind; on request for each CPU.',
  source: '/proc/interrupts, /proc/softirqs',
  enabled: false,
  options,
  metrics,
  *collect({ host: { proc }, options: { interrupts, perCpu } }) {
    const hard = yield* part(() => observeInterrupts(proc.read('interrupts'), interrupts, perCpu));
    const soft = yield* part(() => observeSoftirqs(proc.read('softirqs'), perCpu));
    if (!hard && !soft) throw new NoData('/proc/interrupts does not exist here');
  },
});
