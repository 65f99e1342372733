import { libvirtKvm } from './diamond-guests.ts';
import type { Options } from './diamond-options.ts';
import { everything, growth, level, type Row, rate, type Section, summed } from './diamond-row.ts';
import { rabbitmq, redis, services } from './diamond-services.ts';
import { type Table, tableOf } from './table.ts';

const MILLISECONDS = 1000;
const PERCENT = 100;
const BITS = 8;

/** CPUCollector: USER_HZ ticks per second, which is percent of one CPU; the total sums all CPUs. */
const cpu: Section = {
  covers: everything,
  rows: {
    'system.cpu.time': [rate('cpu.cpu{cpu}.{state}', 2, PERCENT)],
    'system.cpu.total.time': [rate('cpu.total.{state}', 2, PERCENT)],
    'system.cpu.logical.count': [level('cpu.cpu_count', 2)],
  },
};

/** MemoryCollector: the kernel's own field names, in bytes. */
const memory: Section = {
  covers: everything,
  rows: {
    'system.memory.meminfo': [level('memory.{field}', 0)],
    'system.memory.utilization': [level('memory.MemUsedPercentage', 0, PERCENT)],
  },
};

const FILESYSTEMS = new Set(
  'ext2 ext3 ext4 xfs glusterfs nfs nfs4 ntfs hfs fat32 fat16 btrfs'.split(' '),
);

/** DiskSpaceCollector. On Linux f_favail and f_ffree are the same number, hence one inner state for both. */
const diskspace: Section = {
  covers: ({ type = '', mountpoint = '', device = '' }) =>
    FILESYSTEMS.has(type) &&
    device.includes('/') &&
    !/^\/(dev|proc|sys|export\/home)/.test(mountpoint),
  rows: {
    'system.filesystem.utilization': [
      level('diskspace.{filesystem}.byte_percentfree', 2, -PERCENT, 100),
    ],
    'system.filesystem.usage{state=used}': [level('diskspace.{filesystem}.byte_used', 2)],
    'system.filesystem.unused': [level('diskspace.{filesystem}.byte_free', 2)],
    'system.filesystem.usage{state=free}': [level('diskspace.{filesystem}.byte_avail', 2)],
    'system.filesystem.inodes.utilization': [
      level('diskspace.{filesystem}.inodes_percentfree', 0, -PERCENT, 100),
    ],
    'system.filesystem.inodes.usage{state=used}': [level('diskspace.{filesystem}.inodes_used', 0)],
    'system.filesystem.inodes.usage{state=free}': [
      level('diskspace.{filesystem}.inodes_free', 0),
      level('diskspace.{filesystem}.inodes_avail', 0),
    ],
  },
};

const DISKS =
  /^(PhysicalDrive[0-9]+|md[0-9]+|sd[a-z]+[0-9]*|x?vd[a-z]+[0-9]*|disk[0-9]+|nvme[0-9]+n[0-9]+(p[0-9]+)?|dm-[0-9]+)$/;

/** DiskUsageCollector: what grew in the interval (not per second, unless the name says so), and derived. */
const iostat: Section = {
  covers: ({ device = '' }) => DISKS.test(device),
  rows: {
    'system.disk.operations{direction=read}': [
      growth('iostat.{device}.reads', 3),
      rate('iostat.{device}.reads_per_second', 3),
    ],
    'system.disk.operations{direction=write}': [
      growth('iostat.{device}.writes', 3),
      rate('iostat.{device}.writes_per_second', 3),
    ],
    'system.disk.merged{direction=read}': [
      growth('iostat.{device}.reads_merged', 3),
      rate('iostat.{device}.read_requests_merged_per_second', 3),
    ],
    'system.disk.merged{direction=write}': [
      growth('iostat.{device}.writes_merged', 3),
      rate('iostat.{device}.write_requests_merged_per_second', 3),
    ],
    'system.disk.io{direction=read}': [
      growth('iostat.{device}.reads_byte', 3),
      rate('iostat.{device}.read_byte_per_second', 3),
    ],
    'system.disk.io{direction=write}': [
      growth('iostat.{device}.writes_byte', 3),
      rate('iostat.{device}.write_byte_per_second', 3),
    ],
    'system.disk.operation_time{direction=read}': [
      growth('iostat.{device}.reads_milliseconds', 3, MILLISECONDS),
    ],
    'system.disk.operation_time{direction=write}': [
      growth('iostat.{device}.writes_milliseconds', 3, MILLISECONDS),
    ],
    'system.disk.pending_operations': [level('iostat.{device}.io_in_progress', 3)],
    'system.disk.io_time': [growth('iostat.{device}.io_milliseconds', 3, MILLISECONDS)],
    'system.disk.weighted_io_time': [
      growth('iostat.{device}.io_milliseconds_weighted', 3, MILLISECONDS),
    ],
    'system.disk.request_size': [level('iostat.{device}.average_request_size_byte', 3)],
    'system.disk.requests': [growth('iostat.{device}.io', 3), rate('iostat.{device}.iops', 3)],
    'system.disk.queue_length': [level('iostat.{device}.average_queue_length', 3)],
    'system.disk.utilization': [
      level('iostat.{device}.util_percentage', 3, PERCENT),
      level('iostat.{device}.concurrent_io', 3),
    ],
    'system.disk.await{direction=read}': [level('iostat.{device}.read_await', 3, MILLISECONDS)],
    'system.disk.await{direction=write}': [level('iostat.{device}.write_await', 3, MILLISECONDS)],
    'system.disk.await{direction=all}': [level('iostat.{device}.await', 3, MILLISECONDS)],
    'system.disk.service_time': [level('iostat.{device}.service_time', 3, MILLISECONDS)],
  },
};

const INTERFACES = /^(eth|bond|em|p1p|eno|enp|ens|enx)/;

/** NetworkCollector: everything per second. */
const network: Section = {
  covers: ({ device = '' }) => INTERFACES.test(device),
  rows: {
    'system.network.io{direction=receive}': [
      rate('network.{device}.rx_bit', 2, BITS),
      rate('network.{device}.rx_byte', 2),
    ],
    'system.network.io{direction=transmit}': [
      rate('network.{device}.tx_bit', 2, BITS),
      rate('network.{device}.tx_byte', 2),
    ],
    'system.network.packets{direction=receive}': [rate('network.{device}.rx_packets', 0)],
    'system.network.packets{direction=transmit}': [rate('network.{device}.tx_packets', 0)],
    'system.network.errors{direction=receive}': [rate('network.{device}.rx_errors', 0)],
    'system.network.errors{direction=transmit}': [rate('network.{device}.tx_errors', 0)],
    'system.network.dropped{direction=receive}': [rate('network.{device}.rx_drop', 0)],
    'system.network.dropped{direction=transmit}': [rate('network.{device}.tx_drop', 0)],
    'system.network.fifo{direction=receive}': [rate('network.{device}.rx_fifo', 0)],
    'system.network.fifo{direction=transmit}': [rate('network.{device}.tx_fifo', 0)],
    'system.network.frame': [rate('network.{device}.rx_frame', 0)],
    'system.network.collisions': [rate('network.{device}.tx_colls', 0)],
    'system.network.carrier': [rate('network.{device}.tx_carrier', 0)],
    'system.network.compressed{direction=receive}': [rate('network.{device}.rx_compressed', 0)],
    'system.network.compressed{direction=transmit}': [rate('network.{device}.tx_compressed', 0)],
    'system.network.multicast': [rate('network.{device}.rx_multicast', 0)],
  },
};

/** LoadAverageCollector. */
const loadavg: Section = {
  covers: everything,
  rows: {
    'system.cpu.load_average.1m': [level('loadavg.01', 2)],
    'system.cpu.load_average.5m': [level('loadavg.05', 2)],
    'system.cpu.load_average.15m': [level('loadavg.15', 2)],
    'system.cpu.load_average.1m.per_cpu': [level('loadavg.01_normalized', 2)],
    'system.cpu.load_average.5m.per_cpu': [level('loadavg.05_normalized', 2)],
    'system.cpu.load_average.15m.per_cpu': [level('loadavg.15_normalized', 2)],
    'system.threads.running': [level('loadavg.processes_running', 0)],
    'system.threads.count': [level('loadavg.processes_total', 0)],
  },
};

/** UptimeCollector. */
const uptime: Section = {
  covers: everything,
  rows: { 'system.uptime': [level('uptime.minutes', 0, 1 / 60)] },
};

/** VMStatCollector: pages and faults per second, by the kernel's own names. */
const vmstat: Section = {
  covers: everything,
  rows: { 'system.linux.vmstat': [rate('vmstat.{field}', 2)] },
};

/** SockstatCollector: IPv4 and IPv6 together; memory in pages. */
const sockstat: Section = {
  covers: ({ protocol = 'tcp', state = 'in_use' }) =>
    protocol === 'tcp' || (protocol === 'udp' && state === 'in_use'),
  rows: {
    'system.sockets.used': [level('sockets.used', 0)],
    'system.sockets.count{state=in_use}': [summed(level('sockets.{protocol}_inuse', 0))],
    'system.sockets.count{state=orphan}': [summed(level('sockets.{protocol}_orphan', 0))],
    'system.sockets.count{state=time_wait}': [summed(level('sockets.{protocol}_tw', 0))],
    'system.sockets.count{state=allocated}': [summed(level('sockets.{protocol}_alloc', 0))],
    'system.sockets.memory_pages': [level('sockets.{protocol}_mem', 0)],
  },
};

/** TCPCollector, of both /proc/net/snmp and /proc/net/netstat: whole events per second, and levels. */
const tcp: Section = {
  covers: everything,
  rows: {
    'system.linux.snmp{protocol=Tcp}': [rate('tcp.{field}', 0)],
    'system.linux.snmp{protocol=TcpExt}': [rate('tcp.{field}', 0)],
    'system.linux.snmp.level{protocol=Tcp}': [level('tcp.{field}', 0)],
  },
};

/** UDPCollector: whole datagrams per second. */
const udp: Section = {
  covers: everything,
  rows: { 'system.linux.snmp{protocol=Udp}': [rate('udp.{field}', 0)] },
};

/** ProcessStatCollector. */
const proc: Section = {
  covers: everything,
  rows: {
    'system.context_switches': [rate('proc.ctxt', 0)],
    'system.processes.created': [rate('proc.processes', 0)],
    'system.processes.running': [level('proc.procs_running', 0)],
    'system.processes.blocked': [level('proc.procs_blocked', 0)],
    'system.boot_time': [level('proc.btime', 0)],
  },
};

/** ProcessResourcesCollector: totals as they stand, as psutil gives them; all in whole numbers. */
const processResources: Section = {
  covers: everything,
  rows: {
    'system.process_group.count': [level('process.{group}.workers_count', 0)],
    'system.process_group.threads': [level('process.{group}.num_threads', 0)],
    'system.process_group.open_files': [level('process.{group}.num_fds', 0)],
    'system.process_group.uptime': [level('process.{group}.uptime', 0)],
    'system.process_group.cpu.time': [
      level('process.{group}.cpu_times.{state}', 0),
      summed(rate('process.{group}.cpu_percent', 0, PERCENT)),
    ],
    'system.process_group.memory.usage{type=rss}': [level('process.{group}.memory_info_ex.rss', 0)],
    'system.process_group.memory.usage{type=virtual}': [
      level('process.{group}.memory_info_ex.vms', 0),
    ],
    'system.process_group.io': [level('process.{group}.io_counters.{direction}_bytes', 0)],
    'system.process_group.context_switches': [level('process.{group}.num_ctx_switches.{type}', 0)],
  },
};

/** ConnTrackCollector: the files' own names. */
const conntrack: Section = {
  covers: everything,
  rows: {
    'system.linux.conntrack.count': [level('conntrack.nf_conntrack_count', 0)],
    'system.linux.conntrack.limit': [level('conntrack.nf_conntrack_max', 0)],
  },
};

/** SoftInterruptCollector: whole numbers per second, by where the kind stands in /proc/stat. */
const softirq: Section = {
  covers: everything,
  rows: Object.fromEntries(
    [
      ...['HI', 'TIMER', 'NET_TX', 'NET_RX', 'BLOCK', 'IRQ_POLL', 'TASKLET', 'SCHED', 'HRTIMER'],
      'RCU',
    ].map((type, i) => [`system.linux.softirqs{type=${type}}`, [rate(`softirq.${i}`, 0)]]),
  ),
};

const KIB = 1 / 1024;

/** MdStatCollector; of what an array does it knows recovery alone. */
const mdstat: Section = {
  covers: ({ activity = 'recovery' }) => activity === 'recovery',
  rows: {
    'system.linux.md.disks{state=active}': [level('mdstat.{device}.member_count.active', 1)],
    'system.linux.md.disks{state=failed}': [level('mdstat.{device}.member_count.faulty', 1)],
    'system.linux.md.disks{state=spare}': [level('mdstat.{device}.member_count.spare', 1)],
    'system.linux.md.disks.required': [level('mdstat.{device}.status.total_members', 1)],
    'system.linux.md.size': [level('mdstat.{device}.status.blocks', 1, KIB)],
    'system.linux.md.progress': [level('mdstat.{device}.recovery.percent', 1, PERCENT)],
    'system.linux.md.speed': [level('mdstat.{device}.recovery.speed', 1)],
    'system.linux.md.remaining': [
      level('mdstat.{device}.recovery.remaining_time', 1, MILLISECONDS),
    ],
  },
};

/** UserCollector. */
const users: Section = {
  covers: everything,
  rows: {
    'system.users.sessions': [level('users.total', 0)],
    'system.users.user.sessions': [level('users.{user}', 0)],
  },
};

// biome-ignore format: one section a word
const SECTIONS = [
  cpu, memory, diskspace, iostat, network, loadavg, uptime,
  vmstat, sockstat, tcp, udp, proc, processResources, conntrack, softirq, mdstat, users,
  services, redis, rabbitmq,
];

const DEVICES: ReadonlySet<Section> = new Set([diskspace, iostat, network]);

export interface Match {
  readonly covers: Section['covers'];
  readonly rows: readonly Row[];
}

export const tableFor = (o: Options): Table<Match> =>
  tableOf(
    [...SECTIONS, libvirtKvm(o)].flatMap((section) => {
      const covers = o.everyDevice && DEVICES.has(section) ? everything : section.covers;
      return Object.entries(section.rows).map(([key, rows]): [string, Match] => [
        key,
        { covers, rows },
      ]);
    }),
  );
