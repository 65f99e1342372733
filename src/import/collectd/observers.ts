import { expression, quoted } from '../patterns.ts';
import type { Asked } from './asked.ts';
import { type Block, linesOf, posix } from './block.ts';
import { curl, filecount, ping } from './checks.ts';
import { exec } from './exec.ts';
import type { Observer } from './observer.ts';
import { apache, chrony, nginx, ntpd, redis, smart } from './servers.ts';
import { statsd, unixsock } from './sockets.ts';
import { tail } from './tail.ts';
import { virt } from './virt.ts';

const RW = 'label:direction=re:^(read|write)$';
const of = (prefix: string, words: string): string[] =>
  words.split(' ').map((word) => `${prefix}.${word}`);

export const OBSERVERS: Readonly<Record<string, Observer>> = {
  cpu: {
    collectors: ['cpu'],
    only: ['system.cpu.time', 'system.cpu.total.time', 'system.cpu.logical.count'],
    dialect: [
      ...(['cpu', 'ReportByState', 'ReportByCpu', 'ValuesPercentage', 'ReportNumCpu'] as const),
      ...(['ReportGuestState', 'SubtractGuestState'] as const),
    ],
  },
  memory: {
    collectors: ['memory'],
    only: [
      'system.memory.meminfo & label:field=re:^(MemTotal|MemFree|Buffers|Cached|Slab|SUnreclaim|SReclaimable)$',
    ],
    dialect: ['memory', 'ValuesAbsolute', 'ValuesPercentage'],
  },
  df: {
    collectors: ['filesystem'],
    only: of('system.filesystem', 'usage inodes.usage inodes.utilization'),
    dialect: ['df', 'ReportByDevice', 'ReportInodes', 'ValuesAbsolute', 'ValuesPercentage'],
    options(block, { only, except }) {
      const at = ['collectors', 'filesystem'];
      block.draft.set([...at, 'types'], block.selection('FSType'), block.lines('FSType'));
      const points = block.selection('MountPoint');
      block.draft.set([...at, 'mountpoints'], points, block.lines('MountPoint'));
      const { include, exclude = [] } = block.selection('Device');
      if (include !== undefined) {
        const chosen = include.map((each) => `label:device=${each}`);
        const narrowed = only.flatMap((each) =>
          each.startsWith('system.filesystem.') ? chosen.map((it) => `${each} & ${it}`) : [each],
        );
        only.splice(0, only.length, ...narrowed);
      }
      except.push(...exclude.map((each) => `collector:filesystem & label:device=${each}`));
      block.leave('what goes wrong is said once, and again every ten minutes', 'LogOnce');
    },
  },
  disk: {
    collectors: ['disk'],
    only: [
      ...['io', 'operations', 'merged', 'await'].map((word) => `system.disk.${word} & ${RW}`),
      ...of('system.disk', 'io_time weighted_io_time pending_operations'),
    ],
    options(block) {
      const at = ['collectors', 'disk', 'devices'];
      block.draft.set(at, block.selection('Disk'), block.lines('Disk'));
      block.expect('UseBSDName', block.truth('UseBSDName') === false, 'disks have kernel names');
      block.leave('disks are called as the kernel calls them', 'UdevNameAttr');
    },
  },
  interface: {
    collectors: ['network'],
    only: of('system.network', 'io packets errors dropped'),
    options(block) {
      const at = ['collectors', 'network', 'interfaces'];
      block.draft.set(at, block.selection('Interface'), block.lines('Interface'));
      const inactive = block.truth('ReportInactive') !== false;
      block.expect('ReportInactive', inactive, 'interfaces without traffic are told of, too');
      block.expect('UniqueName', block.truth('UniqueName') === false, 'only Solaris has it');
    },
  },
  load: {
    collectors: ['load'],
    only: ['system.cpu.load_average.*'],
    dialect: ['load', 'ReportRelative'],
  },
  swap: {
    collectors: ['memory', 'paging'],
    only: ['system.paging.usage', 'system.paging.swap_pages'],
    dialect: ['swap', 'ReportIO', 'ValuesAbsolute', 'ValuesPercentage'],
    options(block) {
      const device = block.truth('ReportByDevice') === false;
      block.expect('ReportByDevice', device, 'swap is told of as a whole');
      block.expect('ReportBytes', block.truth('ReportBytes') === false, 'swap_io is in pages');
    },
  },
  vmem: {
    collectors: ['paging'],
    only: ['system.linux.vmstat', 'system.linux.vmstat.level'],
    dialect: ['vmem', 'Verbose'],
    options({ draft }, { except }) {
      draft.set(['collectors', 'paging', 'detailed'], true);
      // What vmem leaves out of /proc/vmstat has a name of our own.
      except.push('system.linux.vmstat* & re:(^|[.])vmstat[.](gauge|derive)');
    },
  },
  uptime: { collectors: ['uptime'], only: ['system.uptime'] },
  processes: {
    collectors: ['processes'],
    only: [
      'system.processes.running',
      'system.processes.count & label:status=re:^(running|sleeping|blocked|stopped|zombie)$',
      'system.processes.created',
    ],
    options: groups,
  },
  contextswitch: { collectors: ['processes'], only: ['system.context_switches'] },
  entropy: { collectors: ['processes'], only: ['system.entropy.available'] },
  fhcount: {
    collectors: ['processes'],
    only: ['system.files.open', 'system.files.limit'],
    options(block) {
      const absolute = block.truth('ValuesAbsolute') !== false;
      block.expect('ValuesAbsolute', absolute, 'it is told as numbers of files');
      const share = block.truth('ValuesPercentage') !== true;
      block.expect('ValuesPercentage', share, 'it is told as numbers of files');
    },
  },
  protocols: {
    collectors: ['sockets'],
    only: [],
    options(block, { only, except }) {
      block.draft.set(['collectors', 'sockets', 'detailed'], true);
      const { include, exclude = [] } = block.selection('Value');
      const all =
        'system.linux.snmp & label:protocol=re:^(Ip|Icmp|IcmpMsg|Tcp|Udp|UdpLite|TcpExt|IpExt|MPTcpExt)$';
      const one = (pattern: string): string | undefined => {
        const text = pattern.startsWith('re:') ? pattern.slice(3) : `^${quoted(pattern)}$`;
        const [, protocol, field] = /^(\^?\w+):(\w+\$?)?$/.exec(text) ?? [];
        if (protocol === undefined) return undefined;
        const all = `system.linux.snmp & label:protocol=re:${protocol}$`;
        return field === undefined
          ? all
          : `system.linux.snmp & label:protocol=re:${protocol}$ & label:field=re:^${field}`;
      };
      const chosen = (include ?? []).map(one);
      const left = exclude.map(one);
      if ([...chosen, ...left].includes(undefined)) {
        block.leave('only protocol:field can be carried over; all fields are sent', 'Value');
        only.push(all);
        return;
      }
      only.push(...(include === undefined ? [all] : chosen.filter((each) => each !== undefined)));
      except.push(...left.filter((each) => each !== undefined));
    },
  },
  tcpconns: {
    collectors: ['sockets'],
    only: ['system.tcp.connections'],
    dialect: ['tcpconns', 'AllPortsSummary'],
    options(block) {
      if (block.truth('AllPortsSummary') === true) {
        block.draft.set(['collectors', 'sockets', 'tcpStates'], { every: 1 });
      }
      const why = 'connections are counted for all ports together: AllPortsSummary';
      block.leave(why, 'ListeningPorts', 'LocalPort', 'RemotePort');
    },
  },
  conntrack: {
    collectors: ['conntrack'],
    only: of('system.linux.conntrack', 'count limit utilization'),
    options(block) {
      block.leave('it is there wherever the kernel has it', 'OldFiles');
    },
  },
  irq: {
    collectors: ['interrupts'],
    only: ['system.linux.interrupts'],
    options(block) {
      const at = ['collectors', 'interrupts', 'interrupts'];
      block.draft.set(at, block.selection('Irq'), block.lines('Irq'));
    },
  },
  md: {
    collectors: ['mdstat'],
    only: ['system.linux.md.disks'],
    options(block) {
      const at = ['collectors', 'mdstat', 'arrays'];
      block.draft.set(at, block.selection('Device'), block.lines('Device'));
    },
  },
  users: { collectors: ['users'], only: ['system.users.sessions'] },
  nfs: {
    collectors: ['nfs'],
    only: ['system.nfs.operations'],
    options(block, { except }) {
      for (const version of ['2', '3', '4']) {
        const key = `ReportV${version}`;
        if (block.truth(key) === false)
          except.push(`system.nfs.operations & label:version=${version}`);
        block.expect(key, block.truth(key) !== undefined, 'it is true or false');
      }
    },
  },
  thermal: {
    collectors: ['thermal'],
    only: ['hardware.thermal.temperature', 'hardware.cooling.state'],
    options: thermal,
  },
  sensors: {
    collectors: ['sensors'],
    only: ['hardware.temperature', 'hardware.fan.speed', 'hardware.voltage', 'hardware.power'],
    options(block) {
      own(block, 'sensors', 'sensors-…');
      block.leave(
        'the kernel’s files are read, and no configuration of lm-sensors',
        'SensorConfigFile',
      );
      block.leave('sensors are called by the kernel’s labels', 'UseLabels');
      block.leave(
        'except of a handler leaves sensors out: label:chip, label:sensor',
        'Sensor',
        'IgnoreSelected',
      );
    },
  },
  battery: {
    collectors: ['batteries'],
    only: ['hardware.battery.*'],
    options(block) {
      own(block, 'batteries', 'battery-…');
      const why = 'batteries are told of in shares, volts and watts';
      block.leave(why, 'ValuesPercentage', 'ReportDegraded', 'QueryStateFS');
    },
  },
  cgroups: {
    collectors: ['cgroups'],
    only: ['system.cgroup.cpu.time'],
    options(block) {
      own(block, 'cgroups', 'cgroups-…');
      const chosen = block.selection('CGroup');
      // collectd knows a group by the last part of its path.
      const groups = Object.entries(chosen).map(([list, patterns]) => [
        list,
        patterns.map((each) => (each.startsWith('re:') ? each : `re:(^|/)${quoted(each)}$`)),
      ]);
      const at = ['collectors', 'cgroups', 'groups'];
      if (block.find('CGroup') !== undefined)
        block.draft.set(at, Object.fromEntries(groups), block.lines('CGroup'));
    },
  },
  apache,
  nginx,
  redis,
  chrony,
  ntpd,
  smart,
  ping,
  curl,
  filecount,
  statsd,
  unixsock,
  exec: { collectors: ['exec'], only: [], options: exec },
  tail: { collectors: ['logs'], only: [], options: tail },
  virt: { collectors: ['libvirt'], only: ['guest.*'], options: virt },
};

/** Says of a collector that its names are not those that the plugin had. */
function own({ draft }: Block, collector: string, theirs: string): void {
  draft.note(['collectors', collector], `Its names are cullinan’s, and not ${theirs}`);
}

/** Devices are called by their folders, and numbers are what is left of these here. */
function thermal(block: Block, { only, except }: Asked): void {
  block.expect('ForceUseProcfs', block.truth('ForceUseProcfs') === false, 'it is read in /sys');
  const { include, exclude = [] } = block.selection('Device');
  const metric = (device: string): string | undefined => {
    const [, zone] = /^thermal_zone(\d+)$/.exec(device) ?? [];
    const [, cooler] = /^cooling_device(\d+)$/.exec(device) ?? [];
    if (zone !== undefined) return `hardware.thermal.temperature & label:zone=${zone}`;
    return cooler === undefined ? undefined : `hardware.cooling.state & label:device=${cooler}`;
  };
  const chosen = (include ?? exclude).map(metric);
  const known = chosen.filter((each) => each !== undefined);
  if (known.length < chosen.length)
    block.leave(
      'devices are chosen as thermal_zone0 and cooling_device0, by except of a handler',
      'Device',
    );
  if (include === undefined) except.push(...known);
  else if (known.length > 0) {
    const others = only.filter((each) => !/^hardware\.(?:thermal|cooling)\./.test(each));
    only.splice(0, only.length, ...others, ...known);
  }
}

/** `Process` and `ProcessMatch`: the first 15 bytes of a name, and an expression for the command line. */
function groups(block: Block, { only }: Asked): void {
  const { draft } = block;
  const at = ['collectors', 'process'];
  const found = [...block.all('Process'), ...block.all('ProcessMatch')];
  const detail = 'all that is known of a group is told';
  for (const { key, values, children = [], line } of found) {
    const match = key.toLowerCase() === 'processmatch';
    const [name = '', source = ''] = values;
    const made = match ? expression(posix(source)) : `^${quoted(name.slice(0, 15))}$`;
    if (!/^[\w.-]+$/.test(name) || made === undefined) {
      draft.leave(
        line,
        'a name has letters, digits, "_", "." and "-", and its expression is a plain one',
      );
      continue;
    }
    draft.append([...at, 'groups', name, match ? 'cmdline' : 'name'], made, line);
    for (const child of children) draft.leave([...linesOf(child)], detail);
  }
  if (found.some(({ line }) => draft.answered(line)) && draft.has([...at, 'groups'])) {
    draft.set([...at, 'enabled'], true);
    // biome-ignore format: a list of words
    only.push(...of('system.process_group', 'count threads open_files cpu.time memory.usage io page_faults context_switches'));
  }
  for (const key of [
    'CollectContextSwitch',
    'CollectFileDescriptor',
    'CollectMemoryMaps',
    'CollectDelayAccounting',
  ]) {
    block.leave(`${detail}, and of each process nothing`, key);
  }
}
