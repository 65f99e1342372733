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
  #keys: DataView[] = [];
  /** Of the keys, in bytes. */
  #lengths: number[] = [];
  #names: string[] = [];
  #counts: number[] = [];
  /** How many of the names, from the first on, were reported before. */
  #kept = 0;
  #other = 0;
  #hasOther = false;
  /** Where a name is put that does not come in a view. */
  readonly #name: Uint8Array;
  readonly #nameView: DataView;

  constructor({ limit = 100, candidates = limit, longest = 128 }: TallyOptions = {}) {
    this.#limit = limit;
    this.#candidates = Math.max(limit, candidates);
    this.#longest = longest;
    this.#table = new Int32Array(64);
    this.#name = new Uint8Array(longest);
    this.#nameView = viewOf(this.#name);
  }

  /** Counts the name that stands between two places. */
  add(bytes: Uint8Array, from = 0, to = bytes.length, by = 1): void {
    const length = to - from;
    if (length > this.#longest || length <= 0) {
      this.addOther(by);
      return;
    }
    const name = this.#name;
    for (let i = 0; i < length; i += 1) name[i] = bytes[from + i] as number;
    this.addIn(this.#nameView, 0, length, by);
  }

  /** The same of bytes in a view, which is quicker. */
  addIn(view: DataView, from: number, to: number, by = 1): void {
    const length = to - from;
    if (length > this.#longest || length <= 0) {
      this.addOther(by);
      return;
    }
    const table = this.#table;
    const lengths = this.#lengths;
    const mask = table.length - 1;
    let slot = hashOf(view, from, length) & mask;
    for (;;) {
      const place = (table[slot] as number) - 1;
      if (place < 0) break;
      if (lengths[place] === length && isAt(this.#keys[place] as DataView, view, from, length)) {
        this.#counts[place] = (this.#counts[place] as number) + by;
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (this.#keys.length < this.#candidates) this.#begin(view, from, length, by, slot);
    else this.addOther(by);
  }

  #begin(view: DataView, from: number, length: number, by: number, slot: number): void {
    const key = new Uint8Array(view.buffer, view.byteOffset + from, length).slice();
    this.#keys.push(viewOf(key));
    this.#lengths.push(length);
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
    this.#keys = kept.map((place) => this.#keys[place] as DataView);
    this.#lengths = this.#keys.map(({ byteLength }) => byteLength);
    this.#names = kept.map((place) => this.#names[place] as string);
    this.#counts = kept.map((place) => this.#counts[place] ?? 0);
    this.#rebuild(64);
  }

  #rebuild(least: number): void {
    let size = least;
    while (size < this.#keys.length * 2) size *= 2;
    this.#table = new Int32Array(size);
    for (const [place, key] of this.#keys.entries()) {
      let slot = hashOf(key, 0, key.byteLength) & (size - 1);
      while (this.#table[slot] !== 0) slot = (slot + 1) & (size - 1);
      this.#table[slot] = place + 1;
    }
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** Four bytes at a time; the last four may have been among those before. */
function hashOf(view: DataView, from: number, length: number): number {
  let hash = length;
  const last = from + length - 4;
  for (let at = from; at < last; at += 4) hash = mixed(hash, view.getInt32(at, true));
  if (last >= from) hash = mixed(hash, view.getInt32(last, true));
  else for (let at = from; at < from + length; at += 1) hash = mixed(hash, view.getUint8(at));
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

const mixed = (hash: number, four: number): number => Math.imul(hash ^ four, 0x9e3779b1);

/** Whether a name stands at a place. */
function isAt(key: DataView, view: DataView, from: number, length: number): boolean {
  let i = 0;
  for (; i < length - 3; i += 4) {
    if (key.getInt32(i, true) !== view.getInt32(from + i, true)) return false;
  }
  while (i < length && key.getUint8(i) === view.getUint8(from + i)) i += 1;
  return i === length;
}

/** Names of different bytes that are one text, because their bytes are no UTF-8, are one name. */
function merged(taken: readonly [string, number][]): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const [name, count] of taken) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums.size === taken.length ? taken : [...sums];
}
