import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HOSTNAME_METHODS } from '../../naming/index.ts';
import { codeOf } from '../../plugin/index.ts';
import type { Draft, Line, Path } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { readInput } from '../input.ts';
import { likeness } from '../likeness.ts';
import { expression, quoted } from '../patterns.ts';
import { InputError } from '../problem.ts';
import { COUNTERPARTS, type Counterpart, type More } from './collectors.ts';
import { NOWHERE, SENDERS } from './handlers.ts';
import { LOGGING, parseIni, type Section } from './ini.ts';
import { Settings } from './settings.ts';

/** The file, the folders of fragments beside it, and what all of it says together. */
interface Whole {
  readonly draft: Draft;
  readonly main: Section;
  readonly folder: string;
}

const empty = (): Section => ({
  name: '',
  line: undefined,
  settings: new Map(),
  sections: new Map(),
});

const within = (section: Section | undefined, name: string): Section | undefined =>
  section?.sections.get(name);

/** Every line of a section and of those in it. */
function* linesOf(section: Section | undefined): Generator<Line> {
  if (section === undefined) return;
  if (section.line !== undefined) yield section.line;
  for (const { line } of section.settings.values()) yield line;
  for (const each of section.sections.values()) yield* linesOf(each);
}

const LOGS = 'the log goes to standard error: journald keeps it, log.level says how much';

/** Moves a Diamond's configuration over: diamond.conf, collectors/*.conf and handlers/*.conf. */
export const diamond: Importer = {
  name: 'diamond',
  title: 'Diamond',
  takes: 'its folder, or its diamond.conf',
  words: 1,
  draft([path = ''], draft) {
    const file = isFolder(path) ? join(path, 'diamond.conf') : path;
    const main = parseIni(file, readInput(file), draft);
    const whole = { draft, main, folder: dirname(file) };
    merge(whole);
    server(whole);
    const asked = collectors(whole);
    handlers(whole, asked);
    for (const [name, section] of main.sections) {
      if (/^(server|collectors|handlers|configs)$/.test(name)) continue;
      if (LOGGING.test(name)) draft.leave([...linesOf(section)], LOGS);
    }
  },
};

/** `[configs]`: a folder of files that are merged into the main one. */
function merge({ draft, main }: Whole): void {
  const configs = within(main, 'configs');
  const folder = configs?.settings.get('path');
  if (configs === undefined || typeof folder?.value !== 'string') return;
  const extension = configs.settings.get('extension');
  const ends = typeof extension?.value === 'string' ? extension.value : '.conf';
  for (const file of filesIn(folder.value, ends))
    blend(main, parseIni(file, readInput(file), draft));
  draft.carry([configs.line, folder.line, extension?.line].filter((line) => line !== undefined));
}

function blend(into: Section, from: Section): void {
  for (const [key, setting] of from.settings) into.settings.set(key, setting);
  for (const [name, section] of from.sections) {
    const known = into.sections.get(name);
    if (known === undefined) into.sections.set(name, section);
    else blend(known, section);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function filesIn(folder: string, ends: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(ends));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new InputError({ file: folder }, `cannot be read: ${codeOf(error)}`);
  }
}

/** The fragments of a folder, by the class that they are for. */
function fragments(whole: Whole, key: string, usual: string): Map<string, Section> {
  const { draft, main, folder } = whole;
  const setting = within(main, 'server')?.settings.get(key);
  const beside = join(folder, usual);
  const named = typeof setting?.value === 'string' ? setting.value : beside;
  draft.carry(setting?.line);
  // A copy of /etc/diamond is read as a whole.
  const files = filesIn(existsSync(beside) ? beside : named, '.conf');
  return new Map(
    files.map((file) => {
      const section = parseIni(file, readInput(file), draft);
      return [basename(file, '.conf'), section];
    }),
  );
}

/** What does the like of collectors whose options are not carried over, by their class. */
const OTHERWISE: Readonly<Record<string, string>> = {
  userscripts: 'the collector exec runs each of the scripts, under the names that they say',
  httpd: 'the collector apache does the like: cullinan describe apache',
  filestat: 'the collector processes has open files and their limit, as system.files.…',
  files: 'the collector textfile reads files of its own form: cullinan describe textfile',
};

/** What a collector may say of how it is run. */
const RUN: Readonly<Record<string, string>> = {
  method: 'all collectors run in one process: there is no way to choose',
  splay: 'each host collects at a moment of its own: stagger',
};

const SERVER: Readonly<Record<string, string>> = {
  user: 'the unit says who it runs as: cullinan.service',
  group: 'the unit says who it runs as: cullinan.service',
  pid_file: 'systemd knows its process; there is no such file',
  collectors_path: 'what is written in Python is not loaded',
  handlers_path: 'what is written in Python is not loaded',
  collectors_reload_interval: 'systemctl reload cullinan takes a changed configuration over',
  metric_queue_size: 'each handler has a queue of its own: queue.samples, 100000 by default',
  collectors_load_delay: 'all collectors start at once, and take their turns by themselves',
  abort_on_handlers_process_exit: 'handlers are no process of their own',
};

function server({ draft, main }: Whole): void {
  const section = within(main, 'server');
  draft.carry(section?.line);
  for (const [key, why] of Object.entries(SERVER))
    draft.leave(section?.settings.get(key)?.line, why);
}

/** What the collectors ask of every handler. */
interface Asked extends More {
  /** Patterns of everything that Diamond publishes. */
  readonly only: string[];
  readonly relabel: { readonly match: string[]; readonly rename: { from: string; to: string } }[];
  readonly prefix: string | undefined;
  readonly suffix: string | undefined;
  readonly instancePrefix: string | undefined;
  /** Where prefix, suffix and instance prefix were said. */
  readonly lines: Line[];
  /** Seconds. */
  readonly interval: number;
}

const INTERVAL = 300;

function collectors(whole: Whole): Asked {
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
      const stem = type.replace(/Collector$/, '').toLowerCase();
      const why =
        OTHERWISE[stem] ??
        likeness(stem) ??
        `there is no counterpart of ${type} yet: let Diamond run for it alone`;
      draft.leave(lines, why);
      continue;
    }
    collector({ name: type, counterpart, settings, asked });
  }
  return { ...asked, only: [...new Set(asked.only)], except: [...new Set(asked.except)] };
}

const headings = (layers: readonly (Section | undefined)[]): Line[] =>
  layers.flatMap((layer) => layer?.line ?? []);

function overridden(draft: Draft, [main, file]: readonly (Section | undefined)[]): void {
  for (const [key, { line }] of main?.settings ?? []) {
    const winner = file?.settings.get(key)?.line;
    if (winner !== undefined) draft.leave(line, `${winner.file}:${winner.line} overrides it`);
  }
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
}): void {
  const { counterpart, settings, asked } = o;
  const { draft } = settings;
  const at = ['collectors', counterpart.collector];
  draft.set([...at, 'enabled'], true, settings.lines('enabled'));
  if (o.name === 'ProcessStatCollector') {
    draft.set(['collectors', 'uptime', 'enabled'], true);
    asked.only.push('system.boot_time');
  }
  counterpart.options?.(settings, at, asked);
  every(settings, at, asked.interval);
  const only =
    typeof counterpart.only === 'function' ? counterpart.only(settings) : counterpart.only;
  asked.only.push(...chosen(settings, counterpart, only, asked));
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
  { path, collector: name }: Counterpart,
  only: readonly string[],
  { except }: Asked,
): readonly string[] {
  const pattern = (key: string): string | undefined => {
    const list = settings.list(key);
    if (list === undefined) return undefined;
    const made = expression(`^${quoted(path)}\\.(?:${list.join('|')})`);
    if (made === undefined)
      settings.leave('this is no regular expression that can be carried over', key);
    else settings.draft.carry(settings.lines(key));
    return made;
  };
  const black = pattern('metrics_blacklist');
  if (black !== undefined) except.push(`collector:${name} & re:${black}`);
  const white = pattern('metrics_whitelist');
  return white === undefined ? only : only.map((each) => `${each} & re:${white}`);
}

/** `path`, `path_prefix` and `path_suffix` of one collector alone. */
function place(
  settings: Settings,
  { path }: Counterpart,
  only: readonly string[],
  { prefix = 'servers', relabel }: Asked,
): void {
  const other = settings.text('path');
  if (other === path) settings.draft.carry(settings.lines('path'));
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

function handlers(whole: Whole, asked: Asked): void {
  const { draft, main } = whole;
  const setting = within(main, 'server')?.settings.get('handlers');
  const classes = [setting?.value ?? []].flat().filter((each) => each !== '');
  const section = within(main, 'handlers');
  const standard = within(section, 'default');
  draft.carry([section?.line, standard?.line].filter((line) => line !== undefined));
  const files = fragments(whole, 'handlers_config_path', 'handlers');
  draft.leave(section?.settings.get('keys')?.line, LOGS);
  draft.note(
    ['handlers'],
    'Below "only" stands what Diamond published; without it, all that is collected is sent.',
  );
  const called = new Map<string, number>();
  const missing: string[] = [];
  for (const whole of classes) {
    const [name = '', module = ''] = whole.trim().split('.').reverse();
    const sender = SENDERS[name] ?? SENDERS[module];
    const layers = [within(section, name), files.get(name)];
    overridden(draft, layers);
    if (sender === undefined) {
      missing.push(name);
      const why = NOWHERE[name] ?? `there is no counterpart of ${name}: cullinan list`;
      draft.leave(
        layers.flatMap((layer) => [...linesOf(layer)]),
        why,
      );
      continue;
    }
    draft.carry([...headings(layers)]);
    const nth = (called.get(sender.handler) ?? 0) + 1;
    called.set(sender.handler, nth);
    const instance = nth === 1 ? sender.handler : `${sender.handler}-${nth}`;
    const at = ['handlers', instance];
    if (nth > 1) draft.set([...at, 'type'], sender.handler);
    spoken(draft, at, asked);
    const settings = new Settings(draft, [standard, ...layers]);
    sender.options(settings, at);
    settings.leave(
      'what goes wrong is said once, and again every ten minutes',
      'server_error_interval',
      'log_level',
    );
    settings.leave(
      'one loop feeds all handlers, and each has a queue of its own',
      'get_default_config_help',
    );
    routed(draft, at, asked);
  }
  if (setting !== undefined) {
    if (missing.length === 0) draft.carry(setting.line);
    else
      draft.leave(
        setting.line,
        `there is no counterpart of ${missing.join(', ')}; the others are carried over`,
      );
  }
  const named = new Set(classes.map((each) => each.trim().split('.').at(-1) ?? ''));
  for (const [name, unused] of [...(section?.sections ?? []), ...files]) {
    if (name === 'default' || named.has(name)) continue;
    // It was not in use.
    draft.carry([...linesOf(unused)]);
  }
  if (classes.length === 0 || !draft.has(['handlers'])) {
    draft.note(
      [],
      'No handler could be carried over: without one, cullinan shows the host on the terminal.',
    );
  }
}

/** How names are made: Diamond's, below its prefix. */
function spoken(
  draft: Draft,
  at: Path,
  { prefix, suffix, instancePrefix, dialect, lines }: Asked,
): void {
  const more = {
    ...(instancePrefix === undefined ? {} : { instancePrefix }),
    ...Object.fromEntries(dialect),
  };
  const plain = Object.keys(more).length === 0;
  draft.set([...at, 'dialect'], plain ? 'diamond' : { name: 'diamond', ...more });
  if (prefix !== undefined) draft.set([...at, 'prefix'], prefix);
  if (suffix !== undefined && suffix !== '') draft.set([...at, 'suffix'], suffix);
  draft.carry(lines);
}

/** What is sent: all that Diamond published, and nothing else. */
function routed(draft: Draft, at: Path, { only, except, relabel }: Asked): void {
  draft.set([...at, 'only'], only);
  if (except.length > 0) draft.set([...at, 'except'], except);
  if (relabel.length > 0) draft.set([...at, 'relabel'], relabel);
}
