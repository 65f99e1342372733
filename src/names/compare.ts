import type { Found } from './formats.ts';
import { createGroups, type Group, type Groups } from './groups.ts';
import { Hashes } from './hashes.ts';
import type { Hosts } from './hosts.ts';
import { kindOf } from './name.ts';

/** A name that will be sent. */
export interface NewName {
  /** In the form that is compared. */
  readonly name: string;
  /** What another device's name would be like: `*` for a device, `#` for its number. */
  readonly kind?: string | undefined;
  /** Whether it is only sent at times: where it was not there before, it does not count as new. */
  readonly sometimes?: boolean | undefined;
}

/**
 * What becomes of a name.
 *
 * - `stays`: it is sent under the same name.
 * - `goes`: nothing like it is sent.
 * - `comes`: nothing like it was there.
 * - `was`: the same is sent for other devices; of this one only the old output speaks.
 * - `is`: the same was there for other devices; this one only this host has.
 */
export type Change = 'stays' | 'goes' | 'comes' | 'was' | 'is';

/** What a comparison comes to. */
export interface Comparison {
  readonly counts: Readonly<Record<Change, number>>;
  /** Whether there were more names than can be told apart: then `goes` and `was` are at least so many. */
  readonly overfull: boolean;
  groups(change: Change): readonly Group[];
  /** Names that went into no group, because there were too many. */
  ungrouped(change: Change): number;
}

/** Told of each name as soon as it is known what becomes of it. */
export type Witness = (change: Change, name: string) => void;

interface Kind {
  readonly text: string;
  seen: boolean;
}

interface Known {
  readonly kinds: readonly Kind[];
  readonly sometimes: boolean;
  seen: boolean;
}

/** Kinds by their levels, so that a name finds its own without all of them being tried. */
interface Level {
  readonly plain: Map<string, Level>;
  readonly wild: { readonly pattern: RegExp; readonly text: string; readonly level: Level }[];
  kind?: Kind;
}

const newLevel = (): Level => ({ plain: new Map(), wild: [] });
/** Nothing but dots, slashes and the beginning of labels ends a level. */
const LEVEL = /[^./{]+|[./]|\{.*$/gs;
const levelsOf = (name: string): readonly string[] => name.match(LEVEL) ?? [];
const isWild = (level: string): boolean => /[*#]/.test(level);

function patternOf(level: string): RegExp {
  const escaped = level.replace(/[\\^$.+?()[\]{}|]/g, '\\$&');
  const any = level.startsWith('{') ? '(?:[^"\\\\]|\\\\.)*' : '.+';
  return new RegExp(`^${escaped.replaceAll('*', any).replaceAll('#', '\\d+')}$`, 's');
}

/** Compares the names of an old output with those that will be sent. */
export function createComparison(
  wanted: Iterable<NewName>,
  hosts: Hosts,
  witness: Witness = () => {},
): { take(found: Found): void; finish(): Comparison } {
  const root = newLevel();
  const kinds = new Map<string, Kind>();
  const known = new Map<string, Known>();

  function kindNamed(text: string): Kind {
    let kind = kinds.get(text);
    if (kind === undefined) {
      kind = { text, seen: false };
      kinds.set(text, kind);
    }
    return kind;
  }

  function plant(text: string): Kind {
    const kind = kindNamed(text);
    let level = root;
    for (const part of levelsOf(text)) {
      let next = isWild(part)
        ? level.wild.find((it) => it.text === part)?.level
        : level.plain.get(part);
      if (next === undefined) {
        next = newLevel();
        if (isWild(part)) level.wild.push({ pattern: patternOf(part), text: part, level: next });
        else level.plain.set(part, next);
      }
      level = next;
    }
    level.kind = kind;
    return kind;
  }

  function find(parts: readonly string[], at: number, level: Level): Kind | undefined {
    const part = parts[at];
    if (part === undefined) return level.kind;
    const plain = level.plain.get(part);
    const found = plain && find(parts, at + 1, plain);
    if (found !== undefined) return found;
    for (const { pattern, level: next } of level.wild) {
      const kind = pattern.test(part) ? find(parts, at + 1, next) : undefined;
      if (kind !== undefined) return kind;
    }
    return undefined;
  }

  for (const { name, kind, sometimes = false } of wanted) {
    const own = kindNamed(kindOf(name));
    const kinds = kind === undefined ? [own] : [own, plant(kindOf(kind))];
    known.set(name, { kinds, sometimes, seen: false });
  }

  const counts: Record<Change, number> = { stays: 0, goes: 0, comes: 0, was: 0, is: 0 };
  const groups = new Map<Change, Groups>();
  const tell = (change: Change, name: string, kind: string): void => {
    counts[change] += 1;
    witness(change, name);
    const own = groups.get(change) ?? createGroups();
    groups.set(change, own);
    own.add(kind, name);
  };
  const hashes = new Hashes();

  return {
    take(found) {
      const name = hosts.place(found);
      if (name === undefined) return;
      const same = known.get(name);
      if (same !== undefined) {
        if (same.seen) return;
        same.seen = true;
        for (const kind of same.kinds) kind.seen = true;
        return;
      }
      if (!hashes.add(name)) return;
      const text = kindOf(name);
      const kind = kinds.get(text) ?? find(levelsOf(name), 0, root);
      if (kind !== undefined) kind.seen = true;
      tell(kind === undefined ? 'goes' : 'was', name, kind?.text ?? text);
    },
    finish() {
      for (const [name, { seen, sometimes, kinds: own }] of known) {
        if (sometimes && !seen) continue;
        const change = seen ? 'stays' : own.some((kind) => kind.seen) ? 'is' : 'comes';
        tell(change, name, own.at(-1)?.text ?? name);
      }
      return {
        counts,
        overfull: hashes.full,
        groups: (change) => groups.get(change)?.list() ?? [],
        ungrouped: (change) => groups.get(change)?.ungrouped ?? 0,
      };
    },
  };
}
