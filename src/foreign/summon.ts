import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Others } from '../agent/index.ts';
import type { Metric } from '../metric/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { type Candidate, find, type Places } from '../script/index.ts';
import { fnv1a32 } from '../wire/fnv1a.ts';
import { Colony, type Resident } from './colony.ts';
import { loadHere } from './here.ts';
import { Inspector } from './inspector.ts';
import { collectorElsewhere } from './outside-collector.ts';
import { handlerElsewhere } from './outside-handler.ts';
import { parserElsewhere } from './outside-parser.ts';
import type {
  Beginning,
  Description,
  Inspected,
  Judgement,
  Parcel,
  PlainMetric,
} from './protocol.ts';
import { type Consequences, schemaElsewhere } from './schema.ts';
import type { Plugin } from './shape.ts';

export interface Wanted extends Places {
  /** Parsers that are named by their paths. */
  readonly scripts: readonly string[];
  /** The names of plugins that run in the agent's own thread; `true` for all. */
  readonly inProcess: readonly string[] | true;
  /** Bytes for the plugins of one thread. */
  readonly memory: number;
  /** Seconds that one may keep its thread busy. */
  readonly block: number;
  readonly host: Beginning['host'];
}

/** A file that is not loaded, and why. */
export interface Unloaded {
  readonly path: string;
  /** What it would have been called, as far as anybody can tell. */
  readonly name: string;
  readonly problem: string;
}

export interface Summoned {
  readonly others: Others;
  readonly unloaded: readonly Unloaded[];
  /** Where each is from: `collector entropy` to its path. */
  readonly paths: ReadonlyMap<string, string>;
  /** Ends what was needed to read a configuration. */
  close(): Promise<void>;
}

/** Names that are somebody's already, by kind. */
export type Taken = Readonly<Record<Plugin['kind'], ReadonlySet<string>>>;

/** What runs in a thread; beside the program that this is in, where there is one. */
const PROGRAM = fileURLToPath(new URL('./plugins.cjs', import.meta.url));

let colony: { readonly of: string; readonly it: Colony } | undefined;

/** Where plugins live under these settings: one for all, for as long as the settings are the same. */
function colonyFor(wanted: Wanted, program: string, warn: (message: string) => void): Colony {
  const { host, memory, block } = wanted;
  const of = JSON.stringify([host, memory, block, program]);
  if (colony?.of !== of) colony = { of, it: new Colony({ program, host, memory, block, warn }) };
  return colony.it;
}

/**
 * Finds plugins, looks at them in a thread of their own, and makes what stands for them here.
 *
 * @param warn tells a person what they do later on.
 * @param program runs in a thread.
 */
export async function summon(
  wanted: Wanted,
  taken: Taken,
  warn: (message: string) => void,
  program = PROGRAM,
): Promise<Summoned> {
  const summoning = new Summoning(wanted, taken, colonyFor(wanted, program, warn), program);
  for (const candidate of find(wanted)) await summoning.take(candidate);
  for (const path of wanted.scripts) await summoning.take({ path, name: path }, 'parser');
  return summoning.done();
}

class Summoning {
  readonly #wanted: Wanted;
  readonly #names: Record<Plugin['kind'], Map<string, string>>;
  readonly #colony: Colony;
  readonly #inspector: Inspector;
  readonly #unloaded: Unloaded[] = [];
  readonly #collectors: Collector[] = [];
  readonly #handlers: Handler[] = [];
  readonly #parsers = new Map<string, Parser>();
  readonly #revisions = new Map<object, string>();
  readonly #paths = new Map<string, string>();

  constructor(wanted: Wanted, taken: Taken, colony: Colony, program: string) {
    this.#wanted = wanted;
    this.#colony = colony;
    const names = (set: ReadonlySet<string>) => new Map([...set].map((it) => [it, 'the agent']));
    this.#names = {
      collector: names(taken.collector),
      handler: names(taken.handler),
      parser: names(taken.parser),
    };
    const { host, memory } = wanted;
    this.#inspector = new Inspector({ program, host, memory });
  }

  async take(candidate: Candidate, as: 'plugin' | 'parser' = 'plugin'): Promise<void> {
    const { path, name, problem } = candidate;
    const failed = (why: string) => this.#unloaded.push({ path, name, problem: why });
    if (problem !== undefined) return void failed(problem);
    if (as === 'parser' && !existsSync(path)) return;
    try {
      if (this.#wanted.inProcess === true) return await this.#takeHere(path, as, undefined);
      const inspected = await this.#inspector.inspect({ path, as });
      for (const [index, description] of inspected.plugins.entries()) {
        const { kind } = description;
        const known = as === 'parser' ? path : description.name;
        if (this.#wanted.inProcess.includes(description.name)) {
          await this.#takeHere(path, as, index);
        } else if (this.#claim(kind, known, path)) {
          this.#takeElsewhere(path, as, index, inspected, description);
        }
      }
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  }

  done(): Summoned {
    this.#inspector.rest();
    return {
      others: {
        collectors: this.#collectors,
        handlers: this.#handlers,
        parsers: this.#parsers,
        revisions: this.#revisions,
        missed: new Set(this.#unloaded.map(({ name }) => name)),
      },
      unloaded: this.#unloaded,
      paths: this.#paths,
      close: async () => {
        await this.#inspector.close();
        // What a configuration was checked with would stay until the heap is next gone through, in an hour.
        globalThis.gc?.();
      },
    };
  }

  /** A name is the first one's that says it is called so. */
  #claim(kind: Plugin['kind'], name: string, path: string): boolean {
    const whose = this.#names[kind].get(name);
    if (whose === undefined) {
      this.#names[kind].set(name, path);
      this.#paths.set(`${kind} ${name}`, path);
      return true;
    }
    const problem = `its ${kind} is called "${name}", which is the name of one that ${whose} has. Call it something else`;
    this.#unloaded.push({ path, name, problem });
    return false;
  }

  #keep(kind: Plugin['kind'], it: Plugin['it'], name: string, revision: string): void {
    if (kind === 'collector') this.#collectors.push(it as Collector);
    else if (kind === 'handler') this.#handlers.push(it as Handler);
    else this.#parsers.set(name, it as Parser);
    this.#revisions.set(it, revision);
  }

  /** Runs a file in this thread. @param index which of its plugins; all, where absent. */
  async #takeHere(path: string, as: 'plugin' | 'parser', index: number | undefined): Promise<void> {
    const { plugins, texts } = await loadHere(path, as);
    const revision = `here ${hashOf(texts)}`;
    for (const [at, { kind, it }] of plugins.entries()) {
      const name = as === 'parser' ? path : it.name;
      if ((index ?? at) === at && this.#claim(kind, name, path)) {
        this.#keep(kind, it, name, revision);
      }
    }
  }

  #takeElsewhere(
    path: string,
    as: 'plugin' | 'parser',
    index: number,
    { texts, doors, plugins }: Inspected,
    description: Description,
  ): void {
    const { host, memory, block } = this.#wanted;
    const revision = hashOf(texts, JSON.stringify([host, memory, block]));
    const key = `${path} ${index} ${revision}`;
    const parcel: Parcel = { key, path, index, as, revision, texts, doors };
    const who = plugins.length === 1 ? path : `${path} (${description.name})`;
    const resident = this.#colony.settle(who, parcel);
    const name = as === 'parser' ? path : description.name;
    this.#keep(description.kind, this.#proxy(resident, parcel, description), name, revision);
  }

  #proxy(resident: Resident, parcel: Parcel, it: Description): Collector | Handler | Parser {
    const follows: Consequences = new WeakMap();
    const judge = (input: unknown) => this.#inspector.judge(parcel, input);
    const { name, summary } = it;
    const schema = () => schemaElsewhere(it.schema, judge, follows);
    const all = { name, summary };
    const known = (given: unknown): Judgement => follows.get(given as object) ?? {};
    const metricsIn = remembered((given) => (known(given).metrics ?? []).map(metricOf));
    switch (it.kind) {
      case 'collector': {
        const metrics = Object.fromEntries(
          Object.entries(it.metrics).map(([key, metric]) => [key, metricOf(metric)]),
        );
        const facts = { ...all, source: it.source, enabled: it.enabled, metrics };
        return collectorElsewhere(facts, schema, metricsIn, this.#colony, resident);
      }
      case 'handler': {
        const { idempotent, acknowledged, previews } = it;
        const facts = {
          ...{ ...all, idempotent, acknowledged, previews },
          dialect: it.dialect as Handler['dialect'],
          counters: it.counters as Handler['counters'],
          newNamesPerMinute: (given: unknown) => known(given).newNamesPerMinute,
        };
        return handlerElsewhere(facts, schema, this.#colony, resident);
      }
      case 'parser': {
        const { source, journal, knowsTime } = it;
        const needles = (given: unknown) => known(given).needles ?? [];
        const facts = { ...all, source, metrics: metricsIn, needles, ...(journal && { journal }) };
        return parserElsewhere(facts, schema, knowsTime, { parcel, colony: this.#colony });
      }
    }
  }
}

const metricOf = (metric: PlainMetric): Metric => metric;

/** The same answer for the same options, so that a metric stays one object. */
function remembered(make: (options: unknown) => readonly Metric[]) {
  const known = new WeakMap<object, readonly Metric[]>();
  return (options: unknown): readonly Metric[] => {
    if (typeof options !== 'object' || options === null) return [];
    const found = known.get(options) ?? make(options);
    known.set(options, found);
    return found;
  };
}

/** Tells a version of a file from the one before. Node's own hashes would be loaded for this alone. */
function hashOf(texts: ReadonlyMap<string, string>, more = ''): string {
  const all = [...texts].map(([path, text]) => `${path}\0${text}\0`).join('');
  return `${fnv1a32(all).toString(16)}-${fnv1a32(`${all.length}\0${more}`).toString(16)}-${all.length}`;
}
