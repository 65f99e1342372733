import type { Metric, Observation, Sample, Series } from '../metric/index.ts';
import { growth } from '../rates/index.ts';
import { Book, Entry, hashOf, type Ids, isAlike, type Span, sameLabels } from './series.ts';

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
  /** Samples of this collection. */
  readonly stamped: number;
  /**
   * Begins a collection, and forgets what has not been seen for long.
   *
   * @param at seconds on the monotonic clock.
   */
  turn(at: number): void;
  /**
   * Stamps all that a collection brings, in one call or several; what is wrong with one thing costs itself.
   *
   * @param time the tick's.
   * @param samples gets the samples in their order, from its beginning on, in place of what it holds.
   *   {@link stamped} says how many are this collection's.
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
 * anything being hashed; a device that comes or goes costs one look-up.
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
  const book = new Book();
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

  /** Who observes what others call as they like makes a metric for each observation. */
  const isOf = (entry: Entry, metric: Metric): boolean =>
    entry.metric === metric || (metrics === undefined && isAlike(entry.metric, metric));

  function lookUp(observation: Observation): Entry | undefined {
    const { metric, labels, host = own } = observation;
    const hash = hashOf({ metric, labels, host });
    for (let known = book.at(hash); known !== undefined; known = known.alike) {
      if (known.host === host && isOf(known, metric) && sameLabels(metric, known.labels, labels)) {
        return known;
      }
    }
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
    const entry = new Entry({ id: ids.take(), metric, collector, host, labels });
    book.add(entry, hash);
    return entry;
  }

  /**
   * Whether the series is new, or a collection since it was seen last did not mention it: the device
   * had gone, and what it counts now may be another's.
   */
  const hadGone = (entry: Entry): boolean => entry.seen < 0 || entry.seen < complete;

  /** How much it has grown since its latest sample, which was taken when `entry.time` says. */
  function grown(entry: Entry, { value, seconds }: Observation, now: number): Sample['growth'] {
    if (entry.metric.kind === 'delta') {
      const elapsed = seconds ?? (Number.isNaN(before) ? 0 : at - before);
      return grow(entry, { amount: value, seconds: elapsed });
    }
    const latest = entry.value;
    if (value < latest) resets += 1;
    if (metrics === undefined && entry.seen >= 0) {
      return grow(entry, growth(latest, value, now - entry.time));
    }
    return hadGone(entry) ? undefined : grow(entry, growth(latest, value, at - completeAt));
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
    const now = observation.time ?? time;
    entry.growth = entry.metric.kind === 'gauge' ? undefined : grown(entry, observation, now);
    entry.value = observation.value;
    entry.time = now;
    entry.seen = turn;
    seen += 1;
    last = entry;
    return entry;
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
      if (sample !== undefined) samples[seen - 1] = sample;
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function forget(): void {
    book.filter((entry) => {
      if (entry.next !== undefined && turn - entry.next.seen > FORGET_AFTER) entry.next = undefined;
      if (turn - entry.seen <= FORGET_AFTER) return true;
      ids.giveBack(entry.id);
      if (first === entry) first = undefined;
      return false;
    });
  }

  return {
    get size() {
      return book.size;
    },
    get refused() {
      return refused;
    },
    get resets() {
      return resets;
    },
    get stamped() {
      return seen;
    },
    turn(now) {
      if (seen < book.size && turn % FORGET_AFTER === 0) forget();
      turn += 1;
      seen = 0;
      last = undefined;
      before = at;
      at = now;
    },
    gather(items, time, samples, errors) {
      const span: Span = { seconds: at - completeAt };
      const elapses = span.seconds > 0;
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
          metric.kind === 'delta' ||
          other !== undefined ||
          // Neither infinite nor no number at all.
          value - value !== 0
        ) {
          take(item, time, samples, errors);
          continue;
        }
        if (metric.kind === 'counter') {
          const amount = value - entry.value;
          if (amount >= 0 && elapses) {
            entry.amount = amount;
            entry.span = span;
            entry.growth = entry;
          } else {
            if (amount < 0) resets += 1;
            entry.growth = undefined;
          }
        }
        entry.value = value;
        entry.time = time;
        entry.seen = turn;
        last = entry;
        samples[seen] = entry;
        seen += 1;
      }
    },
    complete() {
      complete = turn;
      completeAt = at;
    },
    clear() {
      book.filter((entry) => {
        ids.giveBack(entry.id);
        return false;
      });
      book.clear();
      first = undefined;
    },
  };
}

/** Keeps the growth of a series in the series. */
function grow(entry: Entry, grown: Sample['growth']): Sample['growth'] {
  if (grown === undefined) return undefined;
  entry.amount = grown.amount;
  entry.span = { seconds: grown.seconds };
  return entry;
}

const spell = ({ metric, labels }: Observation): string =>
  `${metric.name}{${metric.labels.map((name) => `${name}="${labels[name]}"`).join(',')}}`;
