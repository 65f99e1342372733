import { isAlias, isMap, isScalar, isSeq, type Pair, type Range, type YAMLMap } from 'yaml';
import type { Finding, Place, Problem, Source } from './problem.ts';
import { problemAt } from './problem.ts';

/** A value of the configuration that remembers where it stands. */
export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place | undefined;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Where the key stands. */
  readonly key: Place | undefined;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: Place | undefined;
  readonly items: readonly Node[];
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: Place | undefined;
  readonly value: string | number | boolean | null;
  /** As it is written: `007` for the number 7. */
  readonly written: string;
  /** Whether a `${…}` in it has been replaced: then it is secret. */
  readonly referenced?: boolean;
  /** Whether it stands for something that could not be read, and has been complained about. */
  readonly spoiled?: boolean;
  /** Why a `${…}` in it could not be replaced. */
  readonly problem?: Problem;
}

export const emptyMap = (place?: Place): MapNode => ({ kind: 'map', place, entries: new Map() });

/** Values inside of values, at most: nobody writes more, and reading is recursive. */
export const DEEPEST = 64;
/** Values in one file, at most, each alias counted as all that it stands for. */
const MOST_VALUES = 100_000;

const TAGS = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq']);
const TAG = 'tag:yaml.org,2002:';

interface Measured {
  readonly node: Node;
  readonly size: number;
}

/** Turns a parsed YAML document into a tree, aliases and merge keys followed; adds what is wrong to `problems`. */
export function treeOf(contents: unknown, source: Source, problems: Problem[]): MapNode {
  const anchors = new Map<string, Measured>();
  const whole: Place = { source, start: 0, end: 0 };
  let exploded = false;

  const placeOf = (item: unknown, otherwise: Place): Place => {
    const range = (item as { range?: Range | null } | null)?.range;
    return range ? { source, start: range[0], end: range[1] } : otherwise;
  };
  const blame = (place: Place, finding: Finding): Measured => {
    problems.push(problemAt(place, finding));
    return { node: { kind: 'scalar', place, value: null, written: '', spoiled: true }, size: 1 };
  };
  const measured = (node: Node, size: number): Measured => {
    if (size > MOST_VALUES && !exploded) {
      exploded = true;
      blame(node.place ?? whole, {
        message: `this stands for more than ${MOST_VALUES} values`,
        remedy: 'use fewer aliases (*name): each one repeats all that its anchor holds',
      });
    }
    return exploded ? { node: emptyMap(node.place), size: 1 } : { node, size };
  };

  const visit = (item: unknown, near: Place): Measured => {
    const place = placeOf(item, near);
    if (isAlias(item)) {
      const found = anchors.get(item.source);
      if (found !== undefined) return measured(found.node, found.size);
      return blame(place, {
        message: 'this alias has no anchor before it',
        remedy: 'write the anchor (&name) first, or put a text that begins with "*" in quotes',
      });
    }
    const tag = (item as { tag?: string } | null)?.tag;
    if (tag !== undefined && !(tag.startsWith(TAG) && TAGS.has(tag.slice(TAG.length)))) {
      const bang = source.text.lastIndexOf('!', place.start);
      return blame(bang < 0 ? place : { ...place, start: bang }, {
        message: 'a word that begins with "!" is a YAML tag, and means nothing here',
        remedy: 'put the value in quotes, or leave the tag out',
      });
    }
    const made = visitValue(item, place);
    const anchor = (item as { anchor?: string } | null)?.anchor;
    if (anchor !== undefined) anchors.set(anchor, made);
    return made;
  };

  const visitValue = (item: unknown, place: Place): Measured => {
    if (isMap(item)) return visitMap(item, place);
    if (isSeq(item)) {
      let size = 1;
      const items = item.items.map((each) => {
        const made = visit(each, place);
        size += made.size;
        return made.node;
      });
      return measured({ kind: 'list', place, items }, size);
    }
    const value: unknown = isScalar(item) ? item.value : null;
    const plain =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const written = isScalar(item) && item.source !== undefined ? item.source : String(value);
    return { node: { kind: 'scalar', place, value: plain ? value : null, written }, size: 1 };
  };

  const visitMap = (map: YAMLMap, place: Place): Measured => {
    const entries = new Map<string, Entry>();
    const merged: MapNode[] = [];
    let size = 1;
    for (const pair of map.items) {
      const at = placeOf(pair.key, place);
      const name = nameOfKey(pair);
      const made = visit(pair.value, { source, start: at.end, end: at.end });
      size += made.size;
      if (name === MERGE) {
        const maps = made.node.kind === 'list' ? made.node.items : [made.node];
        for (const each of maps) if (each.kind === 'map') merged.push(each);
        if (maps.some((each) => each.kind !== 'map' && !isSpoiled(each))) {
          blame(at, { message: '"<<" takes a map', remedy: 'write an alias: "<<: *name"' });
        }
      } else if (name === undefined) {
        blame(at, { message: 'a key must be a word', remedy: 'write "name: value"' });
      } else {
        const first = entries.get(name)?.key;
        if (first === undefined) entries.set(name, { key: at, value: made.node });
        else blame(at, { message: `"${name}" is written twice`, remedy: twice(first) });
      }
    }
    for (const each of merged) {
      for (const [name, entry] of each.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return measured({ kind: 'map', place, entries }, size);
  };

  const twice = (first: Place): string =>
    `the first is on line ${problemAt(first, { message: '' }).line}: keep one of them`;

  if (contents === null || contents === undefined) return emptyMap(whole);
  const { node } = visit(contents, whole);
  if (node.kind === 'map') return node;
  if (isNothing(node)) return emptyMap(whole);
  const what = node.kind === 'list' ? 'a list' : 'a single value';
  const message = `the file must hold a map of options, not ${what}`;
  blame(node.place ?? whole, { message, remedy: 'begin with "interval: 10s", for example' });
  return emptyMap(whole);
}

const MERGE = Symbol('merge');

function nameOfKey({ key }: Pair): string | typeof MERGE | undefined {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === 'symbol') return MERGE;
  if (typeof key.value === 'string') return key.value;
  return key.value === null ? undefined : (key.source ?? String(key.value));
}

/** Merges two trees: maps key by key; of lists and scalars the later one stands. */
export function merge(base: MapNode, over: MapNode): MapNode {
  const entries = new Map(base.entries);
  for (const [name, entry] of over.entries) {
    const before = entries.get(name)?.value;
    if (before?.kind === 'map' && entry.value.kind === 'map') {
      entries.set(name, { key: entry.key, value: merge(before, entry.value) });
      // A section with nothing in it adds nothing; it does not empty the one before.
    } else if (!(before?.kind === 'map' && isNothing(entry.value))) entries.set(name, entry);
  }
  return { kind: 'map', place: over.place, entries };
}

const isSpoiled = (node: Node): boolean => node.kind === 'scalar' && node.spoiled === true;

export const isNothing = (node: Node): boolean => node.kind === 'scalar' && node.value === null;

/** A tree without places, of a default that no file says. */
export function treeOfValue(value: unknown): Node {
  if (Array.isArray(value)) {
    return { kind: 'list', place: undefined, items: value.map(treeOfValue) };
  }
  if (typeof value === 'object' && value !== null) {
    const entries = new Map<string, Entry>();
    for (const [name, each] of Object.entries(value)) {
      entries.set(name, { key: undefined, value: treeOfValue(each) });
    }
    return { kind: 'map', place: undefined, entries };
  }
  const known =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return {
    kind: 'scalar',
    place: undefined,
    value: known ? value : null,
    written: String(value),
  };
}

/** The plain value of a tree, made anew: maps have no prototype, so that no key means more than it says. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  const value: Record<string, unknown> = Object.create(null);
  for (const [name, each] of node.entries) value[name] = plain(each.value);
  return value;
}
