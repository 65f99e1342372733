import type { Observation } from '../metric/index.ts';
import { NoData } from './errors.ts';

/**
 * One of several sources, each by itself: one that is absent is passed over, and an error costs what
 * this source had still to tell, not what its siblings tell.
 *
 * @returns whether the source is there at all.
 *
 * @example
 * yield* part(() => observeEntropy(host));
 */
export function* part(
  observe: () => Iterable<Observation | Error>,
): Generator<Observation | Error, boolean> {
  try {
    yield* observe();
  } catch (error) {
    if (error instanceof NoData) return false;
    if (!(error instanceof Error)) throw error;
    yield error;
  }
  return true;
}
