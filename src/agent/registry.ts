import { dialects } from '../naming/index.ts';
import { bringParsers, parsers } from '../parsers/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { collectors, handlers } from './builtin.ts';

/** Plugins that the agent was not built with. */
export interface Others {
  readonly collectors: readonly Collector[];
  readonly handlers: readonly Handler[];
  /** By name, or by the path of their file. */
  readonly parsers: ReadonlyMap<string, Parser>;
  /** What changes when the file of one of these does. */
  readonly revisions: ReadonlyMap<object, string>;
  /** Names of plugins that could not be loaded. */
  readonly missed: ReadonlySet<string>;
}

const known = {
  collectors: new Map<string, Collector>(collectors.map((it) => [it.name, it])),
  handlers: new Map<string, Handler>(handlers.map((it) => [it.name, it])),
};
const own = {
  collectors: new Set(known.collectors.keys()),
  handlers: new Set(known.handlers.keys()),
};
/** Of plugins that are still in use somewhere, too. */
const revisions = new WeakMap<object, string>();
let missed: Others['missed'] = new Set();

/** Every plugin that there is, and every dialect, by name. */
export const registry = {
  collectors: known.collectors as ReadonlyMap<string, Collector>,
  handlers: known.handlers as ReadonlyMap<string, Handler>,
  parsers,
  dialects: new Map(Object.entries(dialects)),
  /** What changes when a plugin's file does; nothing for what the agent was built with. */
  revision: (plugin: object): string | undefined =>
    // A parser may be wrapped in another, which has all that it has.
    revisions.get(plugin) ?? (plugin as { readonly revision?: string }).revision,
  /** Whether a plugin of this name is there, and could not be loaded. */
  isMissed: (name: string): boolean => missed.has(name),
  /** Takes these in, in place of those that were taken in before. What the agent was built with stays. */
  bring(others: Others): void {
    for (const section of ['collectors', 'handlers'] as const) {
      const map = known[section] as Map<string, Collector | Handler>;
      for (const name of map.keys()) if (!own[section].has(name)) map.delete(name);
      for (const it of others[section]) if (!own[section].has(it.name)) map.set(it.name, it);
    }
    bringParsers(others.parsers);
    for (const [it, revision] of others.revisions) revisions.set(it, revision);
    missed = others.missed;
  },
} as const;
