import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Path, Value } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { likeness } from '../likeness.ts';
import { quoted } from '../patterns.ts';
import type { Asked, LogName } from './asked.ts';
import { Block, linesOf } from './block.ts';
import { type Filtered, filter } from './chains.ts';
import { OBSERVERS } from './observers.ts';
import { type Node, readCollectd } from './oconfig.ts';
import { placesOf } from './writers.ts';

/** collectd's default, in seconds. */
const INTERVAL = 10;

/** Moves a collectd's configuration over, with all that it includes. */
export const collectd: Importer = {
  name: 'collectd',
  title: 'collectd',
  takes: 'its collectd.conf',
  words: 1,
  draft([path = ''], draft) {
    const nodes = readCollectd(fileOf(path), draft);
    const block = new Block(draft, nodes);
    globals(block);
    const plugins = loaded(block);
    const asked = observe(block, plugins);
    const chains = ['PreCacheChain', 'PostCacheChain'].map((key) => {
      draft.carry(block.lines(key));
      return block.text(key) ?? key.replace('CacheChain', 'Cache');
    });
    write(block, plugins, asked, filter(draft, nodes, chains));
    rest(block, plugins);
  },
};

function fileOf(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, 'collectd.conf') : path;
  } catch {
    return path;
  }
}

const GLOBALS: Readonly<Record<string, string>> = {
  BaseDir: 'its state is below /var/lib/cullinan',
  PIDFile: 'systemd knows its process; there is no such file',
  PluginDir: 'plugins of collectd’s are not loaded',
  TypesDB: 'what a value is says the metric itself',
  Timeout: 'there are no notifications of values that are missing',
  MaxReadInterval: 'a collector that fails rests for 32 of its intervals, at most',
  ReadThreads: 'there are no threads to set',
  WriteThreads: 'there are no threads to set',
  WriteQueueLimitHigh: 'each handler has a queue of its own: queue.samples, 100000 by default',
  WriteQueueLimitLow: 'each handler has a queue of its own: queue.samples, 100000 by default',
};

function globals(block: Block): void {
  const { draft } = block;
  draft.set(['interval'], block.seconds('Interval') ?? `${INTERVAL}s`, block.lines('Interval'));
  const name = block.text('Hostname');
  if (name !== undefined) draft.set(['hostname', 'name'], name, block.lines('Hostname'));
  const asks = block.truth('FQDNLookup') !== false;
  draft.set(['hostname', 'method'], asks ? 'fqdn' : 'hostname', block.lines('FQDNLookup'));
  for (const [key, why] of Object.entries(GLOBALS)) block.leave(why, key);
  block.expect(
    'CollectInternalStats',
    block.truth('CollectInternalStats') === false,
    'collectors: { agent: { enabled: true } } has cullinan tell of itself',
  );
  block.draft.carry(block.lines('AutoLoadPlugin'));
}

interface Plugin {
  readonly block: Block;
  /** Seconds between two readings; `undefined` is the usual. */
  readonly interval: number | undefined;
}

/** The plugins that are loaded, each with what is configured of it. */
function loaded(block: Block): ReadonlyMap<string, Plugin> {
  const { draft } = block;
  const names = new Map<string, number | undefined>();
  for (const { values, children, line } of block.all('LoadPlugin')) {
    const own = new Block(draft, children ?? []);
    names.set((values[0] ?? '').toLowerCase(), own.number('Interval'));
    draft.carry([line, ...own.lines('Interval')]);
    own.leave('docs/delivery.md says when what waits is sent', 'FlushInterval', 'FlushTimeout');
    own.leave('plugins of collectd’s are not loaded', 'Globals');
  }
  const blocks = block.all('Plugin');
  const called = ({ values }: Node): string => (values[0] ?? '').toLowerCase();
  if (block.truth('AutoLoadPlugin') === true) {
    for (const node of blocks) if (!names.has(called(node))) names.set(called(node), undefined);
  }
  const found = new Map<string, Plugin>();
  for (const [name, interval] of names) {
    const own = blocks.filter((node) => called(node) === name);
    draft.carry(own.map(({ line }) => line));
    const children = own.flatMap((node) => node.children ?? []);
    found.set(name, { block: new Block(draft, children), interval });
  }
  for (const node of blocks.filter((each) => !names.has(called(each)))) {
    // collectd ignores it, too.
    draft.leave(
      [...linesOf(node)],
      `there is no LoadPlugin ${called(node)}: collectd ignores it, too`,
    );
  }
  return found;
}

function observe(top: Block, plugins: ReadonlyMap<string, Plugin>): Asked {
  const { draft } = top;
  const asked: Asked = { only: [], except: [], dialect: new Map(), names: [], instances: [] };
  draft.set(['collectors', 'default', 'enabled'], false);
  draft.note(
    ['collectors', 'default'],
    'Only what collectd read. `agent: { enabled: true }` has cullinan tell of itself, too.',
  );
  /** What is asked of a collector by each of the plugins that it stands for, in seconds. */
  const intervals = new Map<string, readonly number[]>();
  for (const [name, { block, interval }] of plugins) {
    const observer = OBSERVERS[name];
    if (observer === undefined) continue;
    const lines = top.all('LoadPlugin').filter((it) => it.values[0]?.toLowerCase() === name);
    for (const collector of observer.collectors) {
      const at = ['collectors', collector];
      draft.set(
        [...at, 'enabled'],
        true,
        lines.map(({ line }) => line),
      );
      const known = intervals.get(collector) ?? [];
      intervals.set(collector, [...known, interval ?? top.number('Interval') ?? INTERVAL]);
    }
    asked.only.push(...observer.only);
    const [plugin = name, ...options] = observer.dialect ?? [];
    for (const key of options) {
      const value = block.truth(key);
      if (value !== undefined) {
        const ours = `${key.slice(0, 1).toLowerCase()}${key.slice(1)}`;
        asked.dialect.set(plugin, { ...asked.dialect.get(plugin), [ours]: value });
      }
      block.expect(key, value !== undefined, 'it is true or false');
    }
    observer.options?.(block, asked);
    const seconds = interval ?? top.number('Interval') ?? INTERVAL;
    for (const instance of asked.instances.splice(0)) intervals.set(instance, [seconds]);
  }
  for (const [collector, each] of intervals) {
    const least = Math.min(...each);
    if (least === (top.number('Interval') ?? INTERVAL)) continue;
    draft.set(['collectors', collector, 'interval'], `${least}s`);
  }
  return asked;
}

function write(
  top: Block,
  plugins: ReadonlyMap<string, Plugin>,
  asked: Asked,
  { except, only: through }: Filtered,
): void {
  const { draft } = top;
  const called = new Map<string, number>();
  const only = narrowed([...new Set(asked.only)], through);
  const without = [...new Set([...asked.except, ...except])];
  draft.note(
    ['handlers'],
    'Below "only" stands what collectd published; without it, all that is collected is sent.',
  );
  for (const [name, { block }] of plugins) {
    for (const place of placesOf(name, block) ?? []) {
      const { handler, options } = place.writer;
      const nth = (called.get(handler) ?? 0) + 1;
      called.set(handler, nth);
      const at: Path = ['handlers', nth === 1 ? handler : `${handler}-${nth}`];
      if (nth > 1) draft.set([...at, 'type'], handler);
      const spoken = options(place.block, at);
      if (spoken !== undefined) {
        const more: Record<string, Value> = { ...spoken, ...Object.fromEntries(asked.dialect) };
        const plain = Object.keys(more).length === 0;
        draft.set([...at, 'dialect'], plain ? 'collectd' : { name: 'collectd', ...more });
      }
      for (const each of spoken === undefined ? [] : asked.names) {
        const { from, to, match } = renamed(each, spoken?.['separateInstances'] === true);
        draft.append([...at, 'relabel'], { match: [match], rename: { from, to } });
      }
      draft.set([...at, 'only'], only);
      if (without.length > 0) draft.set([...at, 'except'], without);
      if (spoken?.['useTags'] === true && (except.length > 0 || through !== undefined)) {
        draft.note(
          [...at, 'only'],
          'What chains stop goes by levels of paths: with tags it is sent.',
        );
      }
    }
  }
  if (called.size === 0) {
    draft.note(
      ['handlers'],
      'No writer could be carried over: without a handler, cullinan shows the host on the terminal.',
    );
  }
}

/** A rule that gives what a log came to the name that collectd has for it. */
function renamed({ inner, as, level, path }: LogName, separate: boolean) {
  const between = separate ? '.' : '-';
  const own = quoted(inner.slice(as.length + 1));
  const end = level === undefined ? '' : `[.]${quoted(level)}`;
  const words = path.filter((it) => it !== '').map((it) => it.replace(/[^\w-]/g, '_'));
  const [plugin = '', ...instance] = as.split('-');
  const whole = [plugin, ...(instance.length > 0 ? [instance.join('-')] : [])].join(between);
  return {
    match: `re:^${quoted(inner)}$`,
    from: `(^|[.])${quoted(as)}[.](?:gauge|derive|counter)[.-]${own}${end}(?=[.]value$|$)`,
    to: `$1${whole}.${words.join(between)}`,
  };
}

/** What is both published and let through. */
const narrowed = (only: readonly string[], through: readonly string[] | undefined): string[] =>
  only.flatMap((each) => (through === undefined ? [each] : through.map((it) => `${each} & ${it}`)));

const LEVELS: Readonly<Record<string, string>> = {
  ...{ debug: 'debug', info: 'info', notice: 'info', warning: 'warn', warn: 'warn', err: 'error' },
};

/** Why there is nothing for a plugin. */
const NOWHERE: Readonly<Record<string, string>> = {
  network: 'collectd’s binary protocol is not spoken; any other handler can take its place',
  csv: 'the handler file writes lines or JSON',
  rrdtool: 'there are no RRD files; Carbon, or rrdcached behind it, keeps them',
  rrdcached: 'there are no RRD files',
  python: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  perl: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  statsd: 'the collector push listens for it, under names of its own: cullinan describe push',
  tail_csv: 'the collector logs reads lines, with a parser of your own: docs/logs.md',
  threshold: 'there are no thresholds; let what stores the metrics raise alerts',
  unixsock: 'cullinan status, tap and top ask the running agent',
  aggregation: 'the dialect’s cpu: { reportByCpu: false } has all CPUs together; Graphite sums',
  syslog: 'the log goes to standard error: journald keeps it, log.level says how much',
  log_logstash: 'the log goes to standard error: journald keeps it, as JSON',
};

/** What neither reads nor writes here, or not all of it. */
function rest(top: Block, plugins: ReadonlyMap<string, Plugin>): void {
  const { draft } = top;
  for (const [name, { block }] of plugins) {
    if (name === 'logfile') logfile(block);
    const known = OBSERVERS[name] !== undefined || placesOf(name, block) !== undefined;
    if (known || name === 'logfile' || /^(match|target)_/.test(name)) {
      for (const node of block.nodes) {
        for (const line of linesOf(node)) {
          if (!draft.answered(line))
            draft.leave(
              line,
              `there is no such option here: cullinan describe ${OBSERVERS[name]?.collectors[0] ?? 'collectd'}`,
            );
        }
      }
      continue;
    }
    const why =
      NOWHERE[name] ??
      likeness(name) ??
      `there is no counterpart of ${name} yet: let collectd run for it alone`;
    const lines = [...top.all('LoadPlugin'), ...top.all('Plugin')].filter(
      ({ values }) => values[0]?.toLowerCase() === name,
    );
    for (const node of lines) draft.leave([...linesOf(node)], why);
  }
}

function logfile(block: Block): void {
  const level = LEVELS[block.text('LogLevel')?.toLowerCase() ?? ''];
  block.put(['log', 'level'], 'LogLevel', level);
  const journal = 'the log goes to standard error: journald keeps it';
  block.leave(journal, 'File', 'Timestamp', 'PrintSeverity');
}
