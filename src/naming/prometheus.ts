import type { Labels, Metric, Series } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';
import { guests } from './prometheus-guests.ts';
import { type Row, row, type Section, summed } from './prometheus-row.ts';
import { services } from './prometheus-services.ts';
import { tableOf } from './table.ts';

const node = (name: string, labels?: Labels, scale?: number, offset?: number): Row =>
  row(`node_${name}`, labels, scale, offset);

const cpu: Section = {
  rows: {
    'system.cpu.time': node('cpu_seconds_total', { cpu: '{cpu}', mode: '{state}' }),
    'system.cpu.time{state=guest}': node('cpu_guest_seconds_total', { cpu: '{cpu}', mode: 'user' }),
    'system.cpu.time{state=guest_nice}': node('cpu_guest_seconds_total', {
      cpu: '{cpu}',
      mode: 'nice',
    }),
  },
};

/** `Active(anon)` is `Active_anon`. */
const meminfo: Section = {
  also: ({ field = '' }) => ({ name: field.replace(/\((.*)\)/, '_$1') }),
  rows: { 'system.memory.meminfo': node('memory_{name}_bytes') },
};

/** Partitions are left out, or `sum(node_disk_…)` would count them twice; and what is no disk. */
const NO_DISK = /^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$/;
const disk = { device: '{device}' };
const diskstats: Section = {
  covers: ({ device = '' }) => !NO_DISK.test(device),
  rows: {
    'system.disk.operations{direction=read}': node('disk_reads_completed_total', disk),
    'system.disk.operations{direction=write}': node('disk_writes_completed_total', disk),
    'system.disk.operations{direction=discard}': node('disk_discards_completed_total', disk),
    'system.disk.operations{direction=flush}': node('disk_flush_requests_total', disk),
    'system.disk.merged{direction=read}': node('disk_reads_merged_total', disk),
    'system.disk.merged{direction=write}': node('disk_writes_merged_total', disk),
    'system.disk.merged{direction=discard}': node('disk_discards_merged_total', disk),
    'system.disk.io{direction=read}': node('disk_read_bytes_total', disk),
    'system.disk.io{direction=write}': node('disk_written_bytes_total', disk),
    'system.disk.io{direction=discard}': node('disk_discarded_sectors_total', disk, 1 / 512),
    'system.disk.operation_time{direction=read}': node('disk_read_time_seconds_total', disk),
    'system.disk.operation_time{direction=write}': node('disk_write_time_seconds_total', disk),
    'system.disk.operation_time{direction=discard}': node('disk_discard_time_seconds_total', disk),
    'system.disk.operation_time{direction=flush}': node(
      'disk_flush_requests_time_seconds_total',
      disk,
    ),
    'system.disk.pending_operations': node('disk_io_now', disk),
    'system.disk.io_time': node('disk_io_time_seconds_total', disk),
    'system.disk.weighted_io_time': node('disk_io_time_weighted_seconds_total', disk),
  },
};

const mount = { device: '{device}', fstype: '{type}', mountpoint: '{mountpoint}' };
const filesystem: Section = {
  rows: {
    'system.filesystem.limit': node('filesystem_size_bytes', mount),
    'system.filesystem.unused': node('filesystem_free_bytes', mount),
    'system.filesystem.usage{state=free}': node('filesystem_avail_bytes', mount),
    'system.filesystem.inodes.limit': node('filesystem_files', mount),
    'system.filesystem.inodes.usage{state=free}': node('filesystem_files_free', mount),
    'system.filesystem.responding': node('filesystem_device_error', mount, -1, 1),
  },
};

const nic = { device: '{device}' };
/** netdev, and what netclass has that means the same. */
const netdev: Section = {
  rows: {
    'system.network.io': node('network_{direction}_bytes_total', nic),
    'system.network.packets': node('network_{direction}_packets_total', nic),
    'system.network.errors': node('network_{direction}_errs_total', nic),
    'system.network.dropped': node('network_{direction}_drop_total', nic),
    'system.network.fifo': node('network_{direction}_fifo_total', nic),
    'system.network.compressed': node('network_{direction}_compressed_total', nic),
    'system.network.frame': node('network_receive_frame_total', nic),
    'system.network.multicast': node('network_receive_multicast_total', nic),
    'system.network.collisions': node('network_transmit_colls_total', nic),
    'system.network.carrier': node('network_transmit_carrier_total', nic),
    'system.network.speed': node('network_speed_bytes', nic),
  },
};

const loadavg: Section = {
  rows: {
    'system.cpu.load_average.1m': node('load1'),
    'system.cpu.load_average.5m': node('load5'),
    'system.cpu.load_average.15m': node('load15'),
  },
};

const stat: Section = {
  rows: {
    'system.boot_time': node('boot_time_seconds'),
    'system.context_switches': node('context_switches_total'),
    'system.interrupts': node('intr_total'),
    'system.processes.created': node('forks_total'),
    'system.processes.running': node('procs_running'),
    'system.processes.blocked': node('procs_blocked'),
  },
};

const vmstat: Section = {
  rows: {
    'system.linux.vmstat': node('vmstat_{field}'),
    'system.linux.vmstat.level': node('vmstat_{field}'),
  },
};

const netstat: Section = {
  rows: {
    'system.linux.snmp': node('netstat_{protocol}_{field}'),
    'system.linux.snmp.level': node('netstat_{protocol}_{field}'),
  },
};

const sockstat: Section = {
  also: ({ protocol = '', family }) => {
    const six = family === 'ipv6' ? '6' : '';
    return { six, kernel: protocol.toUpperCase() + six };
  },
  rows: {
    'system.sockets.used': node('sockstat_sockets_used'),
    'system.sockets.count{state=in_use}': node('sockstat_{kernel}_inuse'),
    'system.sockets.count{state=orphan}': node('sockstat_{kernel}_orphan'),
    'system.sockets.count{state=time_wait}': node('sockstat_{kernel}_tw'),
    'system.sockets.count{state=allocated}': node('sockstat_{kernel}_alloc'),
    'system.sockets.memory_pages': node('sockstat_{kernel}_mem'),
    'system.sockets.fragment_memory': node('sockstat_FRAG{six}_memory'),
  },
};

const STALLS: Readonly<Record<string, string>> = { some: 'waiting', full: 'stalled' };
/** What waits for a CPU is never a whole host that is stalled: node_exporter leaves that line out. */
const pressure: Section = {
  covers: ({ resource, scope = '' }) =>
    scope in STALLS && !(resource === 'cpu' && scope === 'full'),
  also: ({ scope = '' }) => ({ stall: STALLS[scope] ?? '' }),
  rows: {
    'system.linux.pressure.time': node('pressure_{resource}_{stall}_seconds_total'),
  },
};

/** The letter in /proc/PID/stat. */
const LETTERS: Readonly<Record<string, string>> = {
  running: 'R',
  sleeping: 'S',
  blocked: 'D',
  stopped: 'T',
  zombie: 'Z',
  idle: 'I',
};
const processes: Section = {
  also: ({ status = '' }) => ({ letter: LETTERS[status] ?? status }),
  rows: {
    'system.processes.count': node('processes_state', { state: '{letter}' }),
    'system.processes.limit': node('processes_max_processes'),
    'system.threads.count': node('processes_threads'),
    'system.threads.limit': node('processes_max_threads'),
  },
  sums: { 'system.processes.count': summed(node('processes_pids')) },
};

const limits: Section = {
  rows: {
    'system.files.open': node('filefd_allocated'),
    'system.files.limit': node('filefd_maximum'),
    'system.entropy.available': node('entropy_available_bits'),
  },
};

const conntrack: Section = {
  rows: {
    'system.linux.conntrack.count': node('nf_conntrack_entries'),
    'system.linux.conntrack.limit': node('nf_conntrack_entries_limit'),
    'system.linux.conntrack.events': node('nf_conntrack_stat_{event}'),
  },
};

const cpuAndType = { cpu: '{cpu}', type: '{type}' };
const softirqs: Section = {
  rows: { 'system.linux.softirqs.cpu': node('softirqs_functions_total', cpuAndType) },
};

const array = { device: '{device}' };
const arrayState = { ...array, state: '{state}' };
const mdadm: Section = {
  rows: {
    'system.linux.md.state': node('md_state', arrayState),
    'system.linux.md.disks': node('md_disks', arrayState),
    'system.linux.md.disks.required': node('md_disks_required', array),
    'system.linux.md.size': node('md_blocks', array, 1 / 1024),
    'system.linux.md.synced': node('md_blocks_synced', array, 1 / 1024),
  },
};

/** Requests stay with the inner names: node_exporter writes each procedure in a way of its own. */
const nfs: Section = {
  rows: {
    'system.nfs.rpc.calls{side=client}': node('nfs_rpcs_total'),
    'system.nfs.rpc.retransmissions': node('nfs_rpc_retransmissions_total'),
    'system.nfs.rpc.authentication_refreshes': node('nfs_rpc_authentication_refreshes_total'),
    'system.nfs.rpc.calls{side=server}': node('nfsd_server_rpcs_total'),
    'system.nfs.server.io{direction=read}': node('nfsd_disk_bytes_read_total'),
    'system.nfs.server.io{direction=write}': node('nfsd_disk_bytes_written_total'),
    'system.nfs.server.threads': node('nfsd_server_threads'),
    'system.nfs.server.reply_cache{result=hit}': node('nfsd_reply_cache_hits_total'),
    'system.nfs.server.reply_cache{result=miss}': node('nfsd_reply_cache_misses_total'),
    'system.nfs.server.reply_cache{result=uncached}': node('nfsd_reply_cache_nocache_total'),
    'system.nfs.server.stale_file_handles': node('nfsd_file_handles_stale_total'),
  },
};

const zone = { zone: '{zone}', type: '{type}' };
const cooling = { name: '{device}', type: '{type}' };
const thermal: Section = {
  rows: {
    'hardware.thermal.temperature': node('thermal_zone_temp', zone),
    'hardware.cooling.state': node('cooling_device_cur_state', cooling),
    'hardware.cooling.limit': node('cooling_device_max_state', cooling),
  },
};

const systemd: Section = {
  rows: {
    'system.systemd.running': node('systemd_system_running'),
    'system.systemd.units': node('systemd_units', { state: '{state}' }),
    'system.systemd.unit.active': node('systemd_unit_state', { name: '{unit}', state: 'active' }),
    'system.systemd.unit.failed': node('systemd_unit_state', { name: '{unit}', state: 'failed' }),
  },
};

// biome-ignore format: one section a word
const SECTIONS: readonly Section[] = [
  cpu, meminfo, diskstats, filesystem, netdev, loadavg, stat,
  vmstat, netstat, sockstat, pressure, processes, limits, conntrack, softirqs, mdadm, nfs, systemd, thermal, services, guests,
];

interface Match {
  readonly section: Section;
  readonly rows: readonly Row[];
}

const lookUp = tableOf<Match>(
  SECTIONS.flatMap((section) =>
    Object.entries(section.rows).map(([key, row]): [string, Match] => {
      const sum = section.sums?.[key];
      return [key, { section, rows: sum === undefined ? [row] : [row, sum] }];
    }),
  ),
);

const fill = (template: string, labels: Labels): string =>
  template.replace(/\{(\w+)\}/g, (_, label: string) => labels[label] ?? '');

/** The characters of a metric's name, of which there is one at least; a label's name has no colon. */
const nameOf = (text: string): string =>
  text.replace(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d|$)/, '_');
/** Two underscores begin the names that Prometheus keeps for itself: one of them, and it refuses the whole page. */
const labelNameOf = (text: string): string =>
  nameOf(text).replaceAll(':', '_').replace(/^__+/, '_');

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };
const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (found) => ESCAPES[found] ?? '');

/** `name{label="value",…}`, the labels in the order of their names; one without a value is none. */
function path(name: string, own: Labels, series: Series, naming: Naming): string {
  const labels = new Map<string, string>();
  for (const [label, value] of Object.entries(naming.labels)) labels.set(labelNameOf(label), value);
  // Prometheus names the host it asks; whatever else it is told of needs its own name.
  const foreign = naming.ownHost !== undefined && series.host !== naming.ownHost;
  if (foreign) labels.set('host', series.host);
  for (const [label, value] of Object.entries(own)) labels.set(labelNameOf(label), value);
  const inside = [...labels]
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .sort()
    .join(',');
  return inside === '' ? name : `${name}{${inside}}`;
}

/** A guest's series with the label that the exporter's have: one cannot be compared with the other else. */
function asDomain(labels: Labels): Labels {
  const { guest, ...rest } = labels;
  return guest === undefined ? labels : { domain: guest, ...rest };
}

/** The unit, then what a counter ends in, unless the name says so already. */
function genericName({ name, unit, kind }: Metric): string {
  const endings = [unit === 'count' ? '' : unit, kind === 'counter' ? 'total' : ''];
  return endings.reduce(
    (spelled, ending) =>
      ending === '' || spelled.endsWith(`_${ending}`) ? spelled : `${spelled}_${ending}`,
    nameOf(name),
  );
}

/**
 * Names, labels and units of Prometheus' node_exporter and libvirt exporters where they have them, else the inner name with its
 * unit and `_total` as Prometheus' conventions have it. Counters are sent as they stand.
 *
 * A path is a series as the exposition format spells it, with the configuration's labels; the host and
 * the prefix are no part of it, since Prometheus itself says whom it asked. docs/dialects/prometheus.md lists
 * what differs from node_exporter and why.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://prometheus.io/docs/practices/naming/
 */
export const prometheus: Dialect = {
  name: 'prometheus',
  summary:
    "The names, labels and units of node_exporter and libvirt's exporters; Prometheus' conventions for everything else.",
  spell(series: Series, naming: Naming): readonly Spelling[] {
    const { metric, labels } = series;
    const common = { series, reading: 'value', precision: undefined } as const;
    const match = lookUp(series);
    if (metric.origin?.dialect === 'prometheus') {
      const spelled = path(metric.name, labels, series, naming);
      return [{ ...common, path: spelled, scale: 1, offset: 0 }];
    }
    if (match === undefined || match.section.covers?.(labels) === false) {
      const spelled = path(genericName(metric), asDomain(labels), series, naming);
      return [{ ...common, path: spelled, scale: 1, offset: 0 }];
    }
    const values = { ...labels, ...match.section.also?.(labels) };
    return match.rows.map(({ name, labels: templates, scale, offset, summed }) => {
      const own = Object.entries(templates).map(([label, from]) => [label, fill(from, values)]);
      const all = { ...Object.fromEntries(own), ...match.section.more?.(labels) };
      const spelled = path(nameOf(fill(name, values)), all, series, naming);
      return { ...common, path: spelled, scale, offset, summed };
    });
  },
};
