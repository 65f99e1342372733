import { registry } from '../../agent/index.ts';
import { describeOptions } from '../../config/index.ts';
import { exactly, expression, quoted } from '../patterns.ts';
import type { Plugin } from './plugin.ts';

/** What takes an input's place. */
export interface Counterpart {
  /** Collectors that observe the same; the first has the input's options. */
  readonly collectors: readonly string[];
  /** Telegraf's measurements, by which its outputs choose. */
  readonly measurements?: readonly string[];
  /** Its tags that are devices, by the collector's options that choose them. */
  readonly devices?: Readonly<Record<string, string>>;
  /** Takes its own options. */
  readonly take?: (plugin: Plugin, at: readonly string[]) => void;
  /** What there is to know. */
  readonly note?: string;
}

const FIELDS = 'a field has another name here: cullinan describe shows them';

/** A list of globs, as both have them; undefined where one of them means something else here. */
function globs(texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined || texts.length === 0) return undefined;
  return texts.every((text) => !/[[\]{}!\\?]/.test(text) && !text.startsWith('re:') && text !== '')
    ? texts
    : undefined;
}

/** Takes a list of devices for `include` of an option. */
function include(plugin: Plugin, key: string, path: readonly string[], exact = false): void {
  const texts = plugin.list(key);
  if (texts?.length === 0) {
    plugin.carry(key);
    return;
  }
  const wanted = exact ? texts?.map(exactly) : globs(texts);
  if (wanted === undefined)
    plugin.leave('these globs mean something else here: write them by hand', key);
  else plugin.draft.set([...path, 'include'], wanted, plugin.lines(key));
}

/** What a collector leaves out by itself. */
function excluded(collector: string, option: string): readonly string[] {
  const schema = registry.collectors.get(collector)?.options;
  const all = schema === undefined ? [] : describeOptions(schema);
  const written = all.find(({ name }) => name === `${option}.exclude`)?.default;
  const value: unknown = written === undefined ? [] : JSON.parse(written);
  return Array.isArray(value) ? (value as string[]) : [];
}

/** Adds to what is left out already. */
function exclude(
  plugin: Plugin,
  keys: readonly string[],
  texts: readonly string[] | undefined,
  path: readonly string[],
): void {
  const more = globs(texts);
  if (texts?.length === 0) plugin.carry(...keys);
  else if (more === undefined)
    plugin.leave('these globs mean something else here: write them by hand', ...keys);
  else {
    const [, collector = '', option = ''] = path;
    const before = excluded(collector, option);
    const all = [...new Set([...before, ...more])];
    plugin.draft.set(
      [...path, 'exclude'],
      all,
      plugin.lines(...keys),
      before.length === 0 ? undefined : 'The defaults, and those of Telegraf.',
    );
  }
}

function procstat(plugin: Plugin, at: readonly string[]): void {
  const name =
    plugin.text('prefix') ||
    plugin.text('exe') ||
    plugin.text('pattern') ||
    plugin.text('systemd_unit') ||
    plugin.text('cgroup') ||
    'group';
  const plain =
    name
      .replace(/[^\w-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 60) || 'group';
  let called = plain;
  for (let i = 2; plugin.draft.has([...at, 'groups', called]); i += 1) called = `${plain}-${i}`;
  const group = [...at, 'groups', called];
  const pattern = (key: string, option: string, made: string | undefined): void => {
    if (plugin.given(key) === undefined) return;
    if (made === undefined || made === '')
      plugin.leave('this is no regular expression that can be carried over', key);
    else plugin.draft.set([...group, option], [made], plugin.lines(key));
  };
  pattern('exe', 'name', expression(plugin.text('exe') ?? ''));
  pattern('pattern', 'cmdline', expression(plugin.text('pattern') ?? ''));
  const unit = plugin.text('systemd_unit');
  pattern(
    'systemd_unit',
    'cgroup',
    unit === undefined ? undefined : `/${quoted(unit.includes('.') ? unit : `${unit}.service`)}$`,
  );
  const cgroup = plugin.text('cgroup');
  pattern(
    'cgroup',
    'cgroup',
    cgroup === undefined || /[*?[]/.test(cgroup)
      ? undefined
      : `${quoted(cgroup.replace(/^\/sys\/fs\/cgroup(?:\/systemd)?/, ''))}$`,
  );
  plugin.carry('prefix');
  plugin.leave(
    'processes are chosen by name, exe, cmdline or cgroup: a pid file is not read',
    'pid_file',
  );
  plugin.leave('processes are not chosen by their user', 'user');
  plugin.leave(
    'a group is one: what its processes use is added up',
    'pid_tag',
    'cmdline_tag',
    'tag_with',
    'process_name',
    'pid_finder',
  );
  if (!plugin.draft.has(group)) {
    plugin.leaveRest('nothing of it says which processes in a way that could be carried over');
    return;
  }
  plugin.draft.carry(plugin.header);
}

/** Grok's patterns that a parser of ours reads. */
const GROK: Readonly<Record<string, string>> = {
  '%{COMBINED_LOG_FORMAT}': 'access',
  '%{COMMON_LOG_FORMAT}': 'access',
};
const FORMATS: Readonly<Record<string, string>> = {
  json: 'json-lines',
  json_v2: 'json-lines',
  logfmt: 'logfmt',
  syslog: 'syslog',
};

function logs(plugin: Plugin, at: readonly string[]): void {
  const grok = ['grok.patterns', 'grok_patterns'].find((key) => plugin.given(key) !== undefined);
  const patterns = grok === undefined ? undefined : plugin.list(grok);
  const format = plugin.text('data_format');
  const parser =
    patterns?.length === 1
      ? GROK[patterns[0] ?? '']
      : patterns === undefined
        ? FORMATS[format ?? '']
        : undefined;
  const files = plugin.list('files');
  if (files === undefined || files.length === 0 || parser === undefined) {
    plugin.leaveRest(
      'no parser here reads what this says: cullinan list has them, and the parser regex takes expressions of your own (docs/logs.md)',
    );
    return;
  }
  const start =
    plugin.flag('from_beginning') === true || plugin.text('initial_read_offset') === 'beginning';
  const from = plugin.lines('files', ...(grok === undefined ? [] : [grok]), 'data_format');
  for (const path of files) {
    const file = {
      path: path.replaceAll('**', '*'),
      parser,
      // Logs of one parser are told apart by a label.
      labels: { log: path },
      ...(start ? { from: 'start' } : {}),
    };
    const comment = path.includes('**')
      ? 'A glob goes into one folder: ** was written as *.'
      : undefined;
    plugin.draft.append([...at, 'files'], file, from, comment);
  }
  plugin.carry('from_beginning', 'initial_read_offset', 'watch_method');
  if (plugin.flag('pipe') === false) plugin.carry('pipe');
  plugin.leave('a measurement is what the parser calls it', 'grok.measurement', 'name_override');
  plugin.draft.carry(plugin.header);
  plugin.draft.note(
    [...at, 'files'],
    'Numbers of what the lines say; Telegraf sent each line as a point.',
  );
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
    take: (it) =>
      it.leave('pressure is the collector pressure’s, and KSM is not collected', 'collect'),
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
    collectors: ['load', 'uptime'],
    note: 'Users that are logged in are the collector users’.',
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
    take: (it) => {
      it.leave(
        'all of what /proc/self/mountstats says is sent; only and except of a handler choose',
        'fullstat',
        'include_operations',
        'exclude_operations',
      );
      it.leave(
        'mounts are not chosen here: only and except of a handler do',
        'include_mounts',
        'exclude_mounts',
      );
    },
  },
  cgroup: {
    collectors: ['cgroups'],
    take: (it) =>
      it.leave('control groups are chosen by options of the collector cgroups', 'paths', 'files'),
  },
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
  procstat: { collectors: ['process'], take: procstat },
  tail: { collectors: ['logs'], take: logs },
  logparser: { collectors: ['logs'], take: logs },
};

/** Inputs that many have, and that have no counterpart: what does it instead. */
export const NO_INPUT: Readonly<Record<string, string>> = {
  smart:
    'cullinan does not call smartctl; the collector sensors has what disks say of their temperature',
  exec: 'the collector exec runs programs: give it each command (cullinan describe exec)',
  execd: 'the collector exec runs programs: give it each command (cullinan describe exec)',
  statsd: 'the collector push listens for statsd: cullinan describe push',
  socket_listener:
    'cullinan takes no points of others: leave Telegraf running for what applications send',
  http_listener:
    'cullinan takes no points of others: leave Telegraf running for what applications send',
  docker: 'cullinan does not ask Docker; the collector cgroups observes control groups',
  filecount: 'the collector files does the like: cullinan describe files',
  http_response: 'the collector http does the like: cullinan describe http',
  net_response: 'the collector tcp does the like: cullinan describe tcp',
  dns_query: 'cullinan observes the host that it runs on, and asks no others',
  snmp: 'cullinan observes the host that it runs on, and asks no others',
  ntpq: 'cullinan doctor looks at the clock; ntpq is not asked for numbers',
};

/** Takes `tagpass` and `tagdrop` where they choose devices. */
export function takeTags(
  plugin: Plugin,
  { devices = {} }: Counterpart,
  at: readonly string[],
): void {
  const passes = plugin.keys().filter((key) => key.startsWith('tagpass.'));
  const drops = plugin.keys().filter((key) => key.startsWith('tagdrop.'));
  if (
    plugin.name === 'cpu' &&
    passes.length === 1 &&
    plugin.list('tagpass.cpu')?.join() === 'cpu-total'
  ) {
    plugin.draft.set([...at, 'perCpu'], false, plugin.lines('tagpass.cpu'));
    return;
  }
  for (const key of passes) {
    const option = devices[key.slice('tagpass.'.length)];
    const other = passes.length > 1 || plugin.draft.has([...at, option ?? '', 'include']);
    if (option === undefined) plugin.leave('cullinan has no such tag to choose by', key);
    else if (other)
      plugin.leave(
        'of several tags one has to fit in Telegraf, and all have to here: write it by hand',
        key,
      );
    else include(plugin, key, [...at, option]);
  }
  const byOption = new Map<string, string[]>();
  for (const key of drops) {
    const option = devices[key.slice('tagdrop.'.length)];
    if (option === undefined) plugin.leave('cullinan has no such tag to choose by', key);
    else byOption.set(option, [...(byOption.get(option) ?? []), key]);
  }
  for (const [option, keys] of byOption) {
    const before = plugin.name === 'disk' && option === 'types' ? ['ignore_fs'] : [];
    const all = [...before, ...keys];
    exclude(
      plugin,
      all,
      all.flatMap((key) => plugin.list(key) ?? []),
      [...at, option],
    );
  }
}
