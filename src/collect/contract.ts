import type { Readings } from '../columns/index.ts';
import type { Observation } from '../metric/index.ts';

/** One collector's series, and what was last observed of each. */
export interface CollectorSeries {
  /** Series that live now. */
  readonly size: number;
  /** Observations left out because of the cap. */
  readonly refused: number;
  /** Counters that went backwards. */
  readonly resets: number;
  /** The samples of this collection so far, in their order. */
  readonly readings: Readings;
  /**
   * Begins a collection, and forgets what has not been seen for long.
   *
   * @param at seconds on the monotonic clock.
   * @param time the tick's.
   */
  turn(at: number, time: number): void;
  /**
   * Stamps all that a collection brings, in one call or several; what is wrong with one thing costs itself.
   *
   * @param errors gets what is wrong, and what the collector says is wrong.
   */
  gather(items: Iterable<Observation | Error>, errors: Error[]): void;
  /** This collection brought samples: what it did not mention was not there. */
  complete(): void;
  /** Ends all series. Their places are others' then: the samples of the latest collection are kept apart. */
  clear(): void;
}
