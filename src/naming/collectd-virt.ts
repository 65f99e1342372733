import type { Options } from './collectd-options.ts';
import { derive, gauge, percent, type Row, type Rows, when } from './collectd-row.ts';

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/**
 * virt: what collectd calls total_time_in_ms is in microseconds, its disk_time in nanoseconds, its
 * percentage of the time of all CPUs of the host.
 */
export function virt(o: Options['virt']): Rows {
  const on = (stat: (typeof o.extraStats)[number], ...rows: readonly Row[]): readonly Row[] =>
    when(o.extraStats.includes(stat), ...rows);
  const disk = o.blockDeviceFormatBasename ? '{basename}' : '{disk}';
  const memory = (name: string) => on('memory', gauge(`virt/memory-${name}`));
  const nic = (type: string): Rows => ({
    [`guest.network.${type}{direction=receive}`]: [derive(`virt/${NICS[type]}-{device}:rx`)],
    [`guest.network.${type}{direction=transmit}`]: [derive(`virt/${NICS[type]}-{device}:tx`)],
  });
  return {
    'guest.state': on('domain_state', gauge('virt/domain_state:state')),
    'guest.state.reason': on('domain_state', gauge('virt/domain_state:reason')),
    'guest.cpu.time': [
      derive('virt/virt_cpu_total', NANOSECONDS),
      ...on('cpu_util', percent('virt/percent-virt_cpu_total', 'virt')),
    ],
    'guest.cpu.mode.time{mode=user}': on('pcpu', derive('virt/ps_cputime:user', NANOSECONDS)),
    'guest.cpu.mode.time{mode=system}': on('pcpu', derive('virt/ps_cputime:syst', NANOSECONDS)),
    'guest.vcpu.time': on('vcpu', derive('virt/virt_vcpu-{vcpu}', NANOSECONDS)),
    'guest.memory.current': [gauge('virt/memory-total'), ...memory('actual_balloon')],
    'guest.memory.rss': memory('rss'),
    'guest.memory.unused': memory('unused'),
    'guest.memory.available': memory('available'),
    'guest.memory.usable': memory('usable'),
    'guest.memory.disk_caches': memory('disk_caches'),
    'guest.memory.swap': on('memory', derive('virt/swap_io-{direction}')),
    'guest.memory.faults{type=minor}': on('memory', derive('virt/ps_pagefaults:minflt')),
    'guest.memory.faults{type=major}': on('memory', derive('virt/ps_pagefaults:majflt')),
    'guest.disk.operations{direction=read}': [derive(`virt/disk_ops-${disk}:read`)],
    'guest.disk.operations{direction=write}': [derive(`virt/disk_ops-${disk}:write`)],
    'guest.disk.operations{direction=flush}': on(
      'disk',
      derive(`virt/total_requests-flush-${disk}`),
    ),
    'guest.disk.io{direction=read}': [derive(`virt/disk_octets-${disk}:read`)],
    'guest.disk.io{direction=write}': [derive(`virt/disk_octets-${disk}:write`)],
    'guest.disk.operation_time{direction=read}': on(
      'disk',
      derive(`virt/disk_time-${disk}:read`, NANOSECONDS),
    ),
    'guest.disk.operation_time{direction=write}': on(
      'disk',
      derive(`virt/disk_time-${disk}:write`, NANOSECONDS),
    ),
    'guest.disk.operation_time{direction=flush}': on(
      'disk',
      derive(`virt/total_time_in_ms-flush-${disk}`, MICROSECONDS),
    ),
    'guest.disk.capacity': on('disk_capacity', gauge(`virt/disk_capacity-${disk}`)),
    'guest.disk.allocation': on('disk_allocation', gauge(`virt/disk_allocation-${disk}`)),
    'guest.disk.physical': on('disk_physical', gauge(`virt/disk_physical-${disk}`)),
    ...nic('io'),
    ...nic('packets'),
    ...nic('errors'),
    ...nic('dropped'),
    'guest.perf': on('perf', derive('virt/perf-perf_{event}')),
  };
}

const NICS: Readonly<Record<string, string>> = {
  io: 'if_octets',
  packets: 'if_packets',
  errors: 'if_errors',
  dropped: 'if_dropped',
};
