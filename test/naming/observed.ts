import type { Kind, Labels, Series, Unit } from '../../src/metric/index.ts';
import type { Spelling } from '../../src/naming/index.ts';
import { formatValue } from '../../src/wire/graphite.ts';
import { series } from './support.ts';

const ROOT = { device: '/dev/sda1', mountpoint: '/', type: 'ext4', volume: '' };
const STATES = words('user nice system idle iowait irq softirq steal guest guest_nice');

/** One series of every kind that the core collectors observe: name, kind and unit, labels. */
const OBSERVED: readonly (readonly [name: string, kindAndUnit: string, readonly Labels[]])[] = [
  ['system.cpu.time', 'counter seconds', STATES.map((state) => ({ cpu: '0', state }))],
  ['system.cpu.total.time', 'counter seconds', STATES.map((state) => ({ state }))],
  ['system.cpu.logical.count', 'gauge count', [{}]],
  [
    'system.memory.meminfo',
    'gauge bytes',
    words(
      'MemTotal MemFree MemAvailable Buffers Cached Active Dirty Inactive Shmem SwapTotal SwapFree ' +
        'SwapCached VmallocTotal VmallocUsed VmallocChunk Committed_AS Active(anon)',
    ).map((field) => ({ field })),
  ],
  ['system.memory.utilization', 'gauge ratio', [{}]],
  ['system.filesystem.utilization', 'gauge ratio', [ROOT]],
  [
    'system.filesystem.usage',
    'gauge bytes',
    words('used free').map((state) => ({ ...ROOT, state })),
  ],
  ['system.filesystem.unused', 'gauge bytes', [ROOT]],
  ['system.filesystem.inodes.utilization', 'gauge ratio', [ROOT]],
  [
    'system.filesystem.inodes.usage',
    'gauge count',
    words('used free').map((state) => ({ ...ROOT, state })),
  ],
  ['system.disk.operations', 'counter count', directed('sda', 'read', 'write')],
  ['system.disk.merged', 'counter count', directed('sda', 'read', 'write')],
  ['system.disk.io', 'counter bytes', directed('sda', 'read', 'write')],
  ['system.disk.operation_time', 'counter seconds', directed('sda', 'read', 'write')],
  ['system.disk.pending_operations', 'gauge count', [{ device: 'sda' }]],
  ['system.disk.io_time', 'counter seconds', [{ device: 'sda' }]],
  ['system.disk.weighted_io_time', 'counter seconds', [{ device: 'sda' }]],
  ['system.disk.requests', 'delta count', [{ device: 'sda' }]],
  ['system.disk.request_size', 'gauge bytes', [{ device: 'sda' }]],
  ['system.disk.queue_length', 'gauge count', [{ device: 'sda' }]],
  ['system.disk.utilization', 'gauge ratio', [{ device: 'sda' }]],
  ['system.disk.await', 'gauge seconds', directed('sda', 'read', 'write', 'all')],
  ['system.disk.service_time', 'gauge seconds', [{ device: 'sda' }]],
  ['system.network.io', 'counter bytes', directed('eth0', 'receive', 'transmit')],
  ['system.network.packets', 'counter count', directed('eth0', 'receive', 'transmit')],
  ['system.network.errors', 'counter count', directed('eth0', 'receive', 'transmit')],
  ['system.network.dropped', 'counter count', directed('eth0', 'receive', 'transmit')],
  ['system.network.fifo', 'counter count', directed('eth0', 'receive', 'transmit')],
  ['system.network.compressed', 'counter count', directed('eth0', 'receive', 'transmit')],
  ['system.network.frame', 'counter count', [{ device: 'eth0' }]],
  ['system.network.multicast', 'counter count', [{ device: 'eth0' }]],
  ['system.network.collisions', 'counter count', [{ device: 'eth0' }]],
  ['system.network.carrier', 'counter count', [{ device: 'eth0' }]],
  ['system.cpu.load_average.1m', 'gauge count', [{}]],
  ['system.cpu.load_average.5m', 'gauge count', [{}]],
  ['system.cpu.load_average.15m', 'gauge count', [{}]],
  ['system.cpu.load_average.1m.per_cpu', 'gauge count', [{}]],
  ['system.cpu.load_average.5m.per_cpu', 'gauge count', [{}]],
  ['system.cpu.load_average.15m.per_cpu', 'gauge count', [{}]],
  ['system.threads.running', 'gauge count', [{}]],
  ['system.threads.count', 'gauge count', [{}]],
  ['system.uptime', 'gauge seconds', [{}]],
  [
    'system.linux.vmstat',
    'counter count',
    words('pgpgin pgpgout pswpin pswpout pgfault pgmajfault').map((field) => ({ field })),
  ],
  ['system.sockets.used', 'gauge count', [{}]],
  [
    'system.sockets.count',
    'gauge count',
    [
      { protocol: 'tcp', family: 'ipv4', state: 'in_use' },
      { protocol: 'tcp', family: 'ipv6', state: 'in_use' },
      { protocol: 'tcp', family: 'ipv4', state: 'orphan' },
      { protocol: 'tcp', family: 'ipv4', state: 'time_wait' },
      { protocol: 'tcp', family: 'ipv4', state: 'allocated' },
      { protocol: 'udp', family: 'ipv4', state: 'in_use' },
      { protocol: 'udp', family: 'ipv6', state: 'in_use' },
    ],
  ],
  ['system.sockets.memory_pages', 'gauge count', [{ protocol: 'tcp' }, { protocol: 'udp' }]],
  [
    'system.linux.snmp',
    'counter count',
    [
      ...fields('TcpExt', 'ListenOverflows ListenDrops TCPTimeouts TCPLostRetransmit'),
      ...fields('TcpExt', 'TCPAbortOnMemory TCPBacklogDrop'),
      ...fields('Tcp', 'ActiveOpens PassiveOpens AttemptFails EstabResets InErrs'),
      ...fields('Udp', 'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors'),
    ],
  ],
  ['system.linux.snmp.level', 'gauge count', fields('Tcp', 'CurrEstab')],
  ['system.context_switches', 'counter count', [{}]],
  ['system.processes.created', 'counter count', [{}]],
  ['system.processes.running', 'gauge count', [{}]],
  ['system.processes.blocked', 'gauge count', [{}]],
  ['system.boot_time', 'gauge seconds', [{}]],
  ['system.process_group.count', 'gauge count', [{ group: 'web' }]],
  ['system.process_group.threads', 'gauge count', [{ group: 'web' }]],
  ['system.process_group.open_files', 'gauge count', [{ group: 'web' }]],
  ['system.process_group.uptime', 'gauge seconds', [{ group: 'web' }]],
  [
    'system.process_group.cpu.time',
    'counter seconds',
    words('user system').map((state) => ({ group: 'web', state })),
  ],
  [
    'system.process_group.memory.usage',
    'gauge bytes',
    words('rss virtual').map((type) => ({ group: 'web', type })),
  ],
  [
    'system.process_group.io',
    'counter bytes',
    words('read write').map((direction) => ({ group: 'web', direction })),
  ],
  [
    'system.process_group.context_switches',
    'counter count',
    words('voluntary involuntary').map((type) => ({ group: 'web', type })),
  ],
  ['system.cpu.physical.count', 'gauge count', [{}]],
  ['system.memory.limit', 'gauge bytes', [{}]],
  ['system.memory.usage', 'gauge bytes', [{ state: 'used' }]],
  ['system.memory.meminfo', 'gauge bytes', words('Slab SReclaimable').map((field) => ({ field }))],
  ['system.paging.io', 'counter bytes', [{ direction: 'in' }]],
  ['system.filesystem.limit', 'gauge bytes', [ROOT]],
  ['system.filesystem.inodes.limit', 'gauge count', [ROOT]],
  ['system.filesystem.responding', 'gauge count', [ROOT]],
  ['system.disk.operations', 'counter count', directed('sda', 'discard', 'flush')],
  ['system.disk.merged', 'counter count', directed('sda', 'discard')],
  ['system.disk.io', 'counter bytes', directed('sda', 'discard')],
  ['system.disk.operation_time', 'counter seconds', directed('sda', 'discard', 'flush')],
  ['system.network.speed', 'gauge bytes', [{ device: 'eth0' }]],
  ['system.network.up', 'gauge count', [{ device: 'eth0' }]],
  ['system.linux.vmstat.level', 'gauge count', [{ field: 'nr_dirty' }]],
  ['system.interrupts', 'counter count', [{}]],
  ['system.softirqs', 'counter count', [{}]],
  [
    'system.processes.count',
    'gauge count',
    words('running sleeping blocked stopped zombie idle other').map((status) => ({ status })),
  ],
  ['system.processes.limit', 'gauge count', [{}]],
  ['system.threads.limit', 'gauge count', [{}]],
  ['system.entropy.available', 'gauge count', [{}]],
  ['system.files.open', 'gauge count', [{}]],
  ['system.files.limit', 'gauge count', [{}]],
  [
    'system.sockets.count',
    'gauge count',
    [{ protocol: 'udplite', family: 'ipv6', state: 'in_use' }],
  ],
  [
    'system.sockets.fragment_memory',
    'gauge bytes',
    words('ipv4 ipv6').map((family) => ({ family })),
  ],
  ['system.tcp.connections', 'gauge count', [{ state: 'listen' }]],
  [
    'system.linux.snmp',
    'counter count',
    [...fields('Ip6', 'InOctets'), ...fields('IpExt', 'OutOctets'), ...fields('Icmp', 'InMsgs')],
  ],
  ['system.linux.snmp.level', 'gauge count', fields('Ip', 'Forwarding')],
  [
    'system.linux.pressure.time',
    'counter seconds',
    words('cpu memory io irq').flatMap((resource) =>
      words('some full').map((scope) => ({ resource, scope })),
    ),
  ],
  [
    'system.linux.pressure.average',
    'gauge ratio',
    [{ resource: 'io', scope: 'some', window: '10s' }],
  ],
  ['cullinan.collector.time', 'counter seconds', [{ collector: 'cpu' }]],
];

function fields(protocol: string, names: string): Labels[] {
  return words(names).map((field) => ({ protocol, field }));
}

function directed(device: string, ...directions: readonly string[]): Labels[] {
  return directions.map((direction) => ({ device, direction }));
}

function words(text: string): string[] {
  return text.split(' ');
}

/** A series of every kind that the core collectors observe, each with an id of its own. */
export function observed(): Series[] {
  const all = OBSERVED.flatMap(([name, what, each]) =>
    each.map((labels) => ({ name, what, labels })),
  );
  return all.map(({ name, what, labels }, id) => {
    const [kind, unit] = what.split(' ') as [Kind, Unit];
    const one = series(name, labels, kind, id);
    return { ...one, metric: { ...one.metric, unit } };
  });
}

/** `inner{labels}  path  reading × scale + offset  %.2f`, in columns; Σ is one of those added up. */
export function describeSpelling(spelling: Spelling): string {
  const { series, path, reading, precision, scale, offset, summed, share } = spelling;
  const labels = Object.entries(series.labels).filter(([, value]) => value !== '');
  const inner = `${series.metric.name}{${labels.map(([k, v]) => `${k}=${v}`).join(',')}}`;
  const sum = [
    summed ? `Σ ${reading}` : reading,
    scale === 1 ? '' : `× ${formatValue(scale, undefined)}`,
  ];
  if (share !== undefined) sum.splice(1, 0, `/ all of ${share}`);
  if (offset !== 0) sum.push(offset < 0 ? `− ${-offset}` : `+ ${offset}`);
  const columns = [
    path.padEnd(58),
    precision === undefined ? '%g  ' : `%.${precision}f`,
    sum.join(' ').trim().padEnd(28),
    inner,
  ];
  return columns.join('  ');
}
