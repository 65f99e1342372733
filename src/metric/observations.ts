import { type Labels, NO_LABELS } from './labels.ts';
import type { Instrument, Metric, Observation, Quantity, Unit } from './metric.ts';

/** There is room for so many in the beginning. */
const LEAST = 64;

/**
 * What one collection observes, in columns: for a collector of very many things, which keeps one of these and
 * fills it anew at every tick. It is a list of the same observations, without an object for any of them.
 *
 * @example
 * const seen = new Observations();
 * // At every tick:
 * seen.clear();
 * for (const { sent, labels } of devices) seen.add(metrics.sent, bytes(sent), labels);
 * return seen;
 */
export class Observations implements Iterable<Observation | Error> {
  /** How many there are. What stands behind them in the columns is of an earlier tick. */
  length = 0;
  readonly metrics: Metric[] = [];
  readonly labels: Labels[] = [];
  values: Float64Array = new Float64Array(LEAST);
  /** What could not be observed, of one device or another. */
  errors: Error[] = [];

  /**
   * Adds what `metric.observe(value, labels)` would be, of this host and now. Labels that are made once for
   * each device, and not at every tick, are the cheapest.
   */
  add<U extends Unit, L extends string>(
    metric: Instrument<U, L>,
    value: Quantity<U>,
    ...labels: [L] extends [never] ? [] : [labels: Readonly<Record<L, string>>]
  ): void;
  add(metric: Metric, value: number, labels: Labels = NO_LABELS): void {
    const { length } = this;
    if (length === this.values.length) this.#widen();
    this.metrics[length] = metric;
    this.labels[length] = labels;
    // Types are taken out of plugins, and a column would have null as 0.
    this.values[length] = typeof value === 'number' ? value : Number.NaN;
    this.length = length + 1;
  }

  /** Adds what could not be observed. */
  fail(error: Error): void {
    this.errors.push(error);
  }

  /** Begins anew. */
  clear(): void {
    this.length = 0;
    if (this.errors.length > 0) this.errors = [];
  }

  /** One of them, as an object. */
  at(place: number): Observation {
    return {
      metric: this.metrics[place] as Metric,
      value: this.values[place] as number,
      labels: this.labels[place] as Labels,
    };
  }

  *[Symbol.iterator](): Generator<Observation | Error> {
    for (let i = 0; i < this.length; i += 1) yield this.at(i);
    yield* this.errors;
  }

  #widen(): void {
    const { values } = this;
    this.values = new Float64Array(2 * values.length);
    this.values.set(values);
  }
}
