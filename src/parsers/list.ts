import type { Parser } from '../plugin/index.ts';
import { builtin } from './builtin.ts';

/** By name. */
export const parsers: ReadonlyMap<string, Parser> = new Map(builtin.map((it) => [it.name, it]));
