/**
 * The metrics that Ganglia's gmond has by itself, and what its metadata packets say of them: a receiver
 * draws and expires by it.
 *
 * @see https://github.com/ganglia/monitor-core/tree/master/gmond/modules
 */

/** What gmond says of a metric besides its value, in its metadata packet. */
export interface GangliaFacts {
  readonly type: 'uint16' | 'uint32' | 'float' | 'double' | 'string';
  readonly units: string;
  /** `zero` for what does not change while the host is up. */
  readonly slope: 'zero' | 'both';
  /** The most seconds between two values; gmond calls the metric late after four times as many. */
  readonly tmax: number;
  readonly group: 'cpu' | 'load' | 'process' | 'memory' | 'network' | 'disk' | 'system';
  /** Digits after the decimal point. */
  readonly digits: number;
}

const facts =
  (
    group: GangliaFacts['group'],
    type: GangliaFacts['type'],
    units: string,
    digits: number,
    slope: GangliaFacts['slope'] = 'both',
  ) =>
  (tmax: number): GangliaFacts => ({ type, units, slope, tmax, group, digits });

const percent = facts('cpu', 'float', '%', 1);
const load = facts('load', 'float', ' ', 2);
const processes = facts('process', 'uint32', ' ', 0);
const kilobytes = facts('memory', 'float', 'KB', 0);
const wholeKilobytes = facts('memory', 'float', 'KB', 0, 'zero');
const bytes = facts('network', 'float', 'bytes/sec', 2);
const packets = facts('network', 'float', 'packets/sec', 2);
const gigabytes = facts('disk', 'double', 'GB', 3);
const text = facts('system', 'string', '', 0, 'zero');

/** gmond's own metrics, by name, as its modules declare them. */
export const GANGLIA_METRICS = {
  cpu_num: facts('cpu', 'uint16', 'CPUs', 0, 'zero')(1200),
  cpu_speed: facts('cpu', 'uint32', 'MHz', 0, 'zero')(1200),
  cpu_user: percent(90),
  cpu_nice: percent(90),
  cpu_system: percent(90),
  cpu_idle: percent(90),
  cpu_aidle: percent(3800),
  cpu_wio: percent(90),
  cpu_intr: percent(90),
  cpu_sintr: percent(90),
  cpu_steal: percent(90),
  load_one: load(70),
  load_five: load(325),
  load_fifteen: load(950),
  proc_run: processes(950),
  proc_total: processes(950),
  mem_total: wholeKilobytes(1200),
  mem_free: kilobytes(180),
  mem_shared: kilobytes(180),
  mem_buffers: kilobytes(180),
  mem_cached: kilobytes(180),
  mem_available: kilobytes(180),
  mem_slab: kilobytes(180),
  mem_sreclaimable: kilobytes(180),
  swap_total: wholeKilobytes(1200),
  swap_free: kilobytes(180),
  bytes_in: bytes(300),
  bytes_out: bytes(300),
  pkts_in: packets(300),
  pkts_out: packets(300),
  disk_total: gigabytes(1200),
  disk_free: gigabytes(180),
  part_max_used: facts('disk', 'float', '%', 1)(180),
  boottime: facts('system', 'uint32', 's', 0, 'zero')(1200),
  machine_type: text(1200),
  os_name: text(1200),
  os_release: text(1200),
} as const satisfies Readonly<Record<string, GangliaFacts>>;
