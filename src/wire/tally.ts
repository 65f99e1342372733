import { decoded, encoded } from './bytes.ts';

export interface TallyOptions {
  /** Names that are told apart; what comes beyond counts as `other`. */
  readonly limit?: number;
  /**
   * Names that are counted until the next {@link Tally.take}, of which the `limit` most frequent are
   * then told apart. As many as `limit` unless said: then the first come.
   */
  readonly candidates?: number;
  /** Bytes: a longer name counts as `other`. */
  readonly longest?: number;
}

/** Under what everything is counted that is not told apart. */
export const OTHER = 'other';

/**
 * Counts by name, for names that come from lines: the memory it takes and the number of names it
 * reports have a bound, whatever the lines hold. Names are compared as bytes, and made a string once.
 */
export class Tally {
  readonly #limit: number;
  readonly #candidates: number;
  readonly #longest: number;
  /** Place in the lists below, plus one; 0 where there is none. Twice as long as it has names at most. */
  #table: Int32Array;
  #keys: Uint8Array[] = [];
  #names: string[] = [];
  #counts: number[] = [];
  /** How many of the names, from the first on, were reported before. */
  #kept = 0;
  #other = 0;
  #hasOther = false;

  constructor({ limit = 100, candidates = limit, longest = 128 }: TallyOptions = {}) {
    this.#limit = limit;
    this.#candidates = Math.max(limit, candidates);
    this.#longest = longest;
    this.#table = new Int32Array(64);
  }

  /** Counts the name that stands between two places. */
  add(bytes: Uint8Array, from = 0, to = bytes.length, by = 1): void {
    const length = to - from;
    if (length > this.#longest || length <= 0) {
      this.addOther(by);
      return;
    }
    let hash = length;
    for (let at = from; at < to; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    const mask = this.#table.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const place = (this.#table[slot] ?? 0) - 1;
      if (place < 0) break;
      const key = this.#keys[place] as Uint8Array;
      if (key.length === length) {
        let i = 0;
        while (i < length && key[i] === bytes[from + i]) i += 1;
        if (i === length) {
          this.#counts[place] = (this.#counts[place] ?? 0) + by;
          return;
        }
      }
      slot = (slot + 1) & mask;
    }
    if (this.#keys.length >= this.#candidates) {
      this.addOther(by);
      return;
    }
    // Not bytes.slice(): a Buffer's shares its memory, into which the next lines will be read.
    const key = new Uint8Array(bytes.subarray(from, to));
    this.#keys.push(key);
    this.#names.push(decoded(key));
    this.#counts.push(by);
    this.#table[slot] = this.#keys.length;
    if (this.#keys.length * 2 > this.#table.length) this.#rebuild(this.#table.length * 2);
  }

  addText(name: string, by = 1): void {
    this.add(encoded(name), 0, undefined, by);
  }

  /** Counts what has no name of its own. */
  addOther(by = 1): void {
    this.#other += by;
    this.#hasOther = true;
  }

  /**
   * The names and how often they were counted since the last time; 0 for one that was not, so that
   * its graph falls to zero. What was not told apart comes last, under `other`.
   */
  take(): readonly (readonly [name: string, count: number])[] {
    if (this.#keys.length > this.#limit) this.#choose();
    const taken: [string, number][] = this.#names.map((name, i) => [name, this.#counts[i] ?? 0]);
    if (this.#hasOther) {
      const own = taken.find(([name]) => name === OTHER);
      if (own === undefined) taken.push([OTHER, this.#other]);
      else own[1] += this.#other;
    }
    this.#kept = this.#keys.length;
    this.#counts.fill(0);
    this.#other = 0;
    return merged(taken);
  }

  /** Keeps the most frequent: first what is known and was seen, then what is new, then the silent. */
  #choose(): void {
    const rank = (place: number) =>
      (this.#counts[place] ?? 0) + (place < this.#kept && this.#counts[place] ? 2 ** 52 : 0);
    const order = this.#keys.map((_, place) => place).sort((a, b) => rank(b) - rank(a));
    for (const place of order.slice(this.#limit)) this.addOther(this.#counts[place]);
    const kept = order.slice(0, this.#limit).sort((a, b) => a - b);
    this.#keys = kept.map((place) => this.#keys[place] as Uint8Array);
    this.#names = kept.map((place) => this.#names[place] as string);
    this.#counts = kept.map((place) => this.#counts[place] ?? 0);
    this.#rebuild(64);
  }

  #rebuild(least: number): void {
    let size = least;
    while (size < this.#keys.length * 2) size *= 2;
    this.#table = new Int32Array(size);
    for (const [place, key] of this.#keys.entries()) {
      let hash = key.length;
      for (const byte of key) hash = (Math.imul(hash, 31) + byte) | 0;
      let slot = (hash ^ (hash >>> 15)) & (size - 1);
      while (this.#table[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#table[slot] = place + 1;
    }
  }
}

/** Names of different bytes that are one text, because their bytes are no UTF-8, are one name. */
function merged(taken: readonly [string, number][]): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const [name, count] of taken) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums.size === taken.length ? taken : [...sums];
}
