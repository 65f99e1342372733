import { exactly, expression } from '../patterns.ts';
import { type Counterpart, matching } from './counterpart.ts';
import { kernel } from './kernel.ts';
import { processGroups } from './processes.ts';
import { programs } from './programs.ts';
import { services } from './services.ts';
import type { Settings } from './settings.ts';

const UNUSUAL = 'only the names of the default are there: docs/dialects/diamond.md';

const byteUnit = (settings: Settings): void => {
  settings.expect('byte_unit', settings.list('byte_unit')?.join() === 'byte', UNUSUAL);
};

// biome-ignore format: a list of words
const MEMORY = [
  'MemTotal', 'MemFree', 'MemAvailable', 'Buffers', 'Cached', 'Active', 'Dirty', 'Inactive', 'Shmem',
  'SwapTotal', 'SwapFree', 'SwapCached', 'VmallocTotal', 'VmallocUsed', 'VmallocChunk', 'Committed_AS',
];
// biome-ignore format: a list of words
const TCP = [
  'ListenOverflows', 'ListenDrops', 'TCPLoss', 'TCPTimeouts', 'TCPFastRetrans', 'TCPLostRetransmit',
  'TCPForwardRetrans', 'TCPSlowStartRetrans', 'CurrEstab', 'TCPAbortOnMemory', 'TCPBacklogDrop',
  'AttemptFails', 'EstabResets', 'InErrs', 'ActiveOpens', 'PassiveOpens',
];
// biome-ignore format: a list of words
const UDP = ['InDatagrams', 'NoPorts', 'InErrors', 'OutDatagrams', 'RcvbufErrors', 'SndbufErrors'];
// biome-ignore format: a list of words
const FILESYSTEMS = [
  'ext2', 'ext3', 'ext4', 'xfs', 'glusterfs', 'nfs', 'nfs4', 'ntfs', 'hfs', 'fat32', 'fat16', 'btrfs',
];
const DISKS =
  'PhysicalDrive[0-9]+$|md[0-9]+$|sd[a-z]+[0-9]*$|x?vd[a-z]+[0-9]*$|disk[0-9]+$|nvme[0-9]+n[0-9]+(p[0-9]+)?$|dm-[0-9]+$';
const INTERFACES = ['eth', 'bond', 'em', 'p1p', 'eno', 'enp', 'ens', 'enx'];

const fields = (names: readonly string[]): string => `label:field=re:^(${names.join('|')})$`;

/** The fields of a protocol that are published: those that are named, or all. */
const snmp =
  (protocols: string, usual: readonly string[]) =>
  (settings: Settings): string[] => {
    const names = settings.list('allowed_names') ?? usual;
    const which = names.length === 0 ? '' : ` & ${fields(names.filter((it) => /^\w+$/.test(it)))}`;
    const of = (metric: string) => `${metric} & label:protocol=re:^(${protocols})$${which}`;
    return [of('system.linux.snmp'), of('system.linux.snmp.level')];
  };

const snmpOptions =
  (usual: readonly string[]) =>
  (settings: Settings, at: readonly string[]): void => {
    const names = settings.list('allowed_names');
    settings.draft.carry(settings.lines('allowed_names'));
    const more = names?.length === 0 || names?.some((name) => !usual.includes(name));
    if (more) settings.draft.set([...at, 'detailed'], true, settings.lines('allowed_names'));
    settings.expect('gauges', true, '');
  };

/** By the class that Diamond has for it. */
export const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  ...kernel,
  ...services,
  ...programs,
  CPUCollector: {
    collector: 'cpu',
    path: 'cpu',
    only: ['system.cpu.time', 'system.cpu.total.time', 'system.cpu.logical.count'],
    options(settings, at) {
      settings.put([...at, 'perCpu'], 'percore', settings.truth('percore'));
      settings.expect('simple', settings.truth('simple') === false, UNUSUAL);
      settings.expect('normalize', settings.truth('normalize') === false, UNUSUAL);
      settings.expect('derivative', settings.truth('derivative') === true, UNUSUAL);
      settings.expect('xenfix', false, 'it works around a bug of kernels long gone');
    },
  },
  MemoryCollector: {
    collector: 'memory',
    path: 'memory',
    only: (settings) => [
      settings.get('detailed') === undefined
        ? `system.memory.meminfo & ${fields(MEMORY)}`
        : 'system.memory.meminfo',
      'system.memory.utilization',
    ],
    options(settings, at) {
      // Diamond asks whether the key is there, and not what it says.
      settings.put([...at, 'detailed'], 'detailed', true);
      settings.expect('force_psutil', settings.truth('force_psutil') === false, UNUSUAL);
      byteUnit(settings);
    },
  },
  DiskSpaceCollector: {
    collector: 'filesystem',
    path: 'diskspace',
    only: [
      'system.filesystem.usage & label:state=re:^(used|free)$',
      'system.filesystem.unused',
      'system.filesystem.utilization',
      'system.filesystem.inodes.usage',
      'system.filesystem.inodes.utilization',
    ],
    options(settings, at, { dialect }) {
      const types = settings.list('filesystems') ?? FILESYSTEMS;
      const others = types.filter((type) => !FILESYSTEMS.includes(type));
      settings.draft.set(
        [...at, 'types'],
        { include: types.map(exactly), exclude: [] },
        settings.lines('filesystems'),
      );
      const list = settings.list('exclude_filters') ?? ['^/export/home'];
      if (others.length > 0 || settings.get('exclude_filters') !== undefined)
        dialect.set('everyDevice', true);
      const filters = list.map((each) => expression(each));
      const known = filters.flatMap((each) => (each === undefined ? [] : [`re:${each}`]));
      const exclude = [...known, 're:^/(dev|proc|sys)(/|$)'];
      const lines = settings.lines('exclude_filters');
      settings.draft.set([...at, 'mountpoints'], { exclude }, lines);
      if (known.length < list.length) {
        settings.leave('one of these is no expression that can be carried over', 'exclude_filters');
      }
      byteUnit(settings);
    },
  },
  DiskUsageCollector: {
    collector: 'disk',
    path: 'iostat',
    only: [
      'system.disk.operations & label:direction=re:^(read|write)$',
      'system.disk.merged & label:direction=re:^(read|write)$',
      'system.disk.io & label:direction=re:^(read|write)$',
      'system.disk.operation_time & label:direction=re:^(read|write)$',
      'system.disk.pending_operations',
      'system.disk.io_time',
      'system.disk.weighted_io_time',
      'system.disk.request_size',
      'system.disk.requests',
      'system.disk.queue_length',
      'system.disk.utilization',
      'system.disk.await',
      'system.disk.service_time',
    ],
    options(settings, at, { dialect }) {
      const devices = matching(settings, 'devices') ?? [`re:^(?:${DISKS})`];
      if (settings.get('devices') !== undefined) dialect.set('everyDevice', true);
      const exclude = matching(settings, 'exclude_devices') ?? ['ram*', 'loop*'];
      const lines = settings
        .lines('devices', 'exclude_devices')
        .filter((line) => !settings.draft.answered(line));
      settings.draft.set([...at, 'devices'], { include: devices, exclude }, lines);
      settings.expect('sector_size', settings.number('sector_size') === 512, 'it is 512 in Linux');
      const silent = 'counts and rates of an idle device are sent as 0: docs/dialects/diamond.md';
      settings.expect('send_zero', settings.text('send_zero') !== 'False', silent);
      settings.expect('persistent_naming', settings.truth('persistent_naming') === false, UNUSUAL);
      byteUnit(settings);
    },
  },
  NetworkCollector: {
    collector: 'network',
    path: 'network',
    // biome-ignore format: a list of words
    only: [
      'io', 'packets', 'errors', 'dropped', 'fifo', 'frame', 'collisions', 'carrier', 'compressed',
      'multicast',
    ].map((word) => `system.network.${word}`),
    options(settings, at, { except, dialect }) {
      const greedy = settings.truth('greedy') ?? true;
      const given = settings.get('interfaces')?.value;
      // Python joins the letters of a text as it joins the members of a list.
      const letters =
        typeof given === 'string' ? [...new Set(given.replace(/\s/g, ''))] : undefined;
      const names = letters ?? settings.list('interfaces') ?? INTERFACES;
      const include = expression(`^(?:${names.join('|')})${greedy ? '\\S*' : ''}$`);
      const lines = settings.lines('interfaces', 'greedy');
      if (include === undefined) {
        settings.leave('this is no regular expression that can be carried over', 'interfaces');
      } else {
        const others = names.filter((name) => !INTERFACES.some((known) => name.startsWith(known)));
        const value = { include: [`re:${include}`], exclude: [] };
        if (others.length > 0) dialect.set('everyDevice', true);
        const comment =
          letters === undefined || letters.length < 2
            ? undefined
            : `"${given}" has no comma, so Diamond takes each of its letters for the beginning of a name. If "${given}" was meant, say: include: ["${given}*"]`;
        settings.draft.set([...at, 'interfaces'], value, lines, comment);
      }
      const units = settings.list('byte_unit')?.flatMap((unit) => unit.split(/\s+/));
      if (units === undefined) return;
      const known = units.every((unit) => /^(bit|byte)$/.test(unit));
      settings.expect('byte_unit', known, UNUSUAL);
      if (!known) return;
      for (const unit of ['bit', 'byte']) {
        if (units.includes(unit)) continue;
        except.push(`collector:network & re:\\.[rt]x_${unit}$`);
      }
    },
  },
  LoadAverageCollector: {
    collector: 'load',
    path: 'loadavg',
    only: ['system.cpu.load_average.*', 'system.threads.running', 'system.threads.count'],
    options(settings) {
      settings.expect('simple', settings.truth('simple') === false, UNUSUAL);
    },
  },
  VMStatCollector: {
    collector: 'paging',
    path: 'vmstat',
    only: [
      `system.linux.vmstat & ${fields(['pgfault', 'pgmajfault', 'pgpgin', 'pgpgout', 'pswpin', 'pswpout'])}`,
    ],
  },
  SockstatCollector: {
    collector: 'sockets',
    path: 'sockets',
    only: [
      'system.sockets.used',
      'system.sockets.count & label:protocol=tcp',
      'system.sockets.count & label:protocol=udp & label:state=in_use',
      'system.sockets.memory_pages & label:protocol=re:^(tcp|udp)$',
    ],
  },
  TCPCollector: {
    collector: 'sockets',
    path: 'tcp',
    only: snmp('Tcp|TcpExt', TCP),
    options: snmpOptions(TCP),
  },
  UDPCollector: {
    collector: 'sockets',
    path: 'udp',
    only: snmp('Udp', UDP),
    options: snmpOptions(UDP),
  },
  UptimeCollector: {
    collector: 'uptime',
    path: 'uptime',
    only: ['system.uptime'],
    options(settings) {
      settings.expect('metric_name', settings.text('metric_name') === 'minutes', UNUSUAL);
    },
  },
  ProcessStatCollector: {
    collector: 'processes',
    path: 'proc',
    only: [
      'system.context_switches',
      'system.processes.created',
      'system.processes.running',
      'system.processes.blocked',
    ],
  },
  ProcessResourcesCollector: {
    collector: 'process',
    path: 'process',
    only: ['system.process_group.*'],
    options: processGroups,
  },
  ConnTrackCollector: {
    collector: 'conntrack',
    path: 'conntrack',
    only: ['system.linux.conntrack.count', 'system.linux.conntrack.limit'],
    options(settings) {
      const where = 'cullinan knows where the kernel has them';
      settings.expect('dir', true, where);
      settings.expect('files', true, where);
    },
  },
  SoftInterruptCollector: {
    collector: 'interrupts',
    path: 'softirq',
    only: ['system.linux.softirqs'],
  },
  MdStatCollector: { collector: 'mdstat', path: 'mdstat', only: ['system.linux.md.*'] },
  UsersCollector: {
    collector: 'users',
    path: 'users',
    only: ['system.users.*'],
    options(settings) {
      settings.expect('utmp', settings.get('utmp')?.value === '', UNUSUAL);
    },
  },
  LibvirtKVMCollector: {
    collector: 'libvirt',
    path: 'libvirt-kvm',
    only: [
      'guest.cpu.time',
      'guest.disk*.operations & label:direction=re:^(read|write)$',
      'guest.disk*.io & label:direction=re:^(read|write)$',
      're:^guest\\.networks?\\.(io|packets|errors|dropped)$',
      'guest.memory.current',
      'guest.memory.rss',
    ],
    options(settings, at, { dialect }) {
      settings.put([...at, 'uri'], 'uri', settings.text('uri'));
      const byUuid = settings.truth('sort_by_uuid');
      if (byUuid === true) settings.put([...at, 'identity'], 'sort_by_uuid', 'uuid');
      else settings.expect('sort_by_uuid', byUuid === false, UNUSUAL);
      const absolute = settings.truth('cpu_absolute');
      if (absolute !== undefined) dialect.set('cpuAbsolute', absolute);
      settings.expect('cpu_absolute', absolute !== undefined, UNUSUAL);
    },
  },
};
