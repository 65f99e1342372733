import type { Labels, Series } from '../metric/index.ts';
import type { Options } from './collectd-options.ts';
import {
  derive,
  gauge,
  minus,
  percent,
  plus,
  type Row,
  type Rows,
  rate,
  when,
} from './collectd-row.ts';
import { services } from './collectd-services.ts';
import { virt } from './collectd-virt.ts';
import { type Table, tableOf } from './table.ts';

const USER_HZ = 100;
const MILLISECONDS = 1000;
const MICROSECONDS = 1e6;

/** The kernel's states, by collectd's names. */
const STATES = {
  user: 'user',
  nice: 'nice',
  system: 'system',
  idle: 'idle',
  iowait: 'wait',
  irq: 'interrupt',
  softirq: 'softirq',
  steal: 'steal',
  guest: 'guest',
  guest_nice: 'guest_nice',
};
/** The states that are counted in another one as well. */
const WITHIN: Readonly<Record<string, string>> = { guest: 'user', guest_nice: 'nice' };

/** cpu: ticks, or percent of the time that all states took. */
function cpu(o: Options['cpu']): Rows {
  const rows: Record<string, readonly Row[]> = {
    'system.cpu.logical.count': when(o.reportNumCpu, gauge('cpu/count')),
  };
  for (const [metric, plugin, whole, reported] of [
    ['system.cpu.time', 'cpu-{cpu}', 'cpu {cpu}', o.reportByCpu],
    ['system.cpu.total.time', 'cpu', 'cpu', !o.reportByCpu],
  ] as const) {
    const ticks = o.reportByState && o.reportByCpu && !o.valuesPercentage;
    const value = (state: string): Row =>
      ticks
        ? derive(`${plugin}/cpu-${state}`, USER_HZ)
        : percent(`${plugin}/percent-${state}`, whole);
    for (const [state, called] of Object.entries(STATES)) {
      const within = WITHIN[state];
      const subtracted = o.reportGuestState && o.subtractGuestState;
      const guests = Object.values(WITHIN).includes(state);
      const states = [
        ...when(within === undefined || o.reportGuestState, value(called)).map((row) =>
          guests && subtracted ? plus(row) : row,
        ),
        ...(within !== undefined && subtracted ? [minus(value(within))] : []),
      ];
      const active = when(
        state !== 'idle' && isCounted(state, o),
        percent(`${plugin}/percent-active`, whole),
      );
      rows[`${metric}{state=${state}}`] = reported ? (o.reportByState ? states : active) : [];
    }
  }
  return rows;
}

/** Whether a state adds to the time that all of them took. */
const isCounted = (state: string, o: Options['cpu']): boolean =>
  WITHIN[state] === undefined || (o.reportGuestState && !o.subtractGuestState);

/** memory: in 5.12 `used` is what neither caches nor slabs hold, reclaimable or not. */
function memory(o: Options['memory']): Rows {
  const values = (name: string, also = (row: Row): Row => row): readonly Row[] => [
    ...when(o.valuesAbsolute, also(gauge(`memory/memory-${name}`))),
    ...when(o.valuesPercentage, also(percent(`memory/percent-${name}`, 'memory'))),
  ];
  const field = (name: string) => `system.memory.meminfo{field=${name}}`;
  return {
    [field('MemTotal')]: values('used', plus),
    [field('MemFree')]: [...values('free'), ...values('used', minus)],
    [field('Buffers')]: [...values('buffered'), ...values('used', minus)],
    [field('Cached')]: [...values('cached'), ...values('used', minus)],
    [field('Slab')]: values('used', minus),
    [field('SUnreclaim')]: values('slab_unrecl'),
    [field('SReclaimable')]: values('slab_recl'),
  };
}

/** df: Linux reserves no inodes. */
function df(o: Options['df']): Rows {
  const plugin = o.reportByDevice ? 'df-{volume}' : 'df-{directory}';
  const bytes = (state: string): readonly Row[] => [
    ...when(o.valuesAbsolute, gauge(`${plugin}/df_complex-${state}`)),
    ...when(o.valuesPercentage, percent(`${plugin}/percent_bytes-${state}`, 'df {mountpoint}')),
  ];
  const { reportInodes: inodes, valuesAbsolute: absolute, valuesPercentage: shares } = o;
  return {
    'system.filesystem.usage{state=free}': bytes('free'),
    'system.filesystem.usage{state=reserved}': bytes('reserved'),
    'system.filesystem.usage{state=used}': bytes('used'),
    'system.filesystem.inodes.usage{state=free}': when(
      inodes && absolute,
      gauge(`${plugin}/df_inodes-free`),
      gauge(`${plugin}/df_inodes-reserved`, 0),
    ),
    'system.filesystem.inodes.usage{state=used}': when(
      inodes && absolute,
      gauge(`${plugin}/df_inodes-used`),
    ),
    'system.filesystem.inodes.utilization': when(
      inodes && shares,
      gauge(`${plugin}/percent_inodes-free`, -100, 100),
      gauge(`${plugin}/percent_inodes-reserved`, 0),
      gauge(`${plugin}/percent_inodes-used`, 100),
    ),
  };
}

/** disk: disk_time is the mean time of a request in the interval, in milliseconds, whatever it is called. */
const disk: Rows = {
  'system.disk.io{direction=read}': [derive('disk-{device}/disk_octets:read')],
  'system.disk.io{direction=write}': [derive('disk-{device}/disk_octets:write')],
  'system.disk.operations{direction=read}': [derive('disk-{device}/disk_ops:read')],
  'system.disk.operations{direction=write}': [derive('disk-{device}/disk_ops:write')],
  'system.disk.merged{direction=read}': [derive('disk-{device}/disk_merged:read')],
  'system.disk.merged{direction=write}': [derive('disk-{device}/disk_merged:write')],
  'system.disk.await{direction=read}': [rate('disk-{device}/disk_time:read', MILLISECONDS)],
  'system.disk.await{direction=write}': [rate('disk-{device}/disk_time:write', MILLISECONDS)],
  'system.disk.io_time': [derive('disk-{device}/disk_io_time:io_time', MILLISECONDS)],
  'system.disk.weighted_io_time': [
    derive('disk-{device}/disk_io_time:weighted_io_time', MILLISECONDS),
  ],
  'system.disk.pending_operations': [gauge('disk-{device}/pending_operations')],
};

/** interface. */
const interfaces: Rows = {
  'system.network.io{direction=receive}': [derive('interface-{device}/if_octets:rx')],
  'system.network.io{direction=transmit}': [derive('interface-{device}/if_octets:tx')],
  'system.network.packets{direction=receive}': [derive('interface-{device}/if_packets:rx')],
  'system.network.packets{direction=transmit}': [derive('interface-{device}/if_packets:tx')],
  'system.network.errors{direction=receive}': [derive('interface-{device}/if_errors:rx')],
  'system.network.errors{direction=transmit}': [derive('interface-{device}/if_errors:tx')],
  'system.network.dropped{direction=receive}': [derive('interface-{device}/if_dropped:rx')],
  'system.network.dropped{direction=transmit}': [derive('interface-{device}/if_dropped:tx')],
};

/** load: as it is, or by CPU. */
function load({ reportRelative: relative }: Options['load']): Rows {
  const type = relative ? 'load/load-relative' : 'load/load';
  return {
    'system.cpu.load_average.1m': when(!relative, gauge(`${type}:shortterm`)),
    'system.cpu.load_average.5m': when(!relative, gauge(`${type}:midterm`)),
    'system.cpu.load_average.15m': when(!relative, gauge(`${type}:longterm`)),
    'system.cpu.load_average.1m.per_cpu': when(relative, gauge(`${type}:shortterm`)),
    'system.cpu.load_average.5m.per_cpu': when(relative, gauge(`${type}:midterm`)),
    'system.cpu.load_average.15m.per_cpu': when(relative, gauge(`${type}:longterm`)),
  };
}

/** swap: I/O in pages. */
function swap(o: Options['swap']): Rows {
  const usage = (state: string): readonly Row[] => [
    ...when(o.valuesAbsolute, gauge(`swap/swap-${state}`)),
    ...when(o.valuesPercentage, percent(`swap/percent-${state}`, 'swap')),
  ];
  return {
    'system.paging.usage{state=used}': usage('used'),
    'system.paging.usage{state=free}': usage('free'),
    'system.paging.usage{state=cached}': usage('cached'),
    'system.paging.swap_pages{direction=in}': when(o.reportIO, derive('swap/swap_io-in')),
    'system.paging.swap_pages{direction=out}': when(o.reportIO, derive('swap/swap_io-out')),
  };
}

/** vmem: minflt has all faults, the major ones among them; `memory` is in KiB, `swap` in pages. */
const vmem: Rows = {
  'system.linux.vmstat{field=pgpgin}': [derive('vmem/vmpage_io-memory:in')],
  'system.linux.vmstat{field=pgpgout}': [derive('vmem/vmpage_io-memory:out')],
  'system.linux.vmstat{field=pswpin}': [derive('vmem/vmpage_io-swap:in')],
  'system.linux.vmstat{field=pswpout}': [derive('vmem/vmpage_io-swap:out')],
  'system.linux.vmstat{field=pgfault}': [derive('vmem/vmpage_faults:minflt')],
  'system.linux.vmstat{field=pgmajfault}': [derive('vmem/vmpage_faults:majflt')],
  'system.linux.vmstat{field=nr_dirtied}': [derive('vmem/vmpage_action-dirtied')],
  'system.linux.vmstat{field=nr_written}': [derive('vmem/vmpage_action-written')],
};

/** vmem, by the beginning of the field: counters that begin with nr_ are levels to collectd. */
const VMEM_NUMBERS = [gauge('vmem/vmpage_number-{page}')];
const VMEM_ACTIONS: readonly (readonly [beginning: RegExp, rows: readonly Row[]])[] = [
  [/^pg(free|activate|deactivate)$/, [derive('vmem/vmpage_action-{page}')]],
  [/^pgalloc_/, [derive('vmem-{page}/vmpage_action-alloc')]],
  [/^pgrefill_/, [derive('vmem-{page}/vmpage_action-refill')]],
  [/^pgsteal_kswapd_/, [derive('vmem-{page}/vmpage_action-steal_kswapd')]],
  [/^pgsteal_direct_/, [derive('vmem-{page}/vmpage_action-steal_direct')]],
  [/^pgsteal_/, [derive('vmem-{page}/vmpage_action-steal')]],
  [/^pgscan_kswapd_/, [derive('vmem-{page}/vmpage_action-scan_kswapd')]],
  [/^pgscan_direct_/, [derive('vmem-{page}/vmpage_action-scan_direct')]],
];

/** processes: running are those of /proc/stat; no kernel since 2.6 has the state paging. */
const processes: Rows = {
  'system.processes.running': [
    gauge('processes/ps_state-running'),
    gauge('processes/ps_state-paging', 0),
  ],
  'system.processes.count{status=running}': [],
  'system.processes.count{status=sleeping}': [gauge('processes/ps_state-sleeping')],
  'system.processes.count{status=blocked}': [gauge('processes/ps_state-blocked')],
  'system.processes.count{status=stopped}': [gauge('processes/ps_state-stopped')],
  'system.processes.count{status=zombie}': [gauge('processes/ps_state-zombies')],
  'system.processes.created': [derive('processes/fork_rate')],
};

/** processes, of a Process or ProcessMatch. */
const groups: Rows = {
  'system.process_group.count': [gauge('processes-{group}/ps_count:processes')],
  'system.process_group.threads': [gauge('processes-{group}/ps_count:threads')],
  'system.process_group.open_files': [gauge('processes-{group}/file_handles')],
  'system.process_group.cpu.time{state=user}': [
    derive('processes-{group}/ps_cputime:user', MICROSECONDS),
  ],
  'system.process_group.cpu.time{state=system}': [
    derive('processes-{group}/ps_cputime:syst', MICROSECONDS),
  ],
  'system.process_group.memory.usage{type=rss}': [gauge('processes-{group}/ps_rss')],
  'system.process_group.memory.usage{type=virtual}': [gauge('processes-{group}/ps_vm')],
  'system.process_group.io{direction=read}': [derive('processes-{group}/disk_octets:read')],
  'system.process_group.io{direction=write}': [derive('processes-{group}/disk_octets:write')],
  'system.process_group.page_faults{type=minor}': [
    derive('processes-{group}/ps_pagefaults:minflt'),
  ],
  'system.process_group.page_faults{type=major}': [
    derive('processes-{group}/ps_pagefaults:majflt'),
  ],
  'system.process_group.context_switches': [derive('processes-{group}/contextswitch-{type}')],
};

/** conntrack, irq, md, nfs, thermal and users. */
const kernel: Rows = {
  'system.linux.conntrack.count': [gauge('conntrack/conntrack')],
  'system.linux.conntrack.limit': [gauge('conntrack/conntrack-max')],
  'system.linux.conntrack.utilization': [gauge('conntrack/percent-used', 100)],
  'system.linux.interrupts': [derive('irq/irq-{interrupt}')],
  'system.linux.md.disks': [gauge('md-{device}/md_disks-{state}')],
  'system.nfs.operations': [derive('nfs-v{version}{side}/nfs_procedure-{operation}')],
  'hardware.thermal.temperature': [gauge('thermal-thermal_zone{zone}/temperature')],
  'hardware.cooling.state': [gauge('thermal-cooling_device{device}/gauge')],
  'system.users.sessions': [gauge('users/users')],
};

/** uptime, contextswitch, entropy, fhcount, protocols: one value or two each. */
const others: Rows = {
  'system.uptime': [{ ...gauge('uptime/uptime'), precision: 0 }],
  'system.context_switches': [derive('contextswitch/contextswitch')],
  'system.entropy.available': [gauge('entropy/entropy')],
  'system.files.open': [gauge('fhcount/file_handles-used')],
  'system.files.limit': [gauge('fhcount/file_handles-max')],
  'system.linux.snmp': [derive('protocols-{protocol}/protocol_counter-{field}')],
};

/** tcpconns: all ports together. */
const tcpconns = ({ allPortsSummary }: Options['tcpconns']): Rows =>
  allPortsSummary
    ? { 'system.tcp.connections': [gauge('tcpconns-all/tcp_connections-{tcpstate}')] }
    : {};

const tableFor = (o: Options) =>
  tableOf<readonly Row[]>(
    Object.entries({
      ...cpu(o.cpu),
      ...memory(o.memory),
      ...df(o.df),
      ...disk,
      ...interfaces,
      ...load(o.load),
      ...swap(o.swap),
      ...vmem,
      ...processes,
      ...groups,
      ...kernel,
      ...services,
      ...others,
      ...tcpconns(o.tcpconns),
      ...virt(o.virt),
    }),
  );

/** Finds what collectd sends of a series; `undefined` where it has nothing of the kind. */
export function lookUpIn(o: Options): Table<readonly Row[]> {
  const table = tableFor(o);
  return (series) => {
    const rows = table(series);
    if (rows !== undefined || !series.metric.name.startsWith('system.linux.vmstat')) return rows;
    const { field = '' } = series.labels;
    if (field.startsWith('nr_')) return VMEM_NUMBERS;
    return o.vmem.verbose ? VMEM_ACTIONS.find(([is]) => is.test(field))?.[1] : undefined;
  };
}

/** The wholes of shares: the time of a CPU, all memory, the bytes of a filesystem, all swap, all CPUs. */
export const wholeOfIn =
  (o: Options) =>
  ({ metric, host, labels }: Series): string | undefined => {
    switch (metric.name) {
      case 'system.cpu.time':
      case 'system.cpu.total.time': {
        if (!isCounted(labels['state'] ?? '', o.cpu)) return undefined;
        return wholeName(labels['cpu'] === undefined ? 'cpu' : `cpu ${labels['cpu']}`, host);
      }
      case 'system.memory.meminfo':
        return labels['field'] === 'MemTotal' ? wholeName('memory', host) : undefined;
      case 'system.filesystem.usage':
        return wholeName(`df ${labels['mountpoint']}`, host);
      case 'system.paging.usage':
        return wholeName('swap', host);
      case 'hypervisor.vcpus': {
        const counted = labels['which'] === 'physical' && o.virt.extraStats.includes('cpu_util');
        return counted ? wholeName('virt', host) : undefined;
      }
      default:
        return undefined;
    }
  };

export const wholeName = (whole: string, host: string): string => `${whole} on ${host}`;

/** What stands for names in braces that are no labels. */
const MADE: Readonly<Record<string, (labels: Labels) => string>> = {
  // `/` is root, and `/var/log` is var-log.
  directory: ({ mountpoint = '' }) =>
    mountpoint === '/' ? 'root' : mountpoint.replace(/^\//, '').replaceAll('/', '-'),
  disk: ({ device = '' }) => device.replace(/^\//, ''),
  basename: ({ device = '' }) => device.replace(/^.*\//, ''),
  volume: ({ device = '' }) => device.replace(/^\/dev\//, ''),
  page: ({ field = '' }) =>
    field.replace(/^(?:nr_|pg(?:alloc|refill|(?:steal|scan)(?:_kswapd|_direct)?)_|pg)/, ''),
  tcpstate: ({ state = '' }) => (state === 'close' ? 'CLOSED' : state.toUpperCase()),
};

/** A part of an identifier, with the labels' values in it. */
export const fill = (text: string, labels: Labels): string =>
  text.replace(/\{(\w+)\}/g, (_, label: string) => MADE[label]?.(labels) ?? labels[label] ?? '');
