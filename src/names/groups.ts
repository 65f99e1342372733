/** Names that differ in a device, or in their last level, as one line. */
export interface Group {
  /** All levels but the last: `servers.<host>.iostat.*`; several of them as `{a, b}`. */
  readonly above: string;
  /** The last levels, in the order in which they came. */
  readonly last: readonly string[];
  /** Names in it. */
  readonly names: number;
  /** One of them. */
  readonly example: string;
}

export interface Groups {
  /** @param kind the name with `*` for its device. */
  add(kind: string, name: string): void;
  list(): readonly Group[];
  /** Names that are in no group, because there were too many kinds. */
  readonly ungrouped: number;
}

/** Kinds that are kept at most. */
const MOST = 50_000;
/** So many siblings with the same levels below them are told as one. */
const ALIKE = 3;

interface Gathering {
  readonly last: Set<string>;
  names: number;
  readonly example: string;
}

/** A text of its own: V8 would keep the whole piece of the file that it is cut from. */
const copied = (text: string): string => Buffer.from(text).toString();

/** Where the last level begins: behind the last dot or slash, or where labels begin. */
function lastLevel(kind: string): number {
  const brace = kind.indexOf('{');
  if (brace >= 0) return brace;
  return Math.max(kind.lastIndexOf('.'), kind.lastIndexOf('/')) + 1;
}

/** All but the last of the levels above, and that one. */
function parted(above: string): readonly [string, string] {
  const at = lastLevel(above.replace(/[./]$/, ''));
  return [above.slice(0, at), above.slice(at)];
}

export function createGroups(): Groups {
  const gathered = new Map<string, Gathering>();
  let kinds = 0;
  let ungrouped = 0;
  return {
    get ungrouped() {
      return ungrouped;
    },
    add(kind, name) {
      const at = lastLevel(kind);
      const above = kind.slice(0, at);
      const last = kind.slice(at);
      let own = gathered.get(above);
      const isNew = own === undefined || !own.last.has(last);
      if (isNew && kinds >= MOST) {
        ungrouped += 1;
        return;
      }
      if (isNew) kinds += 1;
      if (own === undefined) {
        own = { last: new Set(), names: 0, example: copied(name) };
        gathered.set(copied(above), own);
      }
      if (isNew) own.last.add(copied(last));
      own.names += 1;
    },
    list: () => merged(gathered),
  };
}

/** Siblings with the same last levels become one group. */
function merged(gathered: ReadonlyMap<string, Gathering>): Group[] {
  const alike = new Map<string, [string, Gathering][]>();
  for (const [above, own] of gathered) {
    const key = JSON.stringify([parted(above)[0], [...own.last].sort()]);
    const siblings = alike.get(key);
    if (siblings === undefined) alike.set(key, [[above, own]]);
    else siblings.push([above, own]);
  }
  return [...alike.values()].flatMap((siblings): Group[] => {
    const plain = siblings.map(([above, { last, names, example }]) => {
      return { above, last: [...last], names, example };
    });
    const [first] = plain;
    if (first === undefined || plain.length < ALIKE) return plain;
    const [before, level] = parted(first.above);
    const end = level.match(/[./]?$/)?.[0] ?? '';
    const levels = plain.map(({ above }) => parted(above)[1].replace(/[./]$/, ''));
    const shown = levels.length > 6 ? [...levels.slice(0, 4), `${levels.length - 4} more`] : levels;
    const names = plain.reduce((sum, it) => sum + it.names, 0);
    return [{ ...first, above: `${before}{${shown.join(', ')}}${end}`, names }];
  });
}
