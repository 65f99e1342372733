/**
 * How gmond sends its own metrics unless it is told otherwise: in groups, each of them whole as soon as one
 * of its metrics changed by its threshold, and after so many seconds in any case.
 *
 * @see gmond.conf(5), collection_group; `gmond -t` prints them.
 */
import type { GANGLIA_METRICS } from './metrics.ts';

/** When a metric is sent. */
export interface SendPolicy {
  /** Seconds after which a value is sent even if it is the same. */
  readonly timeThreshold: number;
  /** The change since the value before from which a value is sent at once. Absent, no change does it. */
  readonly valueThreshold: number | undefined;
}

/** The policy of a metric of gmond's, and what else its default configuration says of it. */
export interface GangliaGroup extends SendPolicy {
  /** Metrics with the same are sent together. */
  readonly group: string;
  /** What Ganglia's web writes over its graph. */
  readonly title: string;
}

const group =
  (name: string, timeThreshold: number) =>
  (title: string, valueThreshold?: number): GangliaGroup => ({
    group: name,
    timeThreshold,
    title,
    valueThreshold,
  });

const host = group('host', 60);
const cpu = group('cpu', 90);
const load = group('load', 90);
const processes = group('processes', 950);
const memory = group('memory', 180);
const network = group('network', 300);
const space = group('space', 180);

/** By name. Where gmond's default configuration leaves a metric out, its siblings' policy holds. */
export const GANGLIA_GROUPS: Readonly<Record<keyof typeof GANGLIA_METRICS, GangliaGroup>> = {
  cpu_num: host('CPU Count'),
  cpu_speed: host('CPU Speed'),
  mem_total: host('Memory Total'),
  swap_total: host('Swap Space Total'),
  boottime: host('Last Boot Time'),
  machine_type: host('Machine Type'),
  os_name: host('Operating System'),
  os_release: host('Operating System Release'),
  cpu_user: cpu('CPU User', 1),
  cpu_nice: cpu('CPU Nice', 1),
  cpu_system: cpu('CPU System', 1),
  cpu_idle: cpu('CPU Idle', 5),
  cpu_aidle: cpu('CPU aidle', 5),
  cpu_wio: cpu('CPU wio', 1),
  cpu_intr: cpu('CPU intr', 1),
  cpu_sintr: cpu('CPU sintr', 1),
  cpu_steal: cpu('CPU steal', 1),
  load_one: load('One Minute Load Average', 1),
  load_five: load('Five Minute Load Average', 1),
  load_fifteen: load('Fifteen Minute Load Average', 1),
  proc_run: processes('Total Running Processes', 1),
  proc_total: processes('Total Processes', 1),
  mem_free: memory('Free Memory', 1024),
  mem_shared: memory('Shared Memory', 1024),
  mem_buffers: memory('Memory Buffers', 1024),
  mem_cached: memory('Cached Memory', 1024),
  mem_available: memory('Available Memory', 1024),
  mem_slab: memory('Slab Memory', 1024),
  mem_sreclaimable: memory('Reclaimable Slab Memory', 1024),
  swap_free: memory('Free Swap Space', 1024),
  bytes_in: network('Bytes Received', 4096),
  bytes_out: network('Bytes Sent', 4096),
  pkts_in: network('Packets Received', 256),
  pkts_out: network('Packets Sent', 256),
  disk_total: group('disks', 3600)('Total Disk Space', 1),
  disk_free: space('Disk Space Available', 1),
  part_max_used: space('Maximum Disk Space Used', 1),
};
