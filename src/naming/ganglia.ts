import type { Labels, Series } from '../metric/index.ts';
import { GANGLIA_METRICS } from '../wire/ganglia/metrics.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';
import { generic } from './path.ts';
import { tableOf } from './table.ts';

type GangliaName = keyof typeof GANGLIA_METRICS;

/** How one of gmond's metrics comes out of a series. */
interface Row {
  readonly name: GangliaName;
  readonly reading: Spelling['reading'];
  readonly scale: number;
  readonly offset: number;
  /** Of all series with the name together. */
  readonly summed: boolean;
  /** The whole that it is a share of. */
  readonly share?: string;
}

const level = (name: GangliaName, scale = 1, offset = 0): Row => ({
  name,
  reading: 'value',
  scale,
  offset,
  summed: false,
});
/** Per second, of all that share the name. */
const rates = (name: GangliaName): Row => ({ ...level(name), reading: 'rate', summed: true });
const sum = (name: GangliaName, scale: number): Row => ({ ...level(name, scale), summed: true });

const CPU = 'cpu';
/** Percent of the time of all CPUs. */
const percent = (name: GangliaName): Row => ({ ...level(name, 100), reading: 'rate', share: CPU });

const KILOBYTES = 1 / 1024;
const GIGABYTES = 1e-9;

const rowsOf = tableOf<readonly Row[]>([
  ['system.cpu.logical.count', [level('cpu_num')]],
  ['system.cpu.total.time{state=user}', [percent('cpu_user')]],
  ['system.cpu.total.time{state=nice}', [percent('cpu_nice')]],
  ['system.cpu.total.time{state=system}', [percent('cpu_system')]],
  ['system.cpu.total.time{state=idle}', [percent('cpu_idle')]],
  ['system.cpu.total.time{state=iowait}', [percent('cpu_wio')]],
  ['system.cpu.total.time{state=irq}', [percent('cpu_intr'), percent('cpu_system')]],
  ['system.cpu.total.time{state=softirq}', [percent('cpu_sintr'), percent('cpu_system')]],
  ['system.cpu.total.time{state=steal}', [percent('cpu_steal')]],
  ['system.cpu.load_average.1m', [level('load_one')]],
  ['system.cpu.load_average.5m', [level('load_five')]],
  ['system.cpu.load_average.15m', [level('load_fifteen')]],
  // Without the one that reads the number.
  ['system.threads.running', [level('proc_run', 1, -1)]],
  ['system.threads.count', [level('proc_total')]],
  ['system.memory.meminfo{field=MemTotal}', [level('mem_total', KILOBYTES)]],
  ['system.memory.meminfo{field=MemFree}', [level('mem_free', KILOBYTES)]],
  ['system.memory.meminfo{field=Shmem}', [level('mem_shared', KILOBYTES)]],
  ['system.memory.meminfo{field=Buffers}', [level('mem_buffers', KILOBYTES)]],
  ['system.memory.meminfo{field=Cached}', [level('mem_cached', KILOBYTES)]],
  ['system.memory.meminfo{field=MemAvailable}', [level('mem_available', KILOBYTES)]],
  ['system.memory.meminfo{field=Slab}', [level('mem_slab', KILOBYTES)]],
  ['system.memory.meminfo{field=SReclaimable}', [level('mem_sreclaimable', KILOBYTES)]],
  ['system.memory.meminfo{field=SwapTotal}', [level('swap_total', KILOBYTES)]],
  ['system.memory.meminfo{field=SwapFree}', [level('swap_free', KILOBYTES)]],
  ['system.network.io{direction=receive}', [rates('bytes_in')]],
  ['system.network.io{direction=transmit}', [rates('bytes_out')]],
  ['system.network.packets{direction=receive}', [rates('pkts_in')]],
  ['system.network.packets{direction=transmit}', [rates('pkts_out')]],
  ['system.filesystem.limit', [sum('disk_total', GIGABYTES)]],
  ['system.filesystem.usage{state=free}', [sum('disk_free', GIGABYTES)]],
  ['system.boot_time', [level('boottime')]],
]);

/** What gmond adds up: interfaces but lo and bonds, whose members count; devices of this host. */
function counts(metric: string, { device = '', type = '' }: Labels): boolean {
  if (metric.startsWith('system.network.')) return !/^(lo|bond)/.test(device);
  if (!metric.startsWith('system.filesystem.')) return true;
  return /^\/dev2?\//.test(device) && !device.includes(':') && !/^(nfs|autofs$|gfs$)/.test(type);
}

/**
 * The metrics of Ganglia's gmond, in its units; the generic rule, without a host, for everything else.
 *
 * A path is the metric's name alone, as gmond's packets have it: host, prefix and suffix are no part
 * of it. docs/dialects/ganglia.md lists which of gmond's metrics are not here and why.
 */
export const ganglia: Dialect = {
  name: 'ganglia',
  summary: 'The names and units of gmond; the generic rule, without the host, for everything else.',
  spell(series: Series, naming: Naming): readonly Spelling[] {
    const rows = counts(series.metric.name, series.labels) ? rowsOf(series) : undefined;
    if (rows === undefined) {
      const bare = { prefix: '', host: '', ownHost: undefined, suffix: '', tags: false };
      return generic(series, { ...naming, ...bare }, '');
    }
    return rows.map(({ name, ...row }) => {
      const { digits: precision } = GANGLIA_METRICS[name];
      return { ...row, series, path: name, precision };
    });
  },
  /** Time as a guest is within user and nice. */
  wholeOf: ({ metric, labels: { state } }) =>
    metric.name === 'system.cpu.total.time' && state !== 'guest' && state !== 'guest_nice'
      ? CPU
      : undefined,
};
