import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { registry } from '../../agent/index.ts';
import type { Draft } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { isFolder, readInput } from '../input.ts';
import { InputError } from '../problem.ts';
import { choose } from './choose.ts';
import { inputs } from './observing.ts';
import { NAMES } from './output-options.ts';
import { NO_OUTPUT, OUTPUTS } from './outputs.ts';
import { durationOf, flattened, Plugin, secondsOf, verbatim } from './plugin.ts';
import { isSetting, readToml } from './toml.ts';

/** Files of one folder. */
const MOST_FILES = 1000;

/** Telegraf's configuration: its inputs of the host as collectors, its outputs as handlers. */
export const telegraf: Importer = {
  name: 'telegraf',
  title: 'Telegraf',
  takes: '/etc/telegraf, or files of it',
  draft(words, draft) {
    draft.note(
      [],
      'Names are not Telegraf’s: what was cpu.usage_idle is system.cpu.… here, in whatever dialect a handler has. ' +
        'cullinan diff-names tells which stay, go and come.',
    );
    const plugins = new Map<string, Plugin>();
    for (const file of words.flatMap(filesOf)) readFile(draft, file, plugins);
    translate(draft, [...plugins.values()]);
  },
};

/** A file, or those that Telegraf reads of a folder. */
function filesOf(path: string): readonly string[] {
  if (!isFolder(path)) return [path];
  const files: string[] = [];
  const main = join(path, 'telegraf.conf');
  if (existsSync(main)) files.push(main);
  const folder = existsSync(join(path, 'telegraf.d')) ? join(path, 'telegraf.d') : path;
  for (const name of readdirSync(folder).sort()) {
    const file = join(folder, name);
    if (name.endsWith('.conf') && file !== main) files.push(file);
  }
  if (files.length > MOST_FILES) {
    throw new InputError({ file: folder }, `more than ${MOST_FILES} files are in it`);
  }
  return files.length === 0 ? [main] : files;
}

function readFile(draft: Draft, file: string, plugins: Map<string, Plugin>): void {
  for (const it of readToml(file, readInput(file))) {
    const line = draft.line(file, it.line, it.text);
    const [kind = '', name = ''] = it.path;
    const single = ['agent', 'global_tags', 'tags'].includes(kind);
    const key = single ? kind : JSON.stringify([file, kind, name, it.index]);
    let plugin = plugins.get(key);
    if (plugin === undefined) {
      plugin = new Plugin(draft, kind, single ? '' : name, isSetting(it) ? undefined : line);
      plugins.set(key, plugin);
    }
    if (isSetting(it)) {
      const own = it.path.slice(single ? 1 : 2).join('.');
      // An inline table is one line, whose settings are told of together.
      for (const [each, value] of flattened(own, it.value)) plugin.give(each, { value, line });
    } else if (single || it.path.length > 2) draft.carry(line);
  }
}

/** What agents have by default: it goes into every handler that says nothing else. */
interface Defaults {
  readonly agent: Plugin | undefined;
}

function translate(draft: Draft, plugins: readonly Plugin[]): void {
  const of = (kind: string) => plugins.filter((it) => it.kind === kind);
  const [agent] = of('agent');
  const handlers = outputs(draft, of('outputs'), { agent }, of('inputs'));
  if (agent !== undefined) agentOptions(draft, agent, handlers);
  for (const it of [...of('global_tags'), ...of('tags')]) {
    for (const key of it.keys()) {
      const text = it.text(key);
      if (text === undefined) it.leave('a label is a text', key);
      else draft.set(['labels', key], verbatim(text), it.lines(key));
    }
  }
  inputs(draft, of('inputs'), handlers);
  for (const it of plugins) {
    if (['agent', 'global_tags', 'tags', 'inputs', 'outputs'].includes(it.kind)) continue;
    it.leaveRest(OTHERS[it.kind] ?? 'cullinan has nothing of the kind');
  }
  for (const it of plugins) it.tellDefaults();
}

const OTHERS: Readonly<Record<string, string>> = {
  processors: 'cullinan has no processors: relabel of a handler renames, drops, scales and labels',
  aggregators:
    'cullinan aggregates nothing but what interval and reduce of a handler say: do it where points are kept',
  secretstores:
    'secrets come from files, credentials of systemd and the environment: docs/reference/configuration.md',
};

function agentOptions(draft: Draft, it: Plugin, handlers: readonly string[]): void {
  it.copy('interval', ['interval'], it.duration);
  const says = (key: string, value: unknown): boolean => it.given(key)?.value === value;
  if (says('round_interval', true)) it.carry('round_interval');
  it.leave('collections always fall on multiples of the interval', 'round_interval');
  const jitter = it.duration('collection_jitter');
  if (jitter === '0s') it.carry('collection_jitter');
  else it.copy('collection_jitter', ['collectors', 'default', 'stagger'], it.duration);
  for (const key of ['flush_jitter', 'collection_offset']) {
    if (it.duration(key) === '0s') it.carry(key);
    else it.leave('each host begins at a moment of its own anyway: stagger', key);
  }
  const seconds = secondsOf(it.given('flush_interval')?.value);
  const interval = secondsOf(it.given('interval')?.value) ?? 10;
  if (seconds !== undefined && seconds <= interval) it.carry('flush_interval');
  else if (handlers.length === 0)
    it.leave('there is no handler that it could be for', 'flush_interval');
  for (const [key, path] of [
    ['metric_batch_size', ['batch']],
    ['metric_buffer_limit', ['queue', 'samples']],
  ] as const) {
    if (it.given(key) !== undefined && handlers.length === 0)
      it.leave('there is no handler that it could be for', key);
    if (it.number(key) === undefined) it.leave('it is no whole number', key);
    for (const handler of handlers) {
      const at = ['handlers', handler, ...path];
      if (!draft.has(at) && it.number(key) !== undefined) it.copy(key, at, it.number);
      else it.carry(key);
    }
  }
  if (says('precision', '') || says('precision', '0s') || says('precision', '1s'))
    it.carry('precision');
  it.leave('a sample has the time of its tick', 'precision');
  if (it.flag('quiet') === true) draft.set(['log', 'level'], 'error', it.lines('quiet'));
  else if (says('quiet', false)) it.carry('quiet');
  if (it.flag('debug') === true) draft.set(['log', 'level'], 'debug', it.lines('debug'));
  else if (says('debug', false)) it.carry('debug');
  for (const key of it.keys().filter((each) => /^log(?:file|target|format|_)/.test(each))) {
    if (says(key, '')) it.carry(key);
    else
      it.leave('the log goes to standard error: journald keeps it, log.level says how much', key);
  }
  const omit = it.flag('omit_hostname') === true;
  if (omit) {
    const comment = 'Paths have no host; where there are labels, host stays one of them.';
    draft.set(['hostname', 'method'], 'none', it.lines('omit_hostname'), comment);
  } else if (says('omit_hostname', false)) it.carry('omit_hostname');
  if (says('hostname', '') || omit) it.carry('hostname');
  else it.copy('hostname', ['hostname', 'name'], it.text);
  const spooled = handlers.filter((handler) => !LOCAL.has(typeOf(draft, handler)));
  if (it.text('buffer_strategy') === 'disk' && spooled.length > 0) {
    for (const handler of spooled) {
      const size = ['handlers', handler, 'queue', 'spool', 'size'];
      draft.set(size, '256MiB', it.lines('buffer_strategy'), 'Telegraf has no bound here.');
    }
  } else if (it.text('buffer_strategy') === 'memory') it.carry('buffer_strategy');
  it.leave(
    'it is /var/lib/cullinan/spool, or queue.spool.path of each handler',
    'buffer_directory',
  );
  it.leave('states are kept below /var/lib/cullinan', 'statefile');
  it.leave('labels are never filtered', 'always_include_local_tags', 'always_include_global_tags');
  it.leaveRest('cullinan has nothing of the kind');
}

/** Handlers from which nothing goes over a network: they need no spool, and no batch to wait for. */
const LOCAL: ReadonlySet<string> = new Set(['console', 'file', 'prometheus']);

function typeOf(draft: Draft, handler: string): string {
  const type = draft.get(['handlers', handler, 'type']);
  return typeof type === 'string' ? type : handler;
}

/** @returns the handlers that were made. */
function outputs(
  draft: Draft,
  plugins: readonly Plugin[],
  { agent }: Defaults,
  sources: readonly Plugin[],
): readonly string[] {
  const made: string[] = [];
  const interval = secondsOf(agent?.given('interval')?.value) ?? 10;
  for (const it of plugins) {
    if (it.name === 'discard') {
      draft.carry(it.header);
      it.leaveRest('nothing is sent, and nothing has to be said of it');
      continue;
    }
    const files = it.name === 'file' ? fileHandlers(draft, it) : undefined;
    const sender = OUTPUTS[it.name];
    if (files === undefined && (sender === undefined || !Object.hasOwn(OUTPUTS, it.name))) {
      const why = Object.hasOwn(NO_OUTPUT, it.name) ? NO_OUTPUT[it.name] : undefined;
      it.leaveRest(
        why ?? `cullinan has no handler for ${it.name}: cullinan list shows its handlers`,
      );
      continue;
    }
    const names = files ?? [freeName(draft, it.text('alias'), sender?.handler ?? '')];
    for (const name of names) {
      const at = ['handlers', name];
      if (files === undefined && sender !== undefined) {
        if (name !== sender.handler) draft.set([...at, 'type'], sender.handler);
        if (!sender.take(it, at)) {
          it.leaveRest('it could not be carried over');
          draft.drop(at, 'what it belongs to could not be carried over');
          continue;
        }
        it.carry('alias');
      }
      made.push(name);
      common(draft, it, at, interval, agent, sources);
    }
    it.leaveRest('cullinan has nothing of the kind');
  }
  return made;
}

function freeName(draft: Draft, alias: string | undefined, handler: string): string {
  const wanted = alias !== undefined && /^[A-Za-z][\w-]*$/.test(alias) ? alias : handler;
  // A name of another type would be taken for it.
  const usable = wanted === handler || !registry.handlers.has(wanted) ? wanted : handler;
  let name = usable;
  for (let i = 2; draft.has(['handlers', name]); i += 1) name = `${usable}-${i}`;
  return name;
}

/** A file each; `stdout` is the console. */
function fileHandlers(draft: Draft, it: Plugin): readonly string[] | undefined {
  const files = it.list('files') ?? ['stdout'];
  const format = it.text('data_format') ?? 'influx';
  if (!['json', 'graphite'].includes(format)) {
    it.leaveRest(`its data_format is ${format}; files are written as Graphite’s lines or as JSON`);
    return [];
  }
  const lines = [
    ...it.lines('files', 'data_format'),
    ...(it.header === undefined ? [] : [it.header]),
  ];
  const made = files.map((path) => {
    const console = path === 'stdout';
    const name = freeName(draft, undefined, console ? 'console' : 'file');
    const at = ['handlers', name];
    if (!['console', 'file'].includes(name))
      draft.set([...at, 'type'], console ? 'console' : 'file');
    if (!console) draft.set([...at, 'path'], verbatim(path), lines);
    draft.set([...at, 'format'], format === 'json' ? 'json' : console ? 'path' : 'archive', lines);
    if (
      !console &&
      it.given('rotation_max_archives') !== undefined &&
      (it.number('rotation_max_archives') ?? -1) >= 0
    )
      it.copy('rotation_max_archives', [...at, 'keep'], it.number);
    return name;
  });
  if (secondsOf(it.given('rotation_interval')?.value) === 86_400) it.carry('rotation_interval');
  it.leave('rotate says when: at midnight, or by size', 'rotation_interval', 'rotation_max_size');
  it.leave(NAMES, 'template', 'prefix');
  it.carry('alias');
  return made;
}

function common(
  draft: Draft,
  it: Plugin,
  at: readonly string[],
  interval: number,
  agent: Plugin | undefined,
  sources: readonly Plugin[],
): void {
  it.copy('metric_batch_size', [...at, 'batch'], it.number);
  it.copy('metric_buffer_limit', [...at, 'queue', 'samples'], it.number);
  const own = it.given('flush_interval');
  const flush = own ?? agent?.given('flush_interval');
  const seconds = secondsOf(flush?.value);
  const waits = !LOCAL.has(typeOf(draft, at.at(-1) ?? ''));
  if (waits && flush !== undefined && seconds !== undefined && seconds > interval)
    draft.set(
      [...at, 'linger'],
      durationOf(flush.value) ?? '0s',
      flush.line,
      'A batch may wait so long for more.',
    );
  else if (own !== undefined) it.carry('flush_interval');
  if (it.duration('flush_jitter') === '0s') it.carry('flush_jitter');
  it.leave(NAMES, 'name_override', 'name_prefix', 'name_suffix');
  choose(draft, it, at, 'namepass', 'only', sources);
  choose(draft, it, at, 'namedrop', 'except', sources);
  const others = it
    .keys()
    .filter((key) =>
      /^(?:tagpass|tagdrop|tag(?:include|exclude)|field|metricpass|name(?:pass|drop)_)/.test(key),
    );
  it.leave(
    'fields and tags have other names here: only, except and relabel choose by names and labels',
    ...others,
  );
}
