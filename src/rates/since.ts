import type { CollectContext, Growths } from '../plugin/index.ts';

type Row = Readonly<Record<string, number | undefined>>;

interface Remembered {
  row: Row;
  turn: number;
}

/** One collector's memory of its rows of counters. */
export interface Since {
  /** Begins a collection, at `at` seconds on the monotonic clock. */
  turn(at: number): void;
  readonly since: CollectContext['since'];
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
    since: <K extends string>(key: string, given: object, counters: readonly K[]) => {
      const row = given as Row;
      const last = rows.get(key);
      if (last === undefined) {
        rows.set(key, { row, turn });
        seen += 1;
        return undefined;
      }
      const earlier = last.row;
      const fresh = last.turn === turn - 1;
      if (last.turn !== turn) seen += 1;
      last.row = row;
      last.turn = turn;
      return fresh && at > before ? difference(counters, earlier, row, at - before) : undefined;
    },
  };
}

function difference<K extends string>(
  counters: readonly K[],
  before: Row,
  after: Row,
  seconds: number,
): Growths<K> | undefined {
  const grown: Record<string, number> = { seconds };
  for (let i = 0; i < counters.length; i += 1) {
    const name = counters[i] as K;
    const amount = (after[name] ?? 0) - (before[name] ?? after[name] ?? 0);
    if (amount < 0) return undefined;
    grown[name] = amount;
  }
  return grown as Growths<K>;
}
