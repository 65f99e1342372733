import { row, type Section } from './prometheus-row.ts';

const libvirt = (name: string, labels = {}) =>
  row(`libvirt_domain_${name}`, { domain: '{guest}', ...labels });
const device = { target_device: '{device}' };
const disk = (name: string) => libvirt(`block_stats_${name}`, device);
const nic = (what: string) => libvirt(`interface_stats_{direction}_${what}_total`, device);
const vcpu = (name: string) => libvirt(`vcpu_${name}`, { vcpu: '{vcpu}' });
const memory = (name: string) => libvirt(`memory_stats_${name}`);

/** The labels that the names and labels of these metrics are made of. */
const USED = new Set(['guest', 'device', 'direction', 'vcpu', 'which', 'type']);

/**
 * Guests, as libvirt_exporter calls what it has; and those that followed it, what it has not. Labels that
 * the configuration adds are kept: `domain` and `uuid` are the exporter's own.
 */
export const guests: Section = {
  more: (labels) =>
    Object.fromEntries(Object.entries(labels).filter(([label]) => !USED.has(label))),
  rows: {
    'guest.state': libvirt('state_code'),
    'guest.cpu.time': libvirt('info_cpu_time_seconds_total'),
    'guest.vcpu.count{which=current}': libvirt('info_virtual_cpus'),
    'guest.vcpu.count{which=maximum}': libvirt('vcpu_maximum'),
    'guest.vcpu.time': vcpu('time_seconds_total'),
    'guest.vcpu.wait.time': vcpu('wait_seconds_total'),
    'guest.vcpu.delay.time': vcpu('delay_seconds_total'),
    'guest.vcpu.state': vcpu('state'),
    'guest.memory.limit': libvirt('info_maximum_memory_bytes'),
    'guest.memory.current': libvirt('info_memory_usage_bytes'),
    'guest.memory.rss': memory('rss_bytes'),
    'guest.memory.available': memory('available_bytes'),
    'guest.memory.unused': memory('unused_bytes'),
    'guest.memory.usable': memory('usable_bytes'),
    'guest.memory.disk_caches': memory('disk_cache_bytes'),
    'guest.memory.swap': memory('swap_{direction}_bytes'),
    'guest.memory.faults': memory('{type}_fault_total'),
    'guest.disk.io': disk('{direction}_bytes_total'),
    'guest.disk.operations': disk('{direction}_requests_total'),
    'guest.disk.operation_time': disk('{direction}_time_seconds_total'),
    'guest.disk.capacity': disk('capacity_bytes'),
    'guest.disk.allocation': disk('allocation'),
    'guest.disk.physical': disk('physicalsize_bytes'),
    'guest.network.io': nic('bytes'),
    'guest.network.packets': nic('packets'),
    'guest.network.errors': nic('errors'),
    'guest.network.dropped': nic('drops'),
  },
  sums: { 'guest.memory.current': memory('actual_balloon_bytes') },
};
