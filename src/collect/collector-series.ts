import type { Metric, Observation } from '../metric/index.ts';
import { Entry, type Ids, isOf, keyOf } from './series.ts';

/** Series that were not seen for this many collections have ended. */
const FORGET_AFTER = 30;
const HOUR = 3600;

/**
 * One collector's series.
 *
 * A collector observes the same things in the same order at every tick, so each series remembers
 * which one followed it. In steady state an observation finds its series by one comparison, without
 * a key being built or hashed; a device that comes or goes costs one look-up.
 */
export class CollectorSeries {
  readonly #byKey = new Map<string, Entry>();
  readonly #declared: ReadonlySet<Metric>;
  readonly #ids: Ids;
  readonly #host: string;
  readonly #cap: number;
  #first: Entry | undefined;
  #last: Entry | undefined;
  #turn = 0;
  /** The latest collection that brought samples. */
  #complete = 0;
  #seen = 0;
  #hour = Number.NEGATIVE_INFINITY;
  #fresh = 0;
  /** Observations left out because of the cap. */
  refused = 0;

  /** @param cap new series allowed in an hour. */
  constructor(declared: Iterable<Metric>, ids: Ids, host: string, cap: number) {
    // An instrument and the metric it observes under are one object, see src/metric.
    this.#declared = new Set(declared);
    this.#ids = ids;
    this.#host = host;
    this.#cap = cap;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Begins a collection, and forgets what has not been seen for long. */
  turn(): void {
    if (this.#seen < this.#byKey.size && this.#turn % FORGET_AFTER === 0) this.#forget();
    this.#turn += 1;
    this.#seen = 0;
    this.#last = undefined;
  }

  /**
   * The series an observation belongs to; `undefined` if it would be one too many this hour.
   *
   * @throws {@link Error} if the collector observes what it did not declare, or one series twice.
   */
  find(observation: Observation, at: number): Entry | undefined {
    let entry = this.#last === undefined ? this.#first : this.#last.next;
    if (entry === undefined || !isOf(entry, observation, this.#host)) {
      entry = this.#lookUp(observation, at);
      if (entry === undefined) return undefined;
      if (this.#last === undefined) this.#first = entry;
      else this.#last.next = entry;
    }
    if (entry.seen === this.#turn) {
      throw new Error(`observed ${spell(observation)} twice in one collection`);
    }
    entry.before = entry.seen;
    entry.seen = this.#turn;
    this.#seen += 1;
    this.#last = entry;
    return entry;
  }

  /** This collection brought samples: what it did not mention was not there. */
  complete(): void {
    this.#complete = this.#turn;
  }

  /**
   * Whether a series that was just found is new, or a collection since it was seen last did not
   * mention it: the device had gone, and what it counts now may be another's.
   */
  hadGone({ before }: Entry): boolean {
    return before < 0 || before < this.#complete;
  }

  #lookUp(observation: Observation, at: number): Entry | undefined {
    const key = keyOf(observation, this.#host);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const { metric, labels, host = this.#host } = observation;
    if (!this.#declared.has(metric)) {
      throw new Error(`observed ${metric.name}, which it does not declare`);
    }
    for (const name of metric.labels) {
      if (typeof labels[name] !== 'string') {
        throw new Error(`observed ${metric.name} without its label ${name}`);
      }
    }
    if (at - this.#hour >= HOUR) {
      this.#hour = at;
      this.#fresh = 0;
    }
    if (this.#fresh >= this.#cap) {
      this.refused += 1;
      return undefined;
    }
    this.#fresh += 1;
    const entry = new Entry({ id: this.#ids.take(), metric, host, labels }, key);
    this.#byKey.set(key, entry);
    return entry;
  }

  #forget(): void {
    for (const [key, entry] of this.#byKey) {
      if (entry.next !== undefined && this.#turn - entry.next.seen > FORGET_AFTER) {
        entry.next = undefined;
      }
      if (this.#turn - entry.seen <= FORGET_AFTER) continue;
      this.#byKey.delete(key);
      this.#ids.giveBack(entry.id);
      if (this.#first === entry) this.#first = undefined;
    }
  }

  /** Ends all series. */
  clear(): void {
    for (const { id } of this.#byKey.values()) this.#ids.giveBack(id);
    this.#byKey.clear();
    this.#first = undefined;
  }
}

const spell = ({ metric, labels }: Observation): string =>
  `${metric.name}{${metric.labels.map((name) => `${name}="${labels[name]}"`).join(',')}}`;
