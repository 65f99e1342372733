import type { Observation, Observations } from '../metric/index.ts';

/** Who stamps what comes. */
interface Stamp {
  /** The first so many that stand in the columns. */
  all(length: number): void;
  /** What has no place in them: an error, what is of another host or time, and what is no number. */
  one(item: Observation | Error): void;
}

/**
 * Puts what comes one by one into columns, a few at a time: all are stamped there.
 *
 * @param draft of which no more room is taken than there is.
 */
export function inColumns(
  items: Iterable<Observation | Error>,
  { metrics, labels, values }: Observations,
  stamp: Stamp,
): void {
  let length = 0;
  try {
    for (const item of items) {
      const observation = item as Observation;
      const { metric, value } = observation;
      if (
        metric === undefined ||
        observation.host !== undefined ||
        observation.time !== undefined ||
        observation.seconds !== undefined ||
        typeof value !== 'number'
      ) {
        stamp.all(length);
        length = 0;
        stamp.one(item);
        continue;
      }
      if (length === values.length) {
        stamp.all(length);
        length = 0;
      }
      metrics[length] = metric;
      labels[length] = observation.labels;
      values[length] = value;
      length += 1;
    }
  } finally {
    stamp.all(length);
  }
}
