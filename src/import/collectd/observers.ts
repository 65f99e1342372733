import type { Value } from '../draft.ts';
import { expression } from '../patterns.ts';
import type { Asked } from './asked.ts';
import { type Block, linesOf, posix } from './block.ts';
import { exec } from './exec.ts';
import { tail } from './tail.ts';

/** A plugin of collectd's that reads, and what observes the same here. */
export interface Observer {
  readonly collectors: readonly string[];
  /** What it publishes, as patterns of a handler's `only`. */
  readonly only: readonly string[];
  /** Its options that are the dialect's: the plugin's key there, and the names of the options. */
  readonly dialect?: readonly [plugin: string, ...options: readonly string[]];
  readonly options?: (block: Block, asked: Asked) => void;
}

const RW = 'label:direction=re:^(read|write)$';
const of = (prefix: string, words: string): string[] =>
  words.split(' ').map((word) => `${prefix}.${word}`);

/** Options that only say what is sent, by the names that both have. */
function speak(asked: Asked, plugin: string, values: Record<string, Value>): void {
  asked.dialect.set(plugin, { ...asked.dialect.get(plugin), ...values });
}

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
        const text = pattern.startsWith('re:')
          ? pattern.slice(3)
          : `^${pattern.replace(/[$^\\.*+?()[\]{}|]/g, '\\$&')}$`;
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
  nfs: { collectors: ['nfs'], only: ['system.nfs.operations'] },
  thermal: {
    collectors: ['thermal'],
    only: ['hardware.thermal.temperature', 'hardware.cooling.state'],
    options(block) {
      block.expect('ForceUseProcfs', block.truth('ForceUseProcfs') === false, 'it is read in /sys');
    },
  },
  exec: { collectors: ['exec'], only: [], options: exec },
  tail: { collectors: ['logs'], only: [], options: tail },
  virt: { collectors: ['libvirt'], only: ['guest.*'], options: virt },
};

/** `Process` and `ProcessMatch`: the first 15 bytes of a name, and an expression for the command line. */
function groups(block: Block, { only }: Asked): void {
  const { draft } = block;
  const at = ['collectors', 'process'];
  const found = [...block.all('Process'), ...block.all('ProcessMatch')];
  const detail = 'all that is known of a group is told';
  for (const { key, values, children = [], line } of found) {
    const match = key.toLowerCase() === 'processmatch';
    const [name = '', source = ''] = values;
    const made = match
      ? expression(posix(source))
      : `^${name.slice(0, 15).replace(/[$^\\.*+?()[\]{}|]/g, '\\$&')}$`;
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

const FORMATS = /^(name|uuid|hostname|metadata)$/;

function virt(block: Block, asked: Asked): void {
  const { draft } = block;
  const at = ['collectors', 'libvirt'];
  block.put([...at, 'uri'], 'Connection', block.text('Connection'));
  // biome-ignore format: pairs of names
  for (const [key, ours] of [['Domain', 'guests'], ['BlockDevice', 'disks'], ['InterfaceDevice', 'interfaces']] as const) {
    if (block.find(key) !== undefined) draft.set([...at, ours], block.selection(key), block.lines(key));
  }
  draft.carry(block.lines('IgnoreSelected'));
  const words = (key: string): string[] =>
    (block.find(key)?.values.join(' ') ?? '').split(/\s+/).filter((it) => FORMATS.test(it));
  const host = words('HostnameFormat');
  if (host.length > 0) speak(asked, 'virt', { hostnameFormat: host });
  const instance = words('PluginInstanceFormat');
  if (instance.length > 0) speak(asked, 'virt', { pluginInstanceFormat: instance });
  draft.carry(block.lines('HostnameFormat', 'PluginInstanceFormat'));
  const labels = [...host, ...instance].flatMap((word) =>
    word === 'uuid' ? ['uuid'] : word === 'metadata' ? ['instance'] : [],
  );
  if (labels.length > 0) draft.set([...at, 'labels'], [...new Set(labels)]);
  block.leave(
    'labels: { instance: "metadata/app:facts/app:host" } names it: docs/dialects/collectd.md',
    'HostnameMetadataNS',
    'HostnameMetadataXPath',
  );
  const name = { name: 'target', address: 'address', number: 'number' };
  const called = block.text('InterfaceFormat') ?? '';
  block.put(
    [...at, 'interfaceName'],
    'InterfaceFormat',
    Object.hasOwn(name, called) ? name[called as keyof typeof name] : undefined,
  );
  block.put([...at, 'diskName'], 'BlockDeviceFormat', block.text('BlockDeviceFormat'));
  const base = block.truth('BlockDeviceFormatBasename');
  if (base !== undefined) speak(asked, 'virt', { blockDeviceFormatBasename: base });
  draft.carry(block.lines('BlockDeviceFormatBasename'));
  const known =
    /^(cpu_util|disk|domain_state|memory|pcpu|perf|vcpu|disk_(allocation|capacity|physical))$/;
  const extra = (block.find('ExtraStats')?.values.join(' ') ?? '')
    .split(/\s+/)
    .filter((it) => it !== '');
  const missing = extra.filter((it) => !known.test(it));
  if (extra.length > 0) {
    speak(asked, 'virt', { extraStats: extra.filter((it) => known.test(it)) });
  }
  block.expect(
    'ExtraStats',
    missing.length === 0,
    `there is no ${missing.join(', ')}; the others are carried over`,
  );
  const stats = ['cpu', 'balloon', 'vcpu', 'interface', 'block'].filter(
    (it) =>
      !(it === 'block' && block.truth('ReportBlockDevices') === false) &&
      !(it === 'interface' && block.truth('ReportNetworkInterfaces') === false),
  );
  if (extra.includes('perf')) stats.push('perf');
  draft.set([...at, 'stats'], stats, block.lines('ReportBlockDevices', 'ReportNetworkInterfaces'));
  draft.set([...at, 'inactive'], false);
  draft.set([...at, 'totals'], false);
  block.leave(
    'guests and devices are new at every tick',
    'RefreshInterval',
    'Instances',
    'PersistentNotification',
  );
}
