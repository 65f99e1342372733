import type { Growths } from '../plugin/index.ts';

interface Remembered {
  row: object;
  turn: number;
}

/** One collector's memory of its rows of counters. */
export interface Since {
  /** Begins a collection, at `at` seconds on the monotonic clock. */
  turn(at: number): void;
  /** See `CollectContext.since`. */
  since<R extends object>(key: string, row: R): Growths<R> | undefined;
}

/** Makes an empty memory. What a collection does not mention is forgotten by the next. */
export function createSince(): Since {
  const rows = new Map<string, Remembered>();
  let turn = 0;
  let seen = 0;
  let at = 0;
  let before = 0;
  return {
    turn: (now) => {
      if (rows.size > seen) {
        for (const [key, row] of rows) if (row.turn < turn) rows.delete(key);
      }
      turn += 1;
      seen = 0;
      before = at;
      at = now;
    },
    since: <R extends object>(key: string, row: R) => {
      const last = rows.get(key);
      if (last === undefined) {
        rows.set(key, { row, turn });
        seen += 1;
        return undefined;
      }
      const earlier = last.row as R;
      const fresh = last.turn === turn - 1;
      if (last.turn !== turn) seen += 1;
      last.row = row;
      last.turn = turn;
      return fresh && at > before ? difference(earlier, row, at - before) : undefined;
    },
  };
}

function difference<R extends object>(
  before: R,
  after: R,
  seconds: number,
): Growths<R> | undefined {
  const grown: Record<string, number> = { seconds };
  for (const name in after) {
    const now = after[name];
    if (typeof now !== 'number') continue;
    const then = before[name];
    const amount = typeof then === 'number' ? now - then : 0;
    if (amount < 0) return undefined;
    grown[name] = amount;
  }
  return grown as Growths<R>;
}
