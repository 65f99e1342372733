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
}

const known = {
  collectors: new Map<string, Collector>(collectors.map((it) => [it.name, it])),
  handlers: new Map<string, Handler>(handlers.map((it) => [it.name, it])),
};
const own = {
  collectors: new Set(known.collectors.keys()),
  handlers: new Set(known.handlers.keys()),
};
let revisions: Others['revisions'] = new Map();

/** Every plugin that there is, and every dialect, by name. */
export const registry = {
  collectors: known.collectors as ReadonlyMap<string, Collector>,
  handlers: known.handlers as ReadonlyMap<string, Handler>,
  parsers,
  dialects: new Map(Object.entries(dialects)),
  /** What changes when a plugin's file does; nothing for what the agent was built with. */
  revision: (plugin: object): string | undefined => revisions.get(plugin),
  /** Takes these in, in place of those that were taken in before. What the agent was built with stays. */
  bring(others: Others): void {
    for (const section of ['collectors', 'handlers'] as const) {
      const map = known[section] as Map<string, Collector | Handler>;
      for (const name of map.keys()) if (!own[section].has(name)) map.delete(name);
      for (const it of others[section]) if (!own[section].has(it.name)) map.set(it.name, it);
    }
    bringParsers(others.parsers);
    revisions = others.revisions;
  },
} as const;
