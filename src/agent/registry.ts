import { dialects } from '../naming/index.ts';
import { parsers } from '../parsers/index.ts';
import type { Collector, Handler } from '../plugin/index.ts';
import { collectors, handlers } from './builtin.ts';

/** Every plugin the agent is built with, and every dialect, by name. */
export const registry = {
  collectors: new Map<string, Collector>(collectors.map((it) => [it.name, it])),
  handlers: new Map<string, Handler>(handlers.map((it) => [it.name, it])),
  parsers,
  dialects: new Map(Object.entries(dialects)),
} as const;
