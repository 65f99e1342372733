import { HOSTNAME_METHODS } from '../../naming/index.ts';
import type { Line, Path } from '../draft.ts';
import { expression, quoted } from '../patterns.ts';
import type { Asked } from './asked.ts';
import { COUNTERPARTS } from './collectors.ts';
import { type Counterpart, OWN_NAMES } from './counterpart.ts';
import { fragments, headings, linesOf, overridden, type Whole, within } from './files.ts';
import type { Section } from './ini.ts';
import { Settings } from './settings.ts';

const BY_PROGRAM = 'the collector exec runs a program that asks for it: docs/exec.md';

/** What does the like of collectors that have no counterpart, by their class. */
const OTHERWISE: Readonly<Record<string, string>> = {
  NtpCollector: 'ntpdate is not called: the collectors chrony and ntpd ask the host’s own daemon',
  CpuAcctCgroupCollector:
    'the collector cgroups reads version 2 of control groups, under names of its own',
  MemoryCgroupCollector:
    'the collector cgroups reads version 2 of control groups, under names of its own',
  MemoryDockerCollector:
    'the collector cgroups reads version 2 of control groups, under names of its own',
  MemoryLxcCollector:
    'the collector cgroups reads version 2 of control groups, under names of its own',
  DirStatsCollector: 'the collector files counts files by glob: cullinan describe files',
  JolokiaCollector:
    'the collector activemq asks ActiveMQ over Jolokia, and nothing asks other programs',
  NagiosPerfdataCollector: 'the collector exec runs monitoring plugins itself: format: nagios',
  HTTPJSONCollector: BY_PROGRAM,
  SNMPRawCollector: BY_PROGRAM,
  SNMPInterfaceCollector: BY_PROGRAM,
};

/** What a collector may say of how it is run. */
const RUN: Readonly<Record<string, string>> = {
  method: 'all collectors run in one process: there is no way to choose',
  splay: 'each host collects at a moment of its own: stagger',
};

const empty = (): Section => ({
  name: '',
  line: undefined,
  settings: new Map(),
  sections: new Map(),
});

const INTERVAL = 300;

/** Mostly one has given a diamond.conf alone: packages have `enabled = True` in a file for each collector. */
const NOTHING =
  'No collector could be carried over: nothing is collected, and nothing sent. Diamond runs those with `enabled = True`, mostly in files of its folder collectors: import its whole folder, or enable here what is wanted (cullinan list).';

/** Makes collectors of those that are enabled. */
export function collectors(whole: Whole): Asked {
  const { draft, main } = whole;
  const section = within(main, 'collectors');
  const standard = within(section, 'default') ?? empty();
  draft.carry([section?.line, standard.line].filter((line) => line !== undefined));
  const usual = new Settings(draft, [standard]);
  const interval = usual.number('interval') ?? INTERVAL;
  draft.set(['interval'], `${interval}s`, usual.lines('interval'));
  if (usual.get('interval') === undefined) draft.note(['interval'], 'Diamond’s default.');
  hostname(usual);
  const asked: Asked = {
    ...{ only: [], except: [], relabel: [], dialect: new Map(), interval },
    prefix: usual.text('path_prefix'),
    suffix: usual.text('path_suffix'),
    instancePrefix: usual.text('instance_prefix'),
    lines: usual.lines('path_prefix', 'path_suffix', 'instance_prefix'),
  };
  common(usual);
  draft.carry(usual.lines('enabled'));
  draft.set(['collectors', 'default', 'enabled'], false);
  draft.note(
    ['collectors', 'default'],
    'Only what Diamond collected. `agent: { enabled: true }` has cullinan tell of itself, too.',
  );
  const files = fragments(whole, 'collectors_config_path', 'collectors');
  const names = new Set([...(section?.sections.keys() ?? []), ...files.keys()]);
  names.delete('default');
  const seen = new Set<string>();
  for (const name of names) {
    const layers = [within(section, name), files.get(name)];
    overridden(draft, layers);
    const settings = new Settings(draft, layers);
    const lines = layers.flatMap((layer) => [...linesOf(layer)]);
    const enabled = settings.truth('enabled') ?? usual.truth('enabled') ?? false;
    if (!enabled) {
      draft.carry(lines.filter((line) => !draft.answered(line)));
      continue;
    }
    draft.carry([...settings.lines('enabled'), ...headings(layers)]);
    const [type = ''] = name.split(' ');
    const counterpart = COUNTERPARTS[type];
    if (counterpart === undefined) {
      const why =
        OTHERWISE[type] ?? `there is no counterpart of ${type} yet: let Diamond run for it alone`;
      draft.leave(lines, why);
      continue;
    }
    if (seen.has(type)) {
      draft.leave(
        lines,
        `of several ${type}s the first is carried over: a collector of "type: ${counterpart.collector}" and any name is a second one`,
      );
      continue;
    }
    seen.add(type);
    collector({ name: type, counterpart, settings, asked, lines, folder: whole.folder });
  }
  if (asked.only.length === 0) draft.note([], NOTHING);
  return { ...asked, only: [...new Set(asked.only)], except: [...new Set(asked.except)] };
}

function hostname(settings: Settings): void {
  const method = settings.text('hostname_method')?.toLowerCase();
  const known = method !== undefined && (HOSTNAME_METHODS as readonly string[]).includes(method);
  settings.put(['hostname', 'method'], 'hostname_method', known ? method : undefined);
  settings.put(['hostname', 'name'], 'hostname', settings.text('hostname'));
}

/** What every collector may say, and nothing has to be done for. */
function common(settings: Settings): void {
  settings.expect(
    'stagger_collection',
    settings.truth('stagger_collection') !== false,
    'a host collects at a moment of its own, with the time of the tick: stagger',
  );
  settings.expect(
    'measure_collector_time',
    settings.truth('measure_collector_time') === false,
    'the collector agent says it, as cullinan.collector.time',
  );
  settings.leave('the handler riemann has ttl', 'ttl_multiplier');
  settings.leave(RUN['splay'] ?? '', 'splay');
  if (
    settings.get('byte_unit') !== undefined &&
    !settings.draft.answered(settings.lines('byte_unit')[0] as Line)
  ) {
    settings.expect('byte_unit', settings.text('byte_unit') === 'byte', 'values are in bytes');
  }
}

function collector(o: {
  readonly name: string;
  readonly counterpart: Counterpart;
  readonly settings: Settings;
  readonly asked: Asked;
  readonly lines: readonly Line[];
  /** Where its configuration is. */
  readonly folder: string;
}): void {
  const { counterpart, settings, asked } = o;
  const { draft } = settings;
  const instances = counterpart.make?.(settings, o.folder) ?? [counterpart.collector];
  if (instances.length === 0) {
    for (const line of o.lines) {
      if (!draft.isLeft(line)) draft.leave(line, 'nothing of it could be carried over');
    }
    return;
  }
  for (const instance of instances)
    draft.set(['collectors', instance, 'enabled'], true, settings.lines('enabled'));
  const at = ['collectors', counterpart.collector];
  if (counterpart.note !== undefined) draft.note(at, counterpart.note);
  if (o.name === 'ProcessStatCollector') {
    draft.set(['collectors', 'uptime', 'enabled'], true);
    asked.only.push('system.boot_time');
  }
  counterpart.options?.(settings, at, asked);
  for (const instance of instances) every(settings, ['collectors', instance], asked.interval);
  const only =
    typeof counterpart.only === 'function' ? counterpart.only(settings) : counterpart.only;
  asked.only.push(...chosen(settings, counterpart, only, asked));
  for (const { match, from, to, scale } of counterpart.renames ?? []) {
    const rename = { from: `(^|\\.)${from}`, to: `$1${to}` };
    asked.relabel.push({ match: [match], rename, ...(scale === undefined ? {} : { scale }) });
  }
  place(settings, counterpart, only, asked);
  common(settings);
  settings.leave('a host has one name: hostname', 'hostname', 'hostname_method');
  settings.expect('instance_prefix', false, 'it stands in the default section');
  for (const key of settings.keys()) {
    for (const line of settings.lines(key)) {
      if (!draft.answered(line))
        draft.leave(
          line,
          RUN[key] ?? `cullinan describe ${counterpart.collector} has nothing of the kind`,
        );
    }
  }
}

/** The interval of a collector; of several that one observes for, the shortest. */
function every(settings: Settings, at: Path, usual: number): void {
  const interval = settings.number('interval');
  if (settings.get('interval') === undefined) return;
  const path = [...at, 'interval'];
  const before = settings.draft.get(path);
  const other = typeof before === 'string' ? Number.parseFloat(before) : undefined;
  if (interval !== undefined && (other ?? usual) < interval && other !== undefined) {
    settings.leave(`another collector of Diamond’s asks for the same every ${other} s`, 'interval');
  } else settings.put(path, 'interval', interval === undefined ? undefined : `${interval}s`);
}

/** `metrics_whitelist` and `metrics_blacklist`: expressions for the beginning of the short name. */
function chosen(
  settings: Settings,
  { path, collector: name, make, renames, note }: Counterpart,
  only: readonly string[],
  { except }: Asked,
): readonly string[] {
  if (renames !== undefined || note?.startsWith(OWN_NAMES)) {
    settings.leave(
      'only and except see the names that are there without relabel: cullinan describe has them',
      ...['metrics_whitelist', 'metrics_blacklist'],
    );
    return only;
  }
  const pattern = (key: string): string | undefined => {
    const list = settings.list(key);
    if (list === undefined) return undefined;
    const below = path === '' ? '' : `${quoted(path)}\\.`;
    const made = expression(`^${below}(?:${list.join('|')})`);
    if (made === undefined)
      settings.leave('this is no regular expression that can be carried over', key);
    else settings.draft.carry(settings.lines(key));
    return made;
  };
  const black = pattern('metrics_blacklist');
  const whose = make === undefined ? [`collector:${name}`] : only;
  if (black !== undefined) except.push(...whose.map((each) => `${each} & re:${black}`));
  const white = pattern('metrics_whitelist');
  return white === undefined ? only : only.map((each) => `${each} & re:${white}`);
}

/** `path`, `path_prefix` and `path_suffix` of one collector alone. */
function place(
  settings: Settings,
  { path, note }: Counterpart,
  only: readonly string[],
  { prefix = 'servers', relabel }: Asked,
): void {
  const other = settings.text('path');
  // Programs have no level of their own; what stands before their names is an option.
  if (other === path || path === '') settings.draft.carry(settings.lines('path'));
  else if (note?.startsWith(OWN_NAMES)) settings.leave('its names are cullinan’s', 'path');
  else if (other !== undefined) {
    const to = other === '' || other === '.' ? '.' : `.${other.replaceAll('$', '$$$$')}.`;
    relabel.push({ match: [...only], rename: { from: `\\.${quoted(path)}\\.`, to } });
    settings.draft.carry(settings.lines('path'));
  }
  const own = settings.text('path_prefix');
  if (own !== undefined && own !== prefix) {
    const to = own === '' ? '' : `${own.replaceAll('$', '$$$$')}.`;
    relabel.push({ match: [...only], rename: { from: `^${quoted(prefix)}\\.`, to } });
  }
  settings.draft.carry(settings.lines('path_prefix'));
  settings.leave('a suffix is the handler’s, for all collectors', 'path_suffix');
}
