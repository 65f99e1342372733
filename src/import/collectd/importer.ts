import type { Path, Value } from '../draft.ts';
import type { Importer } from '../importer.ts';
import { fileIn } from '../input.ts';
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
    const nodes = readCollectd(fileIn(path, 'collectd.conf'), draft);
    const block = new Block(draft, nodes);
    globals(block);
    const plugins = loaded(block);
    const asked = observe(block, plugins);
    types(block, asked);
    const chains = ['PreCacheChain', 'PostCacheChain'].map((key) => {
      draft.carry(block.lines(key));
      return block.text(key) ?? key.replace('CacheChain', 'Cache');
    });
    write(block, plugins, asked, filter(draft, nodes, chains));
    rest(block, plugins);
  },
};

const GLOBALS: Readonly<Record<string, string>> = {
  BaseDir: 'its state is below /var/lib/cullinan',
  PIDFile: 'systemd knows its process; there is no such file',
  PluginDir: 'plugins of collectd’s are not loaded',
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
  const asked: Asked = {
    only: [],
    except: [],
    dialect: new Map(),
    names: [],
    renames: [],
    instances: [],
    typed: [],
  };
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
    if (least === (top.number('Interval') ?? INTERVAL) || !draft.has(['collectors', collector]))
      continue;
    draft.set(['collectors', collector, 'interval'], `${least}s`);
  }
  return asked;
}

/** Types of collectd's, for collectors that read what other programs say in its form. */
function types(top: Block, { typed }: Asked): void {
  const { draft } = top;
  const files = top.all('TypesDB').flatMap(({ values }) => values);
  if (files.length === 0) return;
  for (const collector of typed)
    draft.set(['collectors', collector, 'types'], files, top.lines('TypesDB'));
  if (typed.length === 0) top.leave('what a value is says the metric itself', 'TypesDB');
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
      for (const { match, from, to } of spoken === undefined ? [] : asked.renames) {
        const [plugin, instance, type] = to;
        const between = spoken?.['separateInstances'] === true ? '.' : '-';
        const whole = instance === '' ? plugin : `${plugin}${between}${instance}`;
        const rename = { from: `(^|[.])${from}(?=[.]value$|$)`, to: `$1${whole}.${type}` };
        draft.append([...at, 'relabel'], { match: [match], rename });
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

const PAGES =
  'the collector http checks pages, and reads no numbers in them: exec runs a program that does (docs/exec.md)';

/** Why there is nothing for a plugin. */
const NOWHERE: Readonly<Record<string, string>> = {
  network: 'collectd’s binary protocol is not spoken; any other handler can take its place',
  csv: 'the handler file writes lines or JSON',
  rrdtool: 'there are no RRD files; Carbon, or rrdcached behind it, keeps them',
  rrdcached: 'there are no RRD files',
  python: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  perl: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  lua: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  java: 'a collector of your own takes its place, in /etc/cullinan/plugins',
  tail_csv: 'the collector logs reads lines, with a parser of your own: docs/logs.md',
  threshold: 'there are no thresholds; let what stores the metrics raise alerts',
  hddtemp:
    'the collector smart tells of the temperature of disks, and so does the collector sensors',
  curl_json: PAGES,
  curl_xml: PAGES,
  aggregation: 'the dialect’s cpu: { reportByCpu: false } has all CPUs together; Graphite sums',
  gmond: 'the handler ganglia hears its cluster, with gossip: docs/handlers/ganglia.md',
  write_log: 'the handler console prints what is sent, and cullinan tap what passes',
  write_influxdb_udp: 'the handler http sends InfluxDB its lines, over HTTP: format: influx',
  uuid: 'the host is called as hostname says',
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
      NOWHERE[name] ?? `there is no counterpart of ${name} yet: let collectd run for it alone`;
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
