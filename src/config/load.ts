import type { Collector, Handler, z } from '../plugin/index.ts';
import { check } from './check.ts';
import type { CollectorConfig, Config, HandlerConfig, Registry } from './config.ts';
import { fingerprintOf, meantBy } from './fingerprint.ts';
import { HINTS, type Instance, instancesOf, mapOf, SECTIONS, split } from './instances.ts';
import type { Checked } from './issue.ts';
import { ConfigError, type Place, type Problem, problemAt } from './problem.ts';
import { DEFAULT_PATH, type Files, readFiles } from './read.ts';
import { collectorDefaults, collectorKeys, globals, handlerKeys, listenAddress } from './schema.ts';
import { substitute } from './secrets.ts';
import { queueOf, sharedSpools } from './spools.ts';
import { didYouMean } from './suggest.ts';
import { emptyMap, isNothing, type MapNode, treeOfValue } from './tree.ts';

const NEW_SERIES_PER_HOUR = 50_000;
const LONGEST_TIMEOUT = 30;
const LONGEST_STAGGER = 1;

/**
 * Reads, checks and completes the configuration.
 *
 * @param o.path a file named by the user, which must exist. Without it `o.defaultPath`
 *   is read if there is one; `conf.d/*.yaml` beside either, always.
 * @param o.files whether files are read at all; `false` leaves only what holds without any.
 * @param o.defaultPath {@link DEFAULT_PATH} unless said.
 * @param o.environment where `${NAME}` and `$CREDENTIALS_DIRECTORY` are looked up.
 * @param o.defaultHandlers what stands in for `handlers` where the files name none.
 * @param o.consequence the sentence that ends an error's text; `Nothing was started.` unless said.
 * @param o.asked names of collectors that somebody asks for here and now: they are on, whatever is written.
 * @throws {@link ConfigError} with everything that is wrong, not only the first of it.
 */
export function loadConfig(o: {
  readonly files?: boolean;
  readonly path?: string | undefined;
  readonly defaultPath?: string | undefined;
  readonly registry: Registry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly defaultHandlers: Readonly<Record<string, unknown>>;
  readonly consequence?: string | undefined;
  readonly asked?: readonly string[] | undefined;
}): Config {
  const files =
    o.files === false
      ? NO_FILES
      : readFiles(o.path ?? o.defaultPath ?? DEFAULT_PATH, { mayBeAbsent: o.path === undefined });
  if (!files.readable) throw new ConfigError(files.problems, o.consequence);

  const secrets = new Set<string>();
  const tree = substitute(files.tree, o.environment, secrets);
  const loader = new Loader(o.registry, secrets, [...files.problems], o.asked);
  const agent = loader.agent(tree);
  const named = loader.section(tree, 'handlers');
  const standIn = treeOfValue(o.defaultHandlers);
  const handlers = named.entries.size === 0 && standIn.kind === 'map' ? standIn : named;
  const collected = loader.collectors(loader.section(tree, 'collectors'), agent?.interval ?? 10);
  const sent = loader.handlers(handlers, agent?.interval ?? 10);
  if (agent === undefined || loader.problems.length > 0) {
    throw new ConfigError(loader.problems, o.consequence);
  }
  const { hostname, labels, host } = agent;
  return {
    interval: agent.interval,
    hostname: { method: hostname.method, name: hostname.name },
    labels,
    host,
    log: agent.log,
    shutdown: agent.shutdown,
    status: { enabled: agent.status.enabled, socket: agent.status.socket },
    health: { listen: listenAddress(agent.health.listen ?? '') },
    collectors: collected,
    handlers: sent,
    files: files.paths,
    fingerprint: fingerprintOf({ hostname, labels, host }),
    secrets,
  };
}

/** How deep in options a parser may stand. */
const DEPTH = 5;

/** The parsers that options have chosen. */
function parsersIn(options: unknown, depth = DEPTH): object[] {
  if (typeof options !== 'object' || options === null || depth === 0) return [];
  const { parser } = options as { parser?: unknown };
  const own = typeof parser === 'object' && parser !== null && 'open' in parser ? [parser] : [];
  return [...own, ...Object.values(options).flatMap((each) => parsersIn(each, depth - 1))];
}

/** What is written of a dialect: its name among the handler's other keys, and its own options. */
interface Spoken {
  readonly common: MapNode;
  readonly own: MapNode | undefined;
  readonly key: Place | undefined;
}

const NO_FILES: Files = { tree: emptyMap(), paths: [], problems: [], readable: true };

const keysOf = ({ shape }: { readonly shape: object }): string[] => Object.keys(shape);

class Loader {
  readonly problems: Problem[];
  readonly #registry: Registry;
  readonly #secrets: ReadonlySet<string>;
  readonly #asked: readonly string[];

  constructor(
    registry: Registry,
    secrets: ReadonlySet<string>,
    problems: Problem[],
    asked: readonly string[] = [],
  ) {
    this.#registry = registry;
    this.#secrets = secrets;
    this.problems = problems;
    this.#asked = asked;
  }

  agent(tree: MapNode): z.output<typeof globals> | undefined {
    const [, rest] = split(tree, SECTIONS);
    const known = keysOf(globals);
    const plugins = [...this.#registry.collectors.keys(), ...this.#registry.handlers.keys()];
    const [misplaced, own] = split(
      rest,
      plugins.filter((name) => !known.includes(name)),
    );
    for (const [name, { key }] of misplaced.entries) {
      const section = this.#registry.collectors.has(name) ? 'collectors' : 'handlers';
      const remedy = `put it under "${section}:"`;
      this.#blame(key, { message: `unknown option "${name}"`, remedy, hint: HINTS.agent });
    }
    const result = check(globals, this.#checked(own, [], HINTS.agent, undefined, SECTIONS));
    if (result.ok) return result.value;
    this.problems.push(...result.problems, ...result.missing);
    return undefined;
  }

  section(tree: MapNode, name: (typeof SECTIONS)[number]): MapNode {
    const entry = tree.entries.get(name);
    return entry === undefined ? emptyMap() : mapOf(entry, [name], HINTS[name], this.problems);
  }

  collectors(section: MapNode, interval: number): CollectorConfig[] {
    const [defaults, named] = split(section, ['default']);
    const entry = defaults.entries.get('default');
    const where = ['collectors', 'default'];
    const map = entry && mapOf(entry, where, HINTS.collectors, this.problems);
    const checked = map && this.#checked(map, where, HINTS.collectors, entry.key);
    const standard = checked && this.#take(check(collectorDefaults, checked))?.value;

    const keys = keysOf(collectorKeys);
    const instances = instancesOf('collectors', named, keys, this.#registry, this.problems);
    for (const [name, plugin] of this.#registry.collectors) {
      const unnamed = { common: emptyMap(), own: emptyMap(), key: undefined };
      if (!named.entries.has(name)) {
        instances.push({ name, plugin, where: ['collectors', name], ...unnamed });
      }
    }
    const usual = { ...standard, interval: standard?.interval ?? interval };
    const configs = instances.flatMap((instance) => {
      const mentioned = named.entries.has(instance.name);
      return this.#collector(instance, usual, mentioned) ?? [];
    });
    // The agent last: it reports on what the others have just done.
    const place = ({ collector, instance }: CollectorConfig): string =>
      `${collector.name === 'agent' ? 1 : 0}${instance}`;
    return configs.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  }

  #collector(
    { name, plugin, common, own, where, key }: Instance<Collector>,
    standard: z.output<typeof collectorDefaults> & { interval: number },
    mentioned: boolean,
  ): CollectorConfig | undefined {
    const enabled =
      this.#asked.includes(name) ||
      (switchOf(common) ?? standard.enabled ?? (mentioned || plugin.enabled !== false));
    // What nobody speaks of is not even looked at: to know its options it would have to be loaded.
    if (!mentioned && !enabled) return undefined;
    const hint = `Options: cullinan describe ${plugin.name}`;
    const keys = check(collectorKeys, this.#checked(common, where, hint, key));
    const given = this.#take(keys, enabled)?.value ?? {};
    const checked = this.#checked(own, where, hint, key, keysOf(collectorKeys));
    const options = this.#take(check(plugin.options, checked), enabled);
    if (!enabled || !options) return undefined;

    const interval = given.interval ?? standard.interval;
    const usual =
      standard.stagger === undefined
        ? Math.min(interval / 10, LONGEST_STAGGER)
        : Math.min(interval, standard.stagger);
    const stagger = given.stagger ?? usual;
    if (stagger > interval) {
      this.#blame(common.entries.get('stagger')?.value.place, {
        message: `${where.join('.')}.stagger must not exceed the interval`,
        remedy: 'leave it out: a tenth of the interval, at most 1s, will do',
        hint,
      });
    }
    const timeout = given.timeout ?? standard.timeout ?? Math.min(interval / 2, LONGEST_TIMEOUT);
    const newSeriesPerHour =
      given.newSeriesPerHour ?? standard.newSeriesPerHour ?? NEW_SERIES_PER_HOUR;
    const facts = { interval, timeout, stagger, newSeriesPerHour };
    return {
      instance: name,
      collector: plugin,
      options: options.value,
      ...facts,
      meant: meantBy(plugin.options, options.input),
      fingerprint: fingerprintOf(
        {
          plugin: plugin.name,
          revision: this.#registry.revision?.(plugin),
          parsers: parsersIn(options.value).map((it) => this.#registry.revision?.(it)),
          ...facts,
        },
        { options: plugin.options, input: options.input },
      ),
    };
  }

  handlers(section: MapNode, interval: number): HandlerConfig[] {
    const keys = keysOf(handlerKeys);
    const instances = instancesOf('handlers', section, keys, this.#registry, this.problems);
    const handlers = instances.flatMap((each) => this.#handler(each, interval) ?? []);
    for (const { instance, message, remedy } of sharedSpools(handlers)) {
      this.#blame(section.entries.get(instance)?.key, { message, remedy, hint: HINTS.handlers });
    }
    return handlers;
  }

  #handler(
    { name, plugin, common, own, where, key }: Instance<Handler>,
    interval: number,
  ): HandlerConfig | undefined {
    const hint = `Options: cullinan describe ${plugin.name}`;
    const spoken = this.#spoken(common, where, hint);
    const keys = check(handlerKeys, this.#checked(spoken.common, where, hint, key));
    const enabled = switchOf(common) ?? true;
    const given = this.#take(keys, enabled)?.value;
    const checked = this.#checked(own, where, hint, key, keysOf(handlerKeys));
    const options = this.#take(check(plugin.options, checked), enabled);
    if (!given || !enabled) return undefined;

    const dialect = given.dialect ?? plugin.dialect;
    const chosen = this.#dialect(dialect, spoken, { where, hint, key });
    if (!options || !chosen) return undefined;
    const facts = {
      dialect,
      dialectOptions: chosen.value,
      prefix: given.prefix,
      suffix: given.suffix,
      tags: given.tags,
      counters: given.counters ?? plugin.counters,
      only: given.only,
      except: given.except,
      relabel: given.relabel,
      interval: given.interval,
      reduce: given.reduce,
      queue: queueOf(name, given.queue),
      // A batch that the queue cannot hold would never fill.
      batch: Math.min(given.batch, given.queue.samples),
      linger: given.linger,
      timeout: given.timeout,
      backoff: given.backoff,
      resend: given.resend,
    };
    const resend = plugin.idempotent ? (given.resend ?? 2 * interval) : 0;
    return {
      instance: name,
      handler: plugin,
      options: options.value,
      ...facts,
      fingerprint: fingerprintOf(
        { plugin: plugin.name, revision: this.#registry.revision?.(plugin), ...facts, resend },
        { options: plugin.options, input: options.input },
        chosen.options && { options: chosen.options, input: chosen.input },
      ),
    };
  }

  /** `dialect: { name: …, … }` as `dialect: name`, and the rest of its map. */
  #spoken(common: MapNode, where: readonly string[], hint: string): Spoken {
    const entry = common.entries.get('dialect');
    if (entry?.value.kind !== 'map') return { common, own: undefined, key: undefined };
    const [named, own] = split(entry.value, ['name']);
    const entries = new Map(common.entries);
    const name = named.entries.get('name');
    if (name === undefined || isNothing(name.value)) {
      entries.delete('dialect');
      this.#blame(entry.key ?? entry.value.place, {
        message: `${where.join('.')}.dialect needs the option "name"`,
        remedy: 'add "name: …" (The dialect itself)',
        hint,
      });
      return { common: { ...common, entries }, own: undefined, key: undefined };
    }
    entries.set('dialect', { key: entry.key, value: name.value });
    return { common: { ...common, entries }, own, key: entry.key };
  }

  /** The options of a dialect, checked; `undefined` where there is no such dialect or they are wrong. */
  #dialect(
    name: string,
    { common, own, key }: Spoken,
    at: Pick<Instance<Handler>, 'where' | 'key'> & { readonly hint: string },
  ):
    | { readonly value: unknown; readonly options?: z.ZodType; readonly input?: unknown }
    | undefined {
    const { dialects } = this.#registry;
    const where = [...at.where, 'dialect'];
    const dialect = dialects.get(name);
    if (dialect === undefined) {
      const node = common.entries.get('dialect')?.value;
      const said = node?.kind === 'scalar' ? node.written : name;
      const names = [...dialects.keys()];
      this.#blame(node?.place ?? at.key, {
        message: `unknown dialect "${said}" in ${at.where.join('.')}`,
        remedy: didYouMean(said, names) ?? `it can be ${names.join(', ')}`,
        hint: at.hint,
      });
      return undefined;
    }
    const { options } = dialect;
    const hint = `Options: cullinan describe ${name}`;
    if (options === undefined) {
      for (const [option, entry] of own?.entries ?? []) {
        const message = `unknown option "${option}" in ${where.join('.')}`;
        const remedy = `leave it out: the dialect ${name} has no options`;
        this.#blame(entry.key, { message, remedy, hint });
      }
      return { value: undefined };
    }
    const checked = this.#checked(own ?? emptyMap(), where, hint, key, ['name']);
    const result = this.#take(check(options, checked));
    return result && { value: result.value, options, input: result.input };
  }

  #checked(
    node: MapNode,
    where: readonly string[],
    hint: string,
    key?: Place,
    siblings: readonly string[] = [],
  ): Checked {
    return { node, where, hint, key, siblings, secrets: this.#secrets };
  }

  /** A result that is good; of one that is not, the problems. What is switched off needs not be complete. */
  #take<T>(result: ReturnType<typeof check<T>>, complete = true) {
    if (result.ok) return result;
    this.problems.push(...result.problems, ...(complete ? result.missing : []));
    return undefined;
  }

  #blame(place: Place | undefined, finding: Parameters<typeof problemAt>[1]): void {
    this.problems.push(problemAt(place, finding));
  }
}

/** Whether a plugin is switched on or off in so many words. Anything else is an error elsewhere. */
function switchOf(common: MapNode): boolean | undefined {
  const node = common.entries.get('enabled')?.value;
  if (node?.kind !== 'scalar' || node.value === null) return undefined;
  return String(node.value) !== 'false';
}
