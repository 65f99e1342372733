import { type CpuInfo, cpus, loadavg, uptime as uptimeOf } from 'node:os';
import { NoData } from '../plugin/index.ts';
import { library, type Reading, type Source, seldom } from './source.ts';

const MILLISECONDS = 1000;

/** The states that Node knows, and which of them are always 0 because a system does not count them. */
const STATES = [
  ['user', 'user'],
  ['nice', 'nice'],
  ['system', 'sys'],
  ['idle', 'idle'],
  ['irq', 'irq'],
] as const;
const NOT_COUNTED: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'irq',
  win32: 'nice',
};

/** The milliseconds that a CPU has spent in a state. Windows counts interrupts as system time, too. */
const spent = ({ times }: CpuInfo, from: (typeof STATES)[number][1]): number =>
  from === 'sys' && process.platform === 'win32' ? Math.max(0, times.sys - times.irq) : times[from];

/**
 * From Node, where systeminformation has it from as well: of totals it makes shares over an interval
 * of its own, and a rate is derived once, and by the agent.
 */
export const cpu: Source<{ readonly perCpu: boolean }> = {
  asks: 'Node’s os.cpus(); systeminformation’s cpu() for the cores, once',
  open: () => {
    const cores = seldom(Number.POSITIVE_INFINITY, async () => {
      const { physicalCores } = await (await library()).cpu();
      return physicalCores;
    });
    return async ({ options }) => {
      const all = cpus();
      if (all.length === 0) throw new NoData('this system does not tell CPU times');
      const readings: Reading[] = [];
      for (const [state, from] of STATES) {
        if (NOT_COUNTED[process.platform] === state) continue;
        let total = 0;
        for (const [number, one] of all.entries()) {
          const time = spent(one, from) / MILLISECONDS;
          total += time;
          if (options.perCpu) {
            readings.push(['system.cpu.time', time, { cpu: String(number), state }]);
          }
        }
        readings.push(['system.cpu.total.time', total, { state }]);
      }
      readings.push(['system.cpu.logical.count', all.length]);
      const physical = await cores();
      if (physical > 0) readings.push(['system.cpu.physical.count', physical]);
      return readings;
    };
  },
};

export const load: Source<unknown> = {
  asks: 'Node’s os.loadavg(), os.cpus()',
  open: () => () => {
    if (process.platform === 'win32') throw new NoData('Windows has no load average');
    const online = cpus().length;
    return ['1m', '5m', '15m'].flatMap((window, i): Reading[] => {
      const name = `system.cpu.load_average.${window}`;
      const average = loadavg()[i] ?? 0;
      const whole: Reading = [name, average];
      return online > 0 ? [whole, [`${name}.per_cpu`, average / online]] : [whole];
    });
  },
};

export const uptime: Source<unknown> = {
  asks: 'Node’s os.uptime()',
  open: () => () => {
    const up = uptimeOf();
    return [
      ['system.uptime', up],
      ['system.boot_time', Math.round(Date.now() / MILLISECONDS - up)],
    ];
  },
};
