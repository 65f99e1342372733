import { Decimal } from './fours.ts';

/** Relative: what a percentile is off by at most, once values are no longer kept one by one. */
const ERROR = 0.005;
const STEP = Math.log((1 + ERROR) / (1 - ERROR));
/** The smallest and the largest amount that has a bucket of its own. */
const SMALLEST = 1e-9;
const LARGEST = 1e12;
const FIRST = Math.floor(Math.log(SMALLEST) / STEP);
const BUCKETS = Math.ceil(Math.log(LARGEST) / STEP) - FIRST + 1;

/** Numbers in logs have few digits and come again: their buckets are remembered, by a hash of them. */
const REMEMBERED_BITS = 12;
const remembered = new Float64Array(1 << REMEMBERED_BITS).fill(Number.NaN);
const theirPlaces = new Int32Array(1 << REMEMBERED_BITS);

/** Which bucket an amount belongs to. */
function placeOf(amount: number): number {
  const slot = Math.imul((amount * 1000) | 0, 0x9e3779b1) >>> (32 - REMEMBERED_BITS);
  if (remembered[slot] === amount) return theirPlaces[slot] as number;
  const place = Math.min(BUCKETS - 1, Math.floor(Math.log(amount) / STEP) - FIRST);
  remembered[slot] = amount;
  theirPlaces[slot] = place;
  return place;
}

/**
 * How values are spread: their percentiles, mean, least and most.
 *
 * Up to a bound every value is kept, and a percentile is exact, interpolated between its neighbours.
 * Beyond it values are counted in buckets whose width grows with them, each half a percent around its
 * middle: 39 kB for amounts above zero, as much for those below, however many there are.
 *
 * The buckets are those of DDSketch. Its library would bring Protocol Buffers along for sending
 * sketches, and buckets without a bound, to save the lines below.
 *
 * @see https://www.vldb.org/pvldb/vol12/p2195-masson.pdf
 */
export class Distribution {
  readonly #exact: number;
  #values: Float64Array;
  #sorted = true;
  #above: Float64Array | undefined;
  #below: Float64Array | undefined;
  #zeros = 0;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @param exact values that are kept one by one. */
  constructor(exact = 10_000) {
    this.#exact = exact;
    this.#values = new Float64Array(Math.min(exact, 64));
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** NaN without values, as are the others. */
  get mean(): number {
    return this.#sum / this.#count;
  }

  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }

  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  /** Takes in a value, so many times; one that is not finite is left out. */
  add(value: number, times = 1): void {
    if (!Number.isFinite(value)) return;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#sum += value * times;
    const count = this.#count + times;
    if (count > this.#exact) {
      if (this.#count <= this.#exact) this.#fold();
      this.#bucket(value, times);
    } else {
      while (count > this.#values.length) this.#grow();
      for (let i = this.#count; i < count; i += 1) this.#values[i] = value;
      this.#sorted = false;
    }
    this.#count = count;
  }

  /** @param percent from 0, which is the least, to 100, which is the most. */
  percentile(percent: number): number {
    if (this.#count === 0) return Number.NaN;
    if (percent <= 0) return this.#min;
    if (percent >= 100) return this.#max;
    const place = ((this.#count - 1) * percent) / 100;
    if (this.#count > this.#exact) return this.#nearest(Math.round(place));
    if (!this.#sorted) this.#values.subarray(0, this.#count).sort();
    this.#sorted = true;
    const low = this.#values[Math.floor(place)] ?? Number.NaN;
    const high = this.#values[Math.ceil(place)] ?? Number.NaN;
    return low + (high - low) * (place - Math.floor(place));
  }

  clear(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#zeros = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
    this.#above?.fill(0);
    this.#below?.fill(0);
  }

  #grow(): void {
    const values = new Float64Array(Math.min(this.#exact, this.#values.length * 4));
    values.set(this.#values);
    this.#values = values;
  }

  #fold(): void {
    for (const value of this.#values.subarray(0, this.#count)) this.#bucket(value, 1);
  }

  #bucket(value: number, times: number): void {
    const amount = Math.abs(value);
    if (amount < SMALLEST) {
      this.#zeros += times;
      return;
    }
    const place = placeOf(amount);
    let buckets = value > 0 ? this.#above : this.#below;
    if (buckets === undefined) {
      buckets = new Float64Array(BUCKETS);
      if (value > 0) this.#above = buckets;
      else this.#below = buckets;
    }
    buckets[place] = (buckets[place] ?? 0) + times;
  }

  #nearest(rank: number): number {
    const within = (value: number) => Math.min(this.#max, Math.max(this.#min, value));
    // Not the geometric mean: that is off by more towards one end than towards the other.
    const middle = (place: number) => Math.exp((place + FIRST) * STEP) * (1 + ERROR);
    let passed = 0;
    for (let i = BUCKETS - 1; i >= 0 && this.#below; i -= 1) {
      passed += this.#below[i] ?? 0;
      if (passed > rank) return within(-middle(i));
    }
    passed += this.#zeros;
    if (passed > rank) return within(0);
    for (let i = 0; i < BUCKETS && this.#above; i += 1) {
      passed += this.#above[i] ?? 0;
      if (passed > rank) return within(middle(i));
    }
    return this.#max;
  }
}

/** Numbers below a thousand, with two digits behind the point at most, have a place of their own. */
const OWN_DIGITS = 1000;
const OWN_PLACES = 3;

/**
 * Numbers as lines have them, read and counted until a {@link Distribution} takes them in. Most have few digits
 * and come again: to count such a one is an addition, where a distribution compares it, adds it up and looks for its bucket.
 */
export class Decimals extends Decimal {
  readonly #spread = new Distribution();
  readonly #counts = new Float64Array(OWN_DIGITS * OWN_PLACES);
  /** The places in the list above that are not 0. */
  readonly #seen: number[] = [];

  /** Counts the number that was read. */
  count(): void {
    const { digits, places } = this;
    if (digits >= OWN_DIGITS || places >= OWN_PLACES) {
      this.#spread.add(digits / 10 ** places);
      return;
    }
    const place = places * OWN_DIGITS + digits;
    const count = this.#counts[place] as number;
    if (count === 0) this.#seen.push(place);
    this.#counts[place] = count + 1;
  }

  /** What was counted since it was last cleared. */
  spread(): Distribution {
    for (const place of this.#seen) {
      const places = Math.floor(place / OWN_DIGITS);
      this.#spread.add((place - places * OWN_DIGITS) / 10 ** places, this.#counts[place]);
      this.#counts[place] = 0;
    }
    this.#seen.length = 0;
    return this.#spread;
  }
}

/**
 * What is reported of a distribution, by the word for it: `mean`, `min`, `max`, and `p99` for each
 * percentile that is asked for. Nothing where there are no values.
 */
export function* statistics(
  distribution: Distribution,
  percentiles: readonly number[],
): Generator<readonly [statistic: string, value: number]> {
  if (distribution.count === 0) return;
  yield ['mean', distribution.mean];
  yield ['min', distribution.min];
  yield ['max', distribution.max];
  for (const percent of new Set(percentiles))
    yield [`p${percent}`, distribution.percentile(percent)];
}
