/** What libvirt's values are observed as. */
import { counter, gauge, type Labels, type Metric } from '../plugin/index.ts';
import type { Target, Targets } from './plan.ts';

const guest = ['guest'] as const;
const vcpu = ['guest', 'vcpu'] as const;
const device = ['guest', 'device'] as const;
const moving = ['guest', 'device', 'direction'] as const;
const all = ['guest', 'direction'] as const;

/** Everything that is observed of guests, and of the hypervisor under them. */
export const metrics = {
  state: gauge('guest.state', {
    unit: 'count',
    labels: guest,
    help: '0 none, 1 running, 2 blocked, 3 paused, 4 shutting down, 5 off, 6 crashed, 7 suspended.',
  }),
  reason: gauge('guest.state.reason', {
    unit: 'count',
    labels: guest,
    help: 'Why, as a number of libvirt’s for that state.',
  }),
  cpuTime: counter('guest.cpu.time', {
    unit: 'seconds',
    labels: guest,
    help: 'CPU time of the hypervisor that it used.',
  }),
  cpuMode: counter('guest.cpu.mode.time', {
    unit: 'seconds',
    labels: ['guest', 'mode'],
    help: 'Of that, what was spent in user and in system mode.',
  }),
  haltpoll: counter('guest.cpu.haltpoll.time', {
    unit: 'seconds',
    labels: ['guest', 'outcome'],
    help: 'CPU time spent polling before a vCPU was put to sleep.',
  }),
  utilization: gauge('guest.cpu.utilization', {
    unit: 'ratio',
    labels: guest,
    help: 'CPU time per second and vCPU, since the tick before.',
  }),
  vcpus: gauge('guest.vcpu.count', {
    unit: 'count',
    labels: ['guest', 'which'],
    help: 'vCPUs: those that it has, and those that it may get.',
  }),
  vcpuTime: counter('guest.vcpu.time', {
    unit: 'seconds',
    labels: vcpu,
    help: 'CPU time that the vCPU used.',
  }),
  vcpuWait: counter('guest.vcpu.wait.time', {
    unit: 'seconds',
    labels: vcpu,
    help: 'Time that the vCPU wanted to run and waited for I/O of the hypervisor.',
  }),
  vcpuDelay: counter('guest.vcpu.delay.time', {
    unit: 'seconds',
    labels: vcpu,
    help: 'Time that the vCPU wanted to run and no CPU was free: stolen, as the guest sees it.',
  }),
  vcpuState: gauge('guest.vcpu.state', {
    unit: 'count',
    labels: vcpu,
    help: '0 offline, 1 running, 2 blocked.',
  }),
  vcpuHalted: gauge('guest.vcpu.halted', {
    unit: 'count',
    labels: vcpu,
    help: '1 if the guest has halted it, 0 if not.',
  }),
  memoryLimit: gauge('guest.memory.limit', {
    unit: 'bytes',
    labels: guest,
    help: 'Memory that it may have.',
  }),
  memoryCurrent: gauge('guest.memory.current', {
    unit: 'bytes',
    labels: guest,
    help: 'Memory that its balloon leaves it.',
  }),
  memoryRss: gauge('guest.memory.rss', {
    unit: 'bytes',
    labels: guest,
    help: 'Memory of the hypervisor that it takes.',
  }),
  memoryAvailable: gauge('guest.memory.available', {
    unit: 'bytes',
    labels: guest,
    help: 'Memory as the guest sees it: all of it.',
  }),
  memoryUnused: gauge('guest.memory.unused', {
    unit: 'bytes',
    labels: guest,
    help: 'Of that, what nothing is in.',
  }),
  memoryUsable: gauge('guest.memory.usable', {
    unit: 'bytes',
    labels: guest,
    help: 'Of that, what it could use without swapping.',
  }),
  memoryUsage: gauge('guest.memory.usage', {
    unit: 'bytes',
    labels: guest,
    help: 'Of that, what is in use: all but what is usable, or unused where that is not known.',
  }),
  memoryCaches: gauge('guest.memory.disk_caches', {
    unit: 'bytes',
    labels: guest,
    help: 'Of that, what holds parts of disks.',
  }),
  memoryUpdate: gauge('guest.memory.last_update', {
    unit: 'seconds',
    labels: guest,
    help: 'When the guest last told of its memory, in seconds since the Unix epoch.',
  }),
  memorySwap: counter('guest.memory.swap', {
    unit: 'bytes',
    labels: all,
    help: 'What the guest swapped: in, out.',
  }),
  memoryFaults: counter('guest.memory.faults', {
    unit: 'count',
    labels: ['guest', 'type'],
    help: 'Page faults in the guest: major, which read a disk, and minor.',
  }),
  memoryHuge: counter('guest.memory.hugetlb.pages', {
    unit: 'count',
    labels: ['guest', 'outcome'],
    help: 'Huge pages that the guest asked for: success, fail.',
  }),
  diskIo: counter('guest.disk.io', {
    unit: 'bytes',
    labels: moving,
    help: 'Bytes read and written.',
  }),
  diskOperations: counter('guest.disk.operations', {
    unit: 'count',
    labels: moving,
    help: 'Requests to read, write and flush.',
  }),
  diskTime: counter('guest.disk.operation_time', {
    unit: 'seconds',
    labels: moving,
    help: 'Time that those took, all together.',
  }),
  diskErrors: counter('guest.disk.errors', {
    unit: 'count',
    labels: device,
    help: 'Requests that failed, where the hypervisor counts them.',
  }),
  diskCapacity: gauge('guest.disk.capacity', {
    unit: 'bytes',
    labels: device,
    help: 'How large it is for the guest.',
  }),
  diskAllocation: gauge('guest.disk.allocation', {
    unit: 'bytes',
    labels: device,
    help: 'How far its image was written.',
  }),
  diskPhysical: gauge('guest.disk.physical', {
    unit: 'bytes',
    labels: device,
    help: 'How much its image takes of the storage.',
  }),
  disksIo: counter('guest.disks.io', {
    unit: 'bytes',
    labels: all,
    help: 'Bytes read and written, all its reported disks together.',
  }),
  disksOperations: counter('guest.disks.operations', {
    unit: 'count',
    labels: all,
    help: 'Requests of all its reported disks.',
  }),
  disksTime: counter('guest.disks.operation_time', {
    unit: 'seconds',
    labels: all,
    help: 'Time that those took.',
  }),
  networkIo: counter('guest.network.io', {
    unit: 'bytes',
    labels: moving,
    help: 'Bytes that the guest received and transmitted.',
  }),
  networkPackets: counter('guest.network.packets', {
    unit: 'count',
    labels: moving,
    help: 'Packets, likewise.',
  }),
  networkErrors: counter('guest.network.errors', {
    unit: 'count',
    labels: moving,
    help: 'Packets damaged or not sent.',
  }),
  networkDropped: counter('guest.network.dropped', {
    unit: 'count',
    labels: moving,
    help: 'Packets without room or use.',
  }),
  networksIo: counter('guest.networks.io', {
    unit: 'bytes',
    labels: all,
    help: 'Bytes, all its reported interfaces together.',
  }),
  networksPackets: counter('guest.networks.packets', {
    unit: 'count',
    labels: all,
    help: 'Packets of all its reported interfaces.',
  }),
  networksErrors: counter('guest.networks.errors', {
    unit: 'count',
    labels: all,
    help: 'Errors of all its reported interfaces.',
  }),
  networksDropped: counter('guest.networks.dropped', {
    unit: 'count',
    labels: all,
    help: 'Drops of all its reported interfaces.',
  }),
  dirtyRate: gauge('guest.dirty_rate', {
    unit: 'bytes',
    labels: guest,
    help: 'Memory that it changed per second, when that was last measured.',
  }),
  perf: counter('guest.perf', {
    unit: 'count',
    labels: ['guest', 'event'],
    help: 'Events of the processor that its XML has counted.',
  }),
  guests: gauge('hypervisor.guests', {
    unit: 'count',
    labels: ['state'],
    help: 'Guests by state, whether they are reported or not.',
  }),
  allVcpus: gauge('hypervisor.vcpus', {
    unit: 'count',
    labels: ['which'],
    help: 'vCPUs that guests have which run, and the logical CPUs under them.',
  }),
  vcpuOvercommit: gauge('hypervisor.vcpus.overcommit', {
    unit: 'ratio',
    help: 'The former by the latter.',
  }),
  allMemory: gauge('hypervisor.memory', {
    unit: 'bytes',
    labels: ['which'],
    help: 'Memory that guests may have which run, and what there is.',
  }),
  memoryOvercommit: gauge('hypervisor.memory.overcommit', {
    unit: 'ratio',
    help: 'The former by the latter.',
  }),
  time: gauge('hypervisor.collection.time', {
    unit: 'seconds',
    help: 'Time that libvirt took to answer.',
  }),
  refused: gauge('hypervisor.refused', {
    unit: 'count',
    help: 'Guests that could not be read.',
  }),
};

/** A metric of a unit, whatever its labels. */
type Of<U extends Metric['unit']> = Metric & { readonly unit: U };

const KIB = 1024;

const as = (metric: Metric, labels: Labels = {}, total?: Metric): Target => ({
  ...{ metric, labels, total, per: 1, least: 0 },
});
const nanoseconds = (metric: Of<'seconds'>, labels?: Labels, total?: Of<'seconds'>): Target => ({
  ...as(metric, labels, total),
  per: 1e9,
});
const kibibytes = (metric: Of<'bytes'>, labels?: Labels): Target => ({
  ...as(metric, labels),
  per: 1 / KIB,
});

const READ = { direction: 'read' };
const WRITE = { direction: 'write' };
const FLUSH = { direction: 'flush' };
const { diskIo, diskOperations, diskTime, disksIo, disksOperations, disksTime } = metrics;

const traffic = (way: string, direction: string): Record<string, Target> => ({
  [`${way}.bytes`]: as(metrics.networkIo, { direction }, metrics.networksIo),
  [`${way}.pkts`]: as(metrics.networkPackets, { direction }, metrics.networksPackets),
  [`${way}.errs`]: as(metrics.networkErrors, { direction }, metrics.networksErrors),
  [`${way}.drop`]: as(metrics.networkDropped, { direction }, metrics.networksDropped),
});

/** libvirt's names (`virsh domstats`, virConnectGetAllDomainStats), and what becomes of each value. */
export const targets: Targets = {
  guest: {
    'state.state': as(metrics.state),
    'state.reason': as(metrics.reason),
    'cpu.time': nanoseconds(metrics.cpuTime),
    'cpu.user': nanoseconds(metrics.cpuMode, { mode: 'user' }),
    'cpu.system': nanoseconds(metrics.cpuMode, { mode: 'system' }),
    'cpu.haltpoll.success.time': nanoseconds(metrics.haltpoll, { outcome: 'success' }),
    'cpu.haltpoll.fail.time': nanoseconds(metrics.haltpoll, { outcome: 'fail' }),
    'balloon.maximum': kibibytes(metrics.memoryLimit),
    'balloon.current': kibibytes(metrics.memoryCurrent),
    'balloon.rss': kibibytes(metrics.memoryRss),
    'balloon.available': kibibytes(metrics.memoryAvailable),
    'balloon.unused': kibibytes(metrics.memoryUnused),
    'balloon.usable': kibibytes(metrics.memoryUsable),
    'balloon.disk_caches': kibibytes(metrics.memoryCaches),
    'balloon.last-update': { ...as(metrics.memoryUpdate), least: 1 },
    'balloon.swap_in': kibibytes(metrics.memorySwap, { direction: 'in' }),
    'balloon.swap_out': kibibytes(metrics.memorySwap, { direction: 'out' }),
    'balloon.major_fault': as(metrics.memoryFaults, { type: 'major' }),
    'balloon.minor_fault': as(metrics.memoryFaults, { type: 'minor' }),
    'balloon.hugetlb_pgalloc': as(metrics.memoryHuge, { outcome: 'success' }),
    'balloon.hugetlb_pgfail': as(metrics.memoryHuge, { outcome: 'fail' }),
    'vcpu.current': as(metrics.vcpus, { which: 'current' }),
    'vcpu.maximum': as(metrics.vcpus, { which: 'maximum' }),
    'dirtyrate.megabytes_per_second': { ...as(metrics.dirtyRate), per: 1 / KIB ** 2 },
  },
  vcpu: {
    time: nanoseconds(metrics.vcpuTime),
    wait: nanoseconds(metrics.vcpuWait),
    delay: nanoseconds(metrics.vcpuDelay),
    state: as(metrics.vcpuState),
    halted: as(metrics.vcpuHalted),
  },
  block: {
    'rd.bytes': as(diskIo, READ, disksIo),
    'wr.bytes': as(diskIo, WRITE, disksIo),
    'rd.reqs': as(diskOperations, READ, disksOperations),
    'wr.reqs': as(diskOperations, WRITE, disksOperations),
    'fl.reqs': as(diskOperations, FLUSH, disksOperations),
    'rd.times': nanoseconds(diskTime, READ, disksTime),
    'wr.times': nanoseconds(diskTime, WRITE, disksTime),
    'fl.times': nanoseconds(diskTime, FLUSH, disksTime),
    errors: as(metrics.diskErrors),
    capacity: as(metrics.diskCapacity),
    allocation: as(metrics.diskAllocation),
    physical: as(metrics.diskPhysical),
  },
  // libvirt has them from the guest's side already: what rx counts, the guest received.
  net: { ...traffic('rx', 'receive'), ...traffic('tx', 'transmit') },
  perf: as(metrics.perf),
};
