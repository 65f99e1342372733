import { copyOf, type Readings, wider } from '../columns/index.ts';
import {
  type Labels,
  type Metric,
  type Observation,
  Observations,
  type Series,
} from '../metric/index.ts';
import { growth } from '../rates/index.ts';
import type { CollectorSeries } from './contract.ts';
import { inColumns } from './in-columns.ts';
import { Book, hashOf, isAlike, mustIdentify, NONE, sameLabels, type Table } from './series.ts';

/** Series that were not seen for this many collections have ended. */
const FORGET_AFTER = 30;
const HOUR = 3600;
/** Peers keep seconds in 32 bits; whoever means milliseconds is far beyond. */
const END_OF_TIME = 2 ** 32;

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
  table: Table,
  { collector, host: own }: Pick<Series, 'collector' | 'host'>,
  cap: number,
): CollectorSeries {
  const book = new Book(table);
  // An instrument and the metric it observes under are one object, see src/metric.
  const metrics = declared && new Set(declared);
  let first = NONE;
  let last = NONE;
  let turn = 0;
  /** The latest collection that brought samples, and when it began. */
  let complete = 0;
  let completeAt = Number.NaN;
  let seen = 0;
  let ids = new Int32Array(16);
  /** Stands for the series of a collection in their order; whether it was another one this time; how many they were. */
  let order = {};
  let reordered = false;
  let ordered = 0;
  let at = Number.NaN;
  let time = 0;
  /** From the latest such collection to this one. */
  let span = Number.NaN;
  /** When the collection before began. */
  let before = Number.NaN;
  let hour = Number.NEGATIVE_INFINITY;
  let fresh = 0;
  let refused = 0;
  let resets = 0;
  /** Whether one of its series is another host's. */
  let abroad = false;
  /** Whether the samples of this collection have a time and a span each. */
  let odd = metrics === undefined;
  /** What was last handed out, and may not have been looked at yet. */
  let given: Readings | undefined;
  /** What was observed until the end. */
  let left: Readings | undefined;
  if (odd) table.keepTimes();

  function isAt(id: number, { metric, labels, host }: Observation): boolean {
    return (
      id !== NONE &&
      table.metrics[id] === metric &&
      sameLabels(metric, table.labels[id] as Labels, labels) &&
      table.series[id]?.host === (host ?? own)
    );
  }

  function find(observation: Observation): number {
    const guess = last === NONE ? first : (table.next[last] as number);
    if (isAt(guess, observation)) return guess;
    const id = lookUp(observation);
    if (id === NONE) return NONE;
    if (last === NONE) first = id;
    else table.next[last] = id;
    return id;
  }

  /** Who observes what others call as they like makes a metric for each observation. */
  const isOf = (known: Metric, metric: Metric): boolean =>
    known === metric || (metrics === undefined && isAlike(known, metric));

  function lookUp(observation: Observation): number {
    mustIdentify(observation, metrics);
    const { metric, labels, host = own } = observation;
    const hash = hashOf({ metric, labels, host });
    for (let id = book.at(hash); id !== NONE; id = table.alike[id] as number) {
      const known = table.series[id] as Series;
      if (
        known.host === host &&
        isOf(known.metric, metric) &&
        sameLabels(metric, known.labels, labels)
      ) {
        return id;
      }
    }
    if (at - hour >= HOUR) {
      hour = at;
      fresh = 0;
    }
    if (fresh >= cap) {
      refused += 1;
      return NONE;
    }
    fresh += 1;
    if (host !== own) abroad = true;
    const id = table.add({ metric, collector, host, labels });
    book.add(id, hash);
    return id;
  }

  /**
   * Whether the series is new, or a collection since it was seen last did not mention it: the device
   * had gone, and what it counts now may be another's.
   */
  function hadGone(id: number): boolean {
    const when = table.seen[id] as number;
    return when === NONE || when < complete;
  }

  /** How much a counter has grown since its latest sample, which was taken when the table says. */
  function grown(id: number, value: number, now: number) {
    const latest = table.values[id] as number;
    if (value < latest) resets += 1;
    if (metrics === undefined && table.seen[id] !== NONE) {
      return growth(latest, value, now - (table.times?.[id] ?? Number.NaN));
    }
    return hadGone(id) ? undefined : growth(latest, value, span);
  }

  /** Keeps how much a series has grown, over how long; and when that was found out. */
  function keep(id: number, amount: number, seconds: number, now: number): void {
    table.amounts[id] = amount;
    if (!odd && (now !== time || (seconds !== span && !Number.isNaN(amount)))) beOdd();
    if (table.times === undefined || table.spans === undefined) return;
    table.times[id] = now;
    table.spans[id] = seconds;
  }

  function beOdd(): void {
    odd = true;
    table.keepTimes();
    for (let i = 0; i < seen; i += 1) {
      const id = ids[i] as number;
      if (table.times !== undefined) table.times[id] = time;
      if (table.spans !== undefined) table.spans[id] = span;
    }
  }

  /**
   * Finds the series that an observation belongs to and stamps it; one that would be one too many this hour
   * is left out.
   *
   * @throws {@link Error} if the collector observes what it did not declare, or one series twice.
   */
  function stamp(observation: Observation): void {
    const id = find(observation);
    if (id === NONE) return;
    if (table.seen[id] === turn)
      throw new Error(`observed ${spell(observation)} twice in one collection`);
    const { metric, value, seconds } = observation;
    const now = observation.time ?? time;
    if (!(now >= 0 && now < END_OF_TIME)) {
      throw new Error(
        `observed ${spell(observation)} at ${now}, which is no time in seconds since 1970`,
      );
    }
    if (metric.kind === 'gauge') keep(id, Number.NaN, Number.NaN, now);
    else if (metric.kind === 'delta') {
      keep(id, value, seconds ?? (Number.isNaN(before) ? 0 : at - before), now);
    } else {
      const more = grown(id, value, now);
      keep(id, more?.amount ?? Number.NaN, more?.seconds ?? Number.NaN, now);
    }
    table.values[id] = value;
    table.seen[id] = turn;
    if (seen === ids.length) ids = wider(Int32Array, ids, 2 * seen);
    if (ids[seen] !== id) {
      ids[seen] = id;
      reordered = true;
    }
    seen += 1;
    last = id;
  }

  /** Stamps one thing, whatever it is. */
  function take(item: Observation | Error, errors: Error[]): void {
    if (!('metric' in item)) {
      errors.push(item);
      return;
    }
    if (!Number.isFinite(item.value)) {
      errors.push(new Error(`observed ${item.metric.name} as ${item.value}, not a number`));
      return;
    }
    try {
      stamp(item);
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Stamps observations of this host and now. What was here in the collection before is stamped in place; all
   * else has a call of its own.
   */
  function stampAll(observed: Observations, length: number, errors: Error[]): void {
    const elapses = span > 0;
    const steady = elapses && at - before === span;
    const known = table.metrics;
    const { metrics: measured, labels: given, values: read } = observed;
    let { labels: labelled, values, amounts, seen: when, next, times, spans } = table;
    for (let i = 0; i < length; i += 1) {
      const metric = measured[i] as Metric;
      const labels = given[i] as Labels;
      const value = read[i] as number;
      const id = last === NONE ? first : (next[last] as number);
      if (
        id === NONE ||
        known[id] !== metric ||
        (labelled[id] !== labels && !sameLabels(metric, labelled[id] as Labels, labels)) ||
        when[id] !== complete ||
        abroad ||
        (metric.kind === 'delta' && !steady) ||
        // Neither infinite nor no number at all.
        value - value !== 0 ||
        seen === ids.length
      ) {
        take(observed.at(i), errors);
        // There may be more room now.
        ({ values, amounts, seen: when, next, times, spans } = table);
        continue;
      }
      if (metric.kind === 'counter') {
        const amount = value - (values[id] as number);
        if (amount < 0) resets += 1;
        amounts[id] = amount >= 0 && elapses ? amount : Number.NaN;
      } else if (metric.kind === 'delta') amounts[id] = value;
      values[id] = value;
      when[id] = turn;
      if (odd && times !== undefined && spans !== undefined) {
        times[id] = time;
        spans[id] = span;
      }
      if (ids[seen] !== id) {
        ids[seen] = id;
        reordered = true;
      }
      seen += 1;
      last = id;
    }
  }

  function forget(): void {
    const { next, seen: when } = table;
    book.filter((id) => {
      const other = next[id] as number;
      if (other !== NONE && turn - (when[other] as number) > FORGET_AFTER) next[id] = NONE;
      if (turn - (when[id] as number) <= FORGET_AFTER) return true;
      table.remove(id);
      if (first === id) first = NONE;
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
    get readings() {
      if (left !== undefined) return left;
      const { series, values, amounts } = table;
      const times = odd ? table.times : undefined;
      const spans = odd ? table.spans : undefined;
      if (reordered || seen !== ordered) {
        order = {};
        reordered = false;
        ordered = seen;
      }
      given = {
        length: seen,
        ids,
        order,
        series,
        values,
        amounts,
        time,
        seconds: span,
        times,
        spans,
      };
      return given;
    },
    turn(now, tick) {
      if (seen < book.size && turn % FORGET_AFTER === 0) forget();
      turn += 1;
      seen = 0;
      last = NONE;
      before = at;
      at = now;
      time = tick;
      span = at - completeAt;
      odd = metrics === undefined;
    },
    gather(items, errors) {
      if (!(items instanceof Observations)) {
        inColumns(items, table.draft, {
          all: (length) => stampAll(table.draft, length, errors),
          one: (item) => take(item, errors),
        });
        return;
      }
      stampAll(items, items.length, errors);
      for (const error of items.errors) errors.push(error);
    },
    complete() {
      complete = turn;
      completeAt = at;
    },
    clear() {
      // Whoever waited for the collection may see it only after this.
      if (given !== undefined) Object.assign(given, copyOf(given));
      left = copyOf(this.readings);
      book.filter((id) => {
        table.remove(id);
        return false;
      });
      book.clear();
      first = NONE;
    },
  };
}

const spell = ({ metric, labels }: Observation): string =>
  `${metric.name}{${metric.labels.map((name) => `${name}="${labels[name]}"`).join(',')}}`;
