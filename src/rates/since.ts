import type { CollectContext, Growths } from '../plugin/index.ts';

type Row = Readonly<Record<string, number | undefined>>;

interface Remembered {
  /** Their names, and their values in the same order; NaN is absent. Numbers alone: a row would be garbage that had grown old. */
  counters: readonly string[];
  values: Float64Array;
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
  /** What is copied for each row: an object that grew by one counter after the other would be copied as often. */
  let blank: Blank = { counters: [], growths: {} };
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
        const values = Float64Array.from(counters, (name) => row[name] ?? Number.NaN);
        rows.set(key, { counters, values, turn });
        seen += 1;
        return undefined;
      }
      const fresh = last.turn === turn - 1;
      if (last.turn !== turn) seen += 1;
      last.turn = turn;
      if (last.counters !== counters) reorder(last, counters);
      if (blank.counters !== counters) blank = blankOf(counters);
      const grown = difference({ ...blank.growths }, counters, last.values, row, at - before);
      return fresh && at > before ? grown : undefined;
    },
  };
}

/** Keeps what is known of counters that are asked for in another order, or with others. */
function reorder(row: Remembered, counters: readonly string[]): void {
  const { counters: names, values } = row;
  row.counters = counters;
  row.values = Float64Array.from(counters, (name) => values[names.indexOf(name)] ?? Number.NaN);
}

/** How much some counters have grown, where nothing is known of them. */
interface Blank {
  readonly counters: readonly string[];
  readonly growths: Row;
}

const blankOf = (counters: readonly string[]): Blank => ({
  counters,
  growths: Object.fromEntries(['seconds', ...counters].map((name) => [name, undefined])),
});

/** How much each has grown; `undefined` if one went backwards. Remembers what they are now. */
function difference<K extends string>(
  grown: Record<string, number | undefined>,
  counters: readonly K[],
  values: Float64Array,
  row: Row,
  seconds: number,
): Growths<K> | undefined {
  grown['seconds'] = seconds;
  let backwards = false;
  for (let i = 0; i < counters.length; i += 1) {
    const name = counters[i] as K;
    const before = values[i] as number;
    const now = row[name];
    values[i] = now ?? Number.NaN;
    // Where there was none it grew by 0, and what is not there any more counts as 0.
    const amount = Number.isNaN(before) ? 0 : (now ?? 0) - before;
    if (amount < 0) backwards = true;
    grown[name] = amount;
  }
  return backwards ? undefined : (grown as Growths<K>);
}
