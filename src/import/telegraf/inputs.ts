import { exactly, expression } from '../patterns.ts';
import { filecount, filestat, httpResponse, netResponse, ping, x509 } from './checks.ts';
import type { Counterpart } from './counterpart.ts';
import { exclude, include } from './devices.ts';
import { logs } from './logs.ts';
import type { Plugin } from './plugin.ts';
import { procstat } from './procstat.ts';
import { exec, execd, listener, statsd } from './programs.ts';
import {
  activemq,
  apache,
  chrony,
  nginx,
  ntpq,
  rabbitmq,
  redis,
  smart,
  systemdUnits,
} from './servers.ts';

const FIELDS = 'a field has another name here: cullinan describe shows them';

/** Measurements of servers that have several. */
const REDIS = ['redis', 'redis_keyspace', 'redis_cmdstat', 'redis_replication', 'redis_errorstat'];
// biome-ignore format: a list of words
const RABBITMQ = [
  'rabbitmq_overview', 'rabbitmq_node', 'rabbitmq_queue', 'rabbitmq_exchange', 'rabbitmq_federation',
];
const ACTIVEMQ = ['activemq_queues', 'activemq_subscribers', 'activemq_topics'];

/** Expressions of Go's as patterns; `undefined`, with the line left, where one of them is none. */
function expressions(it: Plugin, key: string, lower = false): readonly string[] | undefined {
  const made = (it.list(key) ?? []).map((text) => {
    const each = expression(lower && /^\w+$/.test(text) ? text.toLowerCase() : text);
    return each === undefined || (lower && /[A-Z\\]/.test(each)) ? undefined : `re:${each}`;
  });
  const known = made.filter((each) => each !== undefined);
  if (known.length === made.length) return known;
  it.leave('this is no regular expression that can be carried over', key);
  return undefined;
}

function nfsclient(it: Plugin, at: readonly string[]): void {
  const full = it.flag('fullstat') === true;
  if (full) it.draft.set([...at, 'operations', 'include'], ['*'], it.lines('fullstat'));
  if (it.flag('fullstat') === false) it.carry('fullstat');
  for (const [key, option, lower] of [
    ['include_mounts', ['mounts', 'include'], false],
    ['exclude_mounts', ['mounts', 'exclude'], false],
    ['include_operations', ['operations', 'include'], true],
    ['exclude_operations', ['operations', 'exclude'], true],
  ] as const) {
    const made = expressions(it, key, lower);
    // Telegraf looks at operations with fullstat alone.
    if (made === undefined || made.length === 0 || (lower && !full)) it.carry(key);
    else it.draft.set([...at, ...option], made, it.lines(key));
  }
}

const CONTROLLERS =
  /^(?:blkio|cpu|cpuacct|cpu,cpuacct|cpuset|devices|freezer|hugetlb|memory|net_cls|net_prio|perf_event|pids)(?:\/|$)/;

function cgroup(it: Plugin, at: readonly string[]): void {
  const paths = it.list('paths')?.map((path) => /^\/sys\/fs\/cgroup\/(.+?)\/*$/.exec(path)?.[1]);
  const groups = paths?.filter((path) => path !== undefined && !CONTROLLERS.test(path));
  if (groups !== undefined && groups.length > 0 && groups.length === paths?.length) {
    const known = groups.filter((path) => path !== undefined);
    it.draft.set([...at, 'groups', 'include'], known, it.lines('paths'));
    const depth = Math.min(16, Math.max(...known.map((path) => path.split('/').length)));
    if (depth > 2) it.draft.set([...at, 'depth'], depth);
  }
  it.leave('only version 2 of control groups is read: groups has paths below its root', 'paths');
  it.leave('of each group are read cpu.stat, memory.*, io.stat and pids.*', 'files');
}

/** Inputs of Telegraf, by name. */
export const INPUTS: Readonly<Record<string, Counterpart>> = {
  cpu: {
    collectors: ['cpu'],
    take: (it, at) => {
      it.copy('percpu', [...at, 'perCpu'], it.flag);
      if (it.flag('totalcpu') === true) it.carry('totalcpu');
      else
        it.leave(
          'the total is always sent; except: ["system.cpu.total.*"] of a handler leaves it out',
          'totalcpu',
        );
      it.leave(
        'times are sent as the dialect has them: counters: raw of a handler sends them as they stand',
        'collect_cpu_time',
      );
      if (it.flag('report_active') === false) it.carry('report_active');
      it.leave('it is all but idle: compute it where you draw', 'report_active');
      if (it.flag('core_tags') === false) it.carry('core_tags');
      it.leave('a CPU is known by its number', 'core_tags');
    },
  },
  mem: { collectors: ['memory'] },
  swap: { collectors: ['memory', 'paging'] },
  disk: {
    collectors: ['filesystem'],
    devices: { path: 'mountpoints', fstype: 'types' },
    take: (it, at) => {
      include(it, 'mount_points', [...at, 'mountpoints'], true);
      exclude(it, ['ignore_fs'], it.list('ignore_fs'), [...at, 'types']);
      if (it.list('ignore_mount_opts')?.length === 0) it.carry('ignore_mount_opts');
      it.leave('filesystems are not chosen by their mount options', 'ignore_mount_opts');
    },
  },
  diskio: {
    collectors: ['disk'],
    devices: { name: 'devices' },
    take: (it, at) => {
      include(it, 'devices', [...at, 'devices']);
      if (it.flag('skip_serial_number') === true) it.carry('skip_serial_number');
      it.leave(
        'disks are called as the kernel calls them',
        'skip_serial_number',
        'device_tags',
        'name_templates',
      );
    },
  },
  net: {
    collectors: ['network'],
    devices: { interface: 'interfaces' },
    take: (it, at) => {
      include(it, 'interfaces', [...at, 'interfaces']);
      if (it.flag('ignore_protocol_stats') === true) it.carry('ignore_protocol_stats');
      else if (it.given('ignore_protocol_stats') !== undefined)
        it.draft.set(
          ['collectors', 'sockets', 'enabled'],
          true,
          it.lines('ignore_protocol_stats'),
          'Statistics of protocols (inputs.net)',
        );
    },
    note: 'Interfaces of containers and guests are left out unless included: interfaces.exclude has the list.',
  },
  netstat: { collectors: ['sockets'] },
  nstat: {
    collectors: ['sockets'],
    take: (it) => {
      it.leave(
        'what is read follows host.proc',
        'proc_net_netstat',
        'proc_net_snmp',
        'proc_net_snmp6',
      );
      if (it.flag('dump_zeros') === true) it.carry('dump_zeros');
      it.leave('zeros are sent as well', 'dump_zeros');
    },
  },
  kernel: {
    collectors: ['processes', 'uptime'],
    take: (it) => {
      const wanted = it.list('collect') ?? [];
      if (wanted.includes('psi'))
        it.draft.set(['collectors', 'pressure', 'enabled'], true, it.lines('collect'));
      if (wanted.includes('ksm'))
        it.draft.leave(it.lines('collect'), 'what KSM merges is not collected');
      it.carry('collect');
    },
  },
  kernel_vmstat: { collectors: ['paging'] },
  linux_sysctl_fs: { collectors: ['processes'] },
  processes: {
    collectors: ['processes'],
    take: (it) => {
      it.leave('/proc is read, and ps never called', 'force_ps', 'force_proc', 'use_sudo');
    },
  },
  system: {
    collectors: ['load', 'uptime', 'users'],
    take: ({ draft }) => draft.set(['collectors', 'users', 'perUser'], false),
  },
  interrupts: {
    collectors: ['interrupts'],
    measurements: ['interrupts', 'soft_interrupts'],
    take: (it, at) => it.copy('cpu_as_tag', [...at, 'perCpu'], it.flag),
  },
  conntrack: {
    collectors: ['conntrack'],
    take: (it) =>
      it.leave(
        'files and their folder are the kernel’s: host.proc says where',
        'files',
        'dirs',
        'collect',
      ),
  },
  sensors: {
    collectors: ['sensors'],
    take: (it) => {
      it.leave('the kernel’s files are read, and sensors(1) is not called', 'timeout');
      it.leave('names are the sensors’ own labels', 'remove_numbers');
    },
  },
  temp: {
    collectors: ['sensors'],
    take: (it) => it.leave(FIELDS, 'metric_format', 'add_device_tag'),
  },
  psi: { collectors: ['pressure'], measurements: ['pressure'] },
  mdstat: {
    collectors: ['mdstat'],
    take: (it) => it.leave('host.proc says where it is', 'file_name'),
  },
  nfsclient: {
    collectors: ['mountstats'],
    measurements: ['nfsstat', 'nfs_bytes', 'nfs_events', 'nfs_ops', 'nfs_xprt_tcp', 'nfs_xprt_udp'],
    take: nfsclient,
  },
  cgroup: { collectors: ['cgroups'], take: cgroup },
  libvirt: {
    collectors: ['libvirt'],
    take: (it, at) => {
      it.copy('libvirt_uri', [...at, 'uri'], it.text);
      it.copy('domains', [...at, 'guests', 'include'], (key) => it.list(key)?.map(exactly));
      it.leave(
        'stats has the groups that are asked for, by libvirt’s own names',
        'statistics_groups',
        'additional_statistics',
      );
    },
  },
  internal: {
    collectors: ['agent'],
    take: (it) =>
      it.leave(
        'the agent’s own memory is sent anyway',
        'collect_memstats',
        'collect_gostats',
        'per_instance',
      ),
  },
  procstat: { collectors: ['process'], make: procstat },
  tail: { collectors: ['logs'], foreign: true, make: logs },
  logparser: { collectors: ['logs'], foreign: true, make: logs },
  exec: { collectors: ['exec'], foreign: true, make: exec },
  execd: { collectors: ['exec'], foreign: true, make: execd },
  statsd: { collectors: ['push'], foreign: true, make: statsd },
  socket_listener: { collectors: ['push'], foreign: true, make: listener },
  tcp_listener: { collectors: ['push'], foreign: true, make: listener },
  udp_listener: { collectors: ['push'], foreign: true, make: listener },
  http_response: { collectors: ['http'], make: httpResponse },
  net_response: { collectors: ['tcp'], make: netResponse },
  x509_cert: { collectors: ['tcp'], make: x509 },
  ping: { collectors: ['ping'], make: ping },
  filecount: { collectors: ['files'], make: filecount },
  filestat: { collectors: ['files'], make: filestat },
  nginx: { collectors: ['nginx'], make: nginx },
  apache: { collectors: ['apache'], make: apache },
  redis: { collectors: ['redis'], measurements: REDIS, make: redis },
  rabbitmq: { collectors: ['rabbitmq'], measurements: RABBITMQ, make: rabbitmq },
  activemq: { collectors: ['activemq'], measurements: ACTIVEMQ, make: activemq },
  chrony: { collectors: ['chrony'], make: chrony },
  ntpq: { collectors: ['ntpd'], make: ntpq },
  smart: { collectors: ['smart'], measurements: ['smart_device', 'smart_attribute'], make: smart },
  smartctl: {
    collectors: ['smart'],
    measurements: ['smartctl', 'smartctl_attributes'],
    make: smart,
  },
  systemd_units: { collectors: ['systemd'], make: systemdUnits },
};

const HTTP =
  'the collector push listens for lines at unix sockets, UDP and TCP, and not for HTTP: docs/push.md';
const ASKS =
  'the collector exec runs a program that asks for it, and reads its format: docs/exec.md';

/** Inputs that many have, and that have no counterpart: what does it instead. */
export const NO_INPUT: Readonly<Record<string, string>> = {
  http_listener: HTTP,
  http_listener_v2: HTTP,
  influxdb_listener: HTTP,
  influxdb_v2_listener: HTTP,
  opentelemetry: HTTP,
  syslog:
    'nothing listens for syslog; the collector logs reads the files and the journal it goes to',
  docker: 'cullinan does not ask Docker; the collector cgroups observes control groups',
  file: 'the collector textfile reads files that programs leave, in other forms: docs/textfile.md',
  http: ASKS,
  prometheus: ASKS,
  dns_query:
    'no collector asks name servers; the collector exec runs a check of yours: docs/exec.md',
  snmp: 'no collector speaks SNMP; the collector exec runs a program that does: docs/exec.md',
  hddtemp:
    'the collector smart tells of the temperature of disks, and so does the collector sensors',
};
