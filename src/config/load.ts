import type { Collector, Handler, z } from '../plugin/index.ts';
import type { CollectorConfig, Config, HandlerConfig, Registry } from './config.ts';
import { dialectOptions, spokenIn } from './dialects.ts';
import { createExamination, type Examination } from './examination.ts';
import { fingerprintOf, meantBy } from './fingerprint.ts';
import { HINTS, type Instance, instancesOf, mapOf, SECTIONS, split } from './instances.ts';
import { ConfigError } from './problem.ts';
import { type Files, readFiles } from './read.ts';
import { collectorDefaults, collectorKeys, globals, handlerKeys, listenAddress } from './schema.ts';
import { substitute } from './secrets.ts';
import { queueOf, sharedSpools } from './spools.ts';
import { emptyMap, type MapNode, treeOfValue } from './tree.ts';

const NEW_SERIES_PER_HOUR = 50_000;
const LONGEST_TIMEOUT = 30;
const LONGEST_STAGGER = 1;

/**
 * Reads, checks and completes the configuration.
 *
 * @param o.path a file named by the user, which must exist. Without it `o.defaultPath`
 *   is read if there is one; `conf.d/*.yaml` beside either, always.
 * @param o.files what {@link readEarly} has read, in place of reading it once more; `false` leaves only what holds
 *   without any file.
 * @param o.defaultPath `/etc/cullinan/cullinan.yaml` unless said.
 * @param o.environment where `${NAME}` and `$CREDENTIALS_DIRECTORY` are looked up.
 * @param o.defaultHandlers what stands in for `handlers` where the files name none.
 * @param o.consequence the sentence that ends an error's text; `Nothing was started.` unless said.
 * @param o.asked names of collectors that somebody asks for here and now: they are on, whatever is written.
 * @throws {@link ConfigError} with everything that is wrong, not only the first of it.
 */
export function loadConfig(o: {
  readonly files?: Files | false | undefined;
  readonly path?: string | undefined;
  readonly defaultPath?: string | undefined;
  readonly registry: Registry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly defaultHandlers: Readonly<Record<string, unknown>>;
  readonly consequence?: string | undefined;
  readonly asked?: readonly string[] | undefined;
}): Config {
  const files = o.files === false ? NO_FILES : (o.files ?? readFiles(o));
  if (!files.readable) throw new ConfigError(files.problems, o.consequence);

  const secrets = new Set<string>();
  const tree = substitute(files.tree, o.environment, secrets);
  const examination = createExamination(files.problems, secrets);
  const loader = new Loader(o.registry, examination, o.asked);
  const agent = loader.agent(tree);
  const named = loader.section(tree, 'handlers');
  const standIn = treeOfValue(o.defaultHandlers);
  const handlers = named.entries.size === 0 && standIn.kind === 'map' ? standIn : named;
  const collected = loader.collectors(loader.section(tree, 'collectors'), agent?.interval ?? 10);
  const sent = loader.handlers(handlers, agent?.interval ?? 10);
  if (agent === undefined || examination.problems.length > 0) {
    throw new ConfigError(examination.problems, o.consequence);
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

const NO_FILES: Files = { tree: emptyMap(), paths: [], problems: [], readable: true };

const keysOf = ({ shape }: { readonly shape: object }): string[] => Object.keys(shape);

class Loader {
  readonly #registry: Registry;
  readonly #examination: Examination;
  readonly #asked: readonly string[];

  constructor(registry: Registry, examination: Examination, asked: readonly string[] = []) {
    this.#registry = registry;
    this.#examination = examination;
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
      const message = `unknown option "${name}"`;
      this.#examination.blame(key, { message, remedy, hint: HINTS.agent });
    }
    const at = { where: [], hint: HINTS.agent, siblings: SECTIONS };
    return this.#examination.check(globals, own, at)?.value;
  }

  section(tree: MapNode, name: (typeof SECTIONS)[number]): MapNode {
    const entry = tree.entries.get(name);
    const { problems } = this.#examination;
    return entry === undefined ? emptyMap() : mapOf(entry, [name], HINTS[name], problems);
  }

  collectors(section: MapNode, interval: number): CollectorConfig[] {
    const { problems } = this.#examination;
    const [defaults, named] = split(section, ['default']);
    const entry = defaults.entries.get('default');
    const at = { where: ['collectors', 'default'], hint: HINTS.collectors, key: entry?.key };
    const map = entry && mapOf(entry, at.where, at.hint, problems);
    const standard = map && this.#examination.check(collectorDefaults, map, at)?.value;

    const keys = keysOf(collectorKeys);
    const instances = instancesOf('collectors', named, keys, this.#registry, problems);
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
    const at = { where, hint: `Options: cullinan describe ${plugin.name}`, key };
    const given = this.#examination.check(collectorKeys, common, at, enabled)?.value ?? {};
    const its = { ...at, siblings: keysOf(collectorKeys) };
    const options = this.#examination.check(plugin.options, own, its, enabled);
    if (!enabled || !options) return undefined;

    const interval = given.interval ?? standard.interval;
    const usual =
      standard.stagger === undefined
        ? Math.min(interval / 10, LONGEST_STAGGER)
        : Math.min(interval, standard.stagger);
    const stagger = given.stagger ?? usual;
    if (stagger > interval) {
      this.#examination.blame(common.entries.get('stagger')?.value.place, {
        message: `${where.join('.')}.stagger must not exceed the interval`,
        remedy: 'leave it out: a tenth of the interval, at most 1s, will do',
        hint: at.hint,
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
    const { problems } = this.#examination;
    const keys = keysOf(handlerKeys);
    const instances = instancesOf('handlers', section, keys, this.#registry, problems);
    const handlers = instances.flatMap((each) => this.#handler(each, interval) ?? []);
    for (const { instance, message, remedy } of sharedSpools(handlers)) {
      const { key } = section.entries.get(instance) ?? {};
      this.#examination.blame(key, { message, remedy, hint: HINTS.handlers });
    }
    return handlers;
  }

  #handler(
    { name, plugin, common, own, where, key }: Instance<Handler>,
    interval: number,
  ): HandlerConfig | undefined {
    const at = { where, hint: `Options: cullinan describe ${plugin.name}`, key };
    const examination = this.#examination;
    const spoken = spokenIn(common, at, examination);
    const enabled = switchOf(common) ?? true;
    const given = examination.check(handlerKeys, spoken.common, at, enabled)?.value;
    const its = { ...at, siblings: keysOf(handlerKeys) };
    const options = examination.check(plugin.options, own, its, enabled);
    if (!given || !enabled) return undefined;

    const dialect = given.dialect ?? plugin.dialect;
    const { dialects } = this.#registry;
    const chosen = dialectOptions(dialect, spoken, at, dialects, examination);
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
}

/** Whether a plugin is switched on or off in so many words. Anything else is an error elsewhere. */
function switchOf(common: MapNode): boolean | undefined {
  const node = common.entries.get('enabled')?.value;
  if (node?.kind !== 'scalar' || node.value === null) return undefined;
  return String(node.value) !== 'false';
}
