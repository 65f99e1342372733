import type { Parser } from '../plugin/index.ts';
import { builtin } from './builtin.ts';

const known = new Map<string, Parser>(builtin.map((it) => [it.name, it]));
const own = new Set(known.keys());

/** By name. */
export const parsers: ReadonlyMap<string, Parser> = known;

/** Those that the program was not built with, in place of those so far; by name, or by the path of their file. */
export function bringParsers(others: ReadonlyMap<string, Parser>): void {
  for (const name of known.keys()) if (!own.has(name)) known.delete(name);
  for (const [name, it] of others) if (!own.has(name)) known.set(name, it);
}
