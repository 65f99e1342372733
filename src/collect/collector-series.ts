import type { Metric, Observation, Sample, Series } from '../metric/index.ts';
import { growth } from '../rates/index.ts';
import { Entry, type Ids, keyOf, sameLabels } from './series.ts';

/** Series that were not seen for this many collections have ended. */
const FORGET_AFTER = 30;
const HOUR = 3600;

/** One collector's series, and what was last observed of each. */
export interface CollectorSeries {
  /** Series that live now. */
  readonly size: number;
  /** Observations left out because of the cap. */
  readonly refused: number;
  /** Counters that went backwards. */
  readonly resets: number;
  /**
   * Begins a collection, and forgets what has not been seen for long.
   *
   * @param at seconds on the monotonic clock.
   */
  turn(at: number): void;
  /**
   * Stamps all that a collection brings; what is wrong with one thing costs itself.
   *
   * @param time the tick's.
   * @param samples gets the samples, in their order.
   * @param errors gets what is wrong, and what the collector says is wrong.
   */
  gather(
    items: Iterable<Observation | Error>,
    time: number,
    samples: Sample[],
    errors: Error[],
  ): void;
  /** This collection brought samples: what it did not mention was not there. */
  complete(): void;
  /** Ends all series. */
  clear(): void;
}

/**
 * Makes the empty book of one collector's series.
 *
 * A collector observes the same things in the same order at every tick, so each series remembers
 * which one followed it. In steady state an observation finds its series by one comparison, without
 * a key being built or hashed; a device that comes or goes costs one look-up.
 *
 * This runs for every observation, in code that V8 does not optimize for hours (see
 * docs/architecture.md): a variable of the function costs it a tenth of a private field.
 *
 * @param declared the collector's metrics; where absent, it may observe any.
 * @param from the collector instance, and the host the agent runs on.
 * @param cap new series allowed in an hour.
 */
export function createCollectorSeries(
  declared: Iterable<Metric> | undefined,
  ids: Ids,
  { collector, host: own }: Pick<Series, 'collector' | 'host'>,
  cap: number,
): CollectorSeries {
  const byKey = new Map<string, Entry>();
  // An instrument and the metric it observes under are one object, see src/metric.
  const metrics = declared && new Set(declared);
  let first: Entry | undefined;
  let last: Entry | undefined;
  let turn = 0;
  /** The latest collection that brought samples, and when it began. */
  let complete = 0;
  let completeAt = Number.NaN;
  let seen = 0;
  let at = Number.NaN;
  /** When the collection before began. */
  let before = Number.NaN;
  let hour = Number.NEGATIVE_INFINITY;
  let fresh = 0;
  let refused = 0;
  let resets = 0;

  function find(observation: Observation): Entry | undefined {
    const { metric, labels, host } = observation;
    const guess = last === undefined ? first : last.next;
    if (
      guess !== undefined &&
      guess.metric === metric &&
      guess.host === (host ?? own) &&
      (guess.labels === labels || sameLabels(metric, guess.labels, labels))
    ) {
      return guess;
    }
    const entry = lookUp(observation);
    if (entry === undefined) return undefined;
    if (last === undefined) first = entry;
    else last.next = entry;
    return entry;
  }

  function lookUp(observation: Observation): Entry | undefined {
    const key = keyOf(observation, own, metrics === undefined);
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const { metric, labels, host = own } = observation;
    if (metrics?.has(metric) === false) {
      throw new Error(`observed ${metric.name}, which it does not declare`);
    }
    for (const name of metric.labels) {
      if (typeof labels[name] !== 'string') {
        throw new Error(`observed ${metric.name} without its label ${name}`);
      }
    }
    if (at - hour >= HOUR) {
      hour = at;
      fresh = 0;
    }
    if (fresh >= cap) {
      refused += 1;
      return undefined;
    }
    fresh += 1;
    const entry = new Entry({ id: ids.take(), metric, collector, host, labels }, key);
    byKey.set(key, entry);
    return entry;
  }

  /**
   * Whether the series is new, or a collection since it was seen last did not mention it: the device
   * had gone, and what it counts now may be another's.
   */
  const hadGone = (entry: Entry): boolean => entry.seen < 0 || entry.seen < complete;

  /** How much it has grown since its latest sample, which was taken when `entry.sample.time` says. */
  function grown(entry: Entry, { value, seconds }: Observation, now: number): Sample['growth'] {
    if (entry.kind === 'delta') {
      entry.growth.amount = value;
      entry.growth.seconds = seconds ?? (Number.isNaN(before) ? 0 : at - before);
      return entry.growth;
    }
    const latest = entry.sample.value;
    if (value < latest) resets += 1;
    if (metrics === undefined && entry.seen >= 0) {
      return growth(latest, value, now - entry.sample.time, entry.growth);
    }
    return hadGone(entry) ? undefined : growth(latest, value, at - completeAt, entry.growth);
  }

  /**
   * Finds the series that an observation belongs to and stamps it.
   *
   * @returns the series' sample; `undefined` if the series would be one too many this hour.
   * @throws {@link Error} if the collector observes what it did not declare, or one series twice.
   */
  function stamp(observation: Observation, time: number): Sample | undefined {
    const entry = find(observation);
    if (entry === undefined) return undefined;
    if (entry.seen === turn)
      throw new Error(`observed ${spell(observation)} twice in one collection`);
    const { sample } = entry;
    const { value } = observation;
    const now = observation.time ?? time;
    sample.growth = entry.kind === 'gauge' ? undefined : grown(entry, observation, now);
    sample.value = value;
    sample.time = now;
    entry.seen = turn;
    seen += 1;
    last = entry;
    return sample;
  }

  /** Stamps one thing, whatever it is. */
  function take(item: Observation | Error, time: number, samples: Sample[], errors: Error[]): void {
    if (!('metric' in item)) {
      errors.push(item);
      return;
    }
    if (!Number.isFinite(item.value)) {
      errors.push(new Error(`observed ${item.metric.name} as ${item.value}, not a number`));
      return;
    }
    try {
      const sample = stamp(item, time);
      if (sample !== undefined) samples.push(sample);
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function forget(): void {
    for (const [key, entry] of byKey) {
      if (entry.next !== undefined && turn - entry.next.seen > FORGET_AFTER) {
        entry.next = undefined;
      }
      if (turn - entry.seen <= FORGET_AFTER) continue;
      byKey.delete(key);
      ids.giveBack(entry.id);
      if (first === entry) first = undefined;
    }
  }

  return {
    get size() {
      return byKey.size;
    },
    get refused() {
      return refused;
    },
    get resets() {
      return resets;
    },
    turn(now) {
      if (seen < byKey.size && turn % FORGET_AFTER === 0) forget();
      turn += 1;
      seen = 0;
      last = undefined;
      before = at;
      at = now;
    },
    gather(items, time, samples, errors) {
      let { length } = samples;
      const elapsed = at - completeAt;
      for (const item of items) {
        // What was here in the collection before, of this host and now, is stamped in place; all else
        // has a call of its own: an error has no metric, and so is no entry's.
        const { metric, labels, value, host, time: other } = item as Observation;
        const entry = last === undefined ? first : last.next;
        if (
          entry === undefined ||
          entry.metric !== metric ||
          (entry.labels !== labels && !sameLabels(metric, entry.labels, labels)) ||
          entry.seen !== complete ||
          entry.host !== (host ?? own) ||
          entry.kind === 'delta' ||
          other !== undefined ||
          // Neither infinite nor no number at all.
          value - value !== 0
        ) {
          take(item, time, samples, errors);
          length = samples.length;
          continue;
        }
        const { sample } = entry;
        if (entry.kind === 'counter') {
          const amount = value - sample.value;
          if (amount >= 0 && elapsed > 0) {
            const { growth } = entry;
            growth.amount = amount;
            growth.seconds = elapsed;
            sample.growth = growth;
          } else {
            if (amount < 0) resets += 1;
            sample.growth = undefined;
          }
        }
        sample.value = value;
        sample.time = time;
        entry.seen = turn;
        seen += 1;
        last = entry;
        samples[length] = sample;
        length += 1;
      }
    },
    complete() {
      complete = turn;
      completeAt = at;
    },
    clear() {
      for (const { id } of byKey.values()) ids.giveBack(id);
      byKey.clear();
      first = undefined;
    },
  };
}

const spell = ({ metric, labels }: Observation): string =>
  `${metric.name}{${metric.labels.map((name) => `${name}="${labels[name]}"`).join(',')}}`;
