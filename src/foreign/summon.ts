import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Others } from '../agent/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { type Candidate, find, type Places } from '../script/index.ts';
import { fnv1a32 } from '../wire/fnv1a.ts';
import { type Found, inspect } from './inspector.ts';
import { whenAsked } from './late.ts';
import type { Beginning, Description, Inspected, Parcel, Place } from './protocol.ts';
import type { Plugin } from './shape.ts';
import { type StandIns, standIns } from './stand-in.ts';

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

/**
 * Finds plugins, has them looked at in a process of their own, and makes what stands for them here.
 *
 * @param warn tells a person what they do later on.
 * @param program runs in that process, and in threads.
 */
export async function summon(
  wanted: Wanted,
  taken: Taken,
  warn: (message: string) => void,
  program = PROGRAM,
): Promise<Summoned> {
  const { host, memory, block } = wanted;
  const lodging = { program, host, memory, block };
  const summoning = new Summoning(wanted, taken, () => standIns(lodging, warn));
  await summoning.take(program);
  return summoning.done();
}

/** A file that may be a plugin, and as what it was named. */
type Named = Candidate & Pick<Place, 'as'>;

class Summoning {
  readonly #wanted: Wanted;
  readonly #names: Record<Plugin['kind'], Map<string, string>>;
  readonly #makeHome: () => StandIns;
  /** What stands here for plugins elsewhere, once there is one of which more is asked than its name. */
  #made: StandIns | undefined;
  readonly #unloaded: Unloaded[] = [];
  readonly #collectors: Collector[] = [];
  readonly #handlers: Handler[] = [];
  readonly #parsers = new Map<string, Parser>();
  readonly #revisions = new Map<object, string>();
  readonly #paths = new Map<string, string>();

  constructor(wanted: Wanted, taken: Taken, makeHome: () => StandIns) {
    this.#wanted = wanted;
    this.#makeHome = makeHome;
    const names = (set: ReadonlySet<string>) => new Map([...set].map((it) => [it, 'the agent']));
    this.#names = {
      collector: names(taken.collector),
      handler: names(taken.handler),
      parser: names(taken.parser),
    };
  }

  async take(program: string): Promise<void> {
    const { scripts, inProcess, memory } = this.#wanted;
    const all: readonly Named[] = [
      ...find(this.#wanted).map((it) => ({ ...it, as: 'plugin' }) as const),
      ...scripts.filter(existsSync).map((path) => ({ path, name: path, as: 'parser' }) as const),
    ];
    const readable = all.filter(({ problem }) => problem === undefined);
    const found = inProcess === true ? [] : await inspect(readable, { program, memory });
    const findings = new Map(readable.map((it, i) => [it, found[i]]));
    for (const each of all) {
      try {
        await this.#takeOne(each, findings.get(each));
      } catch (error) {
        const { path, name } = each;
        const problem = error instanceof Error ? error.message : String(error);
        this.#unloaded.push({ path, name, problem });
      }
    }
  }

  /** @param found what a process found; nothing where all run in this thread. */
  async #takeOne({ path, as, problem }: Named, found: Found | undefined): Promise<void> {
    if (problem !== undefined) throw new Error(problem);
    if (found instanceof Error) throw found;
    if (found === undefined) return await this.#takeHere(path, as, undefined);
    const { inProcess } = this.#wanted;
    for (const [index, description] of found.plugins.entries()) {
      const known = as === 'parser' ? path : description.name;
      if (inProcess !== true && inProcess.includes(description.name)) {
        await this.#takeHere(path, as, index);
      } else if (this.#claim(description.kind, known, path)) {
        this.#takeElsewhere(path, as, index, found, description);
      }
    }
  }

  done(): Summoned {
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
      close: async () => await this.#made?.close(),
    };
  }

  #home(): StandIns {
    this.#made ??= this.#makeHome();
    return this.#made;
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
    const [{ loadHere }, { runsUnasked }] = await Promise.all([
      import('./here.ts'),
      import('./shape.ts'),
    ]);
    const { plugins, texts } = await loadHere(path, as);
    const revision = `here ${hashOf(texts)}`;
    for (const [at, { kind, it: made }] of plugins.entries()) {
      const waits = kind === 'collector' && !runsUnasked(made);
      const it = waits ? Object.create(made, { enabled: { value: false } }) : made;
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
    { texts, doors, maps, plugins }: Inspected,
    description: Description,
  ): void {
    const { host, memory, block } = this.#wanted;
    const revision = hashOf(texts, JSON.stringify([host, memory, block]));
    const key = `${path} ${index} ${revision}`;
    const parcel: Parcel = { key, path, index, as, revision, texts, doors, maps };
    const who = plugins.length === 1 ? path : `${path} (${description.name})`;
    const name = as === 'parser' ? path : description.name;
    const make = () => this.#home().of(parcel, who, description);
    const it =
      description.kind === 'collector'
        ? whenAsked({ name, enabled: description.enabled }, make)
        : make();
    this.#keep(description.kind, it, name, revision);
  }
}

/** Tells a version of a file from the one before. Node's own hashes would be loaded for this alone. */
function hashOf(texts: ReadonlyMap<string, string>, more = ''): string {
  const all = [...texts].map(([path, text]) => `${path}\0${text}\0`).join('');
  return `${fnv1a32(all).toString(16)}-${fnv1a32(`${all.length}\0${more}`).toString(16)}-${all.length}`;
}
