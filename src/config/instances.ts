import type { Collector, Handler } from '../plugin/index.ts';
import type { Registry } from './config.ts';
import { type Finding, type Place, type Problem, problemAt } from './problem.ts';
import { didYouMean } from './suggest.ts';
import { type Entry, emptyMap, isNothing, type MapNode } from './tree.ts';

/** The two sections that hold plugins. */
export const SECTIONS = ['collectors', 'handlers'] as const;

/** Where a reader of an error finds out more. */
export const HINTS = {
  agent: 'Options: cullinan describe config',
  collectors: 'Collectors: cullinan list',
  handlers: 'Handlers: cullinan list',
} as const;

/** One key of `collectors` or `handlers`, its plugin found. */
export interface Instance<P> {
  readonly name: string;
  readonly plugin: P;
  /** What is written of the keys that all plugins of the section have. */
  readonly common: MapNode;
  /** What is written of the plugin's own options. */
  readonly own: MapNode;
  readonly where: readonly string[];
  readonly key: Place | undefined;
}

/** Finds the plugin of each key of a section, and parts what is the plugin's from what all have. */
export function instancesOf<S extends (typeof SECTIONS)[number]>(
  section: S,
  map: MapNode,
  keys: readonly string[],
  registry: Registry,
  problems: Problem[],
): Instance<S extends 'collectors' ? Collector : Handler>[] {
  type P = S extends 'collectors' ? Collector : Handler;
  const plugins = registry[section] as ReadonlyMap<string, P>;
  const found: Instance<P>[] = [];
  for (const [name, entry] of map.entries) {
    const where = [section, name];
    const [common, own] = split(mapOf(entry, where, HINTS[section], problems), keys);
    const typed = common.entries.get('type')?.value;
    const type = typed?.kind === 'scalar' && typeof typed.value === 'string' ? typed.value : name;
    const plugin = plugins.get(type);
    const hint = HINTS[section];
    // What cannot be loaded costs itself; who loads it says so.
    if (plugin === undefined && registry.isMissed?.(type)) continue;
    if (plugin === undefined) {
      // What a reference brought in is secret: then it is called as it is written.
      const said = typed?.kind === 'scalar' ? typed.written : type;
      const finding = unknown(section, said, typed !== undefined, registry);
      problems.push(problemAt(typed?.place ?? entry.key, { ...finding, hint }));
      continue;
    }
    const message = misnamed(section, name, type, plugins);
    if (message === undefined) found.push({ name, plugin, common, own, where, key: entry.key });
    else problems.push(problemAt(entry.key, { message, remedy: 'call it something else', hint }));
  }
  return found;
}

function unknown(
  section: (typeof SECTIONS)[number],
  type: string,
  typed: boolean,
  registry: Registry,
): Finding {
  const singular = section.slice(0, -1);
  const message = `unknown ${singular} "${type}"`;
  const other = section === 'collectors' ? 'handlers' : 'collectors';
  if (registry[other].has(type)) return { message, remedy: `put it under "${other}:"` };
  const names = [...registry[section].keys()];
  const meant = didYouMean(
    type,
    section === 'collectors' && !typed ? [...names, 'default'] : names,
  );
  const rename = `for a ${singular} under a name of its own add "type: …"`;
  return { message, remedy: meant ?? (typed ? `it can be ${names.join(', ')}` : rename) };
}

function misnamed(
  section: string,
  name: string,
  type: string,
  plugins: ReadonlyMap<string, unknown>,
): string | undefined {
  if (type !== name && plugins.has(name)) {
    return `"${name}" is a ${section.slice(0, -1)} itself, and this would be a ${type}`;
  }
  // It becomes a label, a word of a path and a word of the log.
  if (/^[\w.-]{1,64}$/.test(name)) return undefined;
  return `a name in ${section} has letters, digits, "_", "." or "-", 64 at most`;
}

/** The map behind a key; nothing behind it is an empty one. */
export function mapOf(
  { key, value }: Entry,
  where: readonly string[],
  hint: string,
  problems: Problem[],
): MapNode {
  if (value.kind === 'map') return value;
  if (!isNothing(value)) {
    const truth = value.kind === 'scalar' && typeof value.value === 'boolean' && where.length > 1;
    const remedy = truth
      ? `write { enabled: ${value.value} }`
      : 'write "name: value" lines under it';
    const message = `${where.join('.')} must be a map of options`;
    problems.push(problemAt(value.place ?? key, { message, remedy, hint }));
  }
  return emptyMap(value.place);
}

/** Parts a map in two: the named keys, and the others. */
export function split(map: MapNode, names: readonly string[]): [named: MapNode, others: MapNode] {
  const named = new Map<string, Entry>();
  const others = new Map<string, Entry>();
  for (const [name, entry] of map.entries) (names.includes(name) ? named : others).set(name, entry);
  return [
    { ...map, entries: named },
    { ...map, entries: others },
  ];
}
