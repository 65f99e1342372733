import type { Sample, Series } from '../metric/index.ts';

/**
 * The samples of one collection, in their order. What is known of a series stands at its id in columns
 * that all collectors share: of ten thousands, objects would have to be fetched from all over the memory.
 * It holds until the collector's next collection.
 */
export interface Readings {
  readonly length: number;
  /** Whose samples these are, as far as `length`. */
  readonly ids: Int32Array;
  /** The same object for as long as the same series come in the same order; absent where nobody looks after it. */
  readonly order?: object | undefined;
  /** By id, like all that follow. */
  readonly series: readonly (Series | undefined)[];
  readonly values: Float64Array;
  /** How much each has grown; NaN where a sample has no growth. */
  readonly amounts: Float64Array;
  /** When they were observed and over how many seconds they grew, all of them. */
  readonly time: number;
  readonly seconds: number;
  /** The same of each, where they differ. */
  readonly times: Float64Array | undefined;
  readonly spans: Float64Array | undefined;
}

/** The sample of a series, as an object. */
export function sampleOf(readings: Readings, id: number): Sample {
  const { series, values, amounts, time, seconds, times, spans } = readings;
  const amount = amounts[id] as number;
  return {
    series: series[id] as Series,
    value: values[id] as number,
    time: times === undefined ? time : (times[id] as number),
    growth: Number.isNaN(amount)
      ? undefined
      : { amount, seconds: spans === undefined ? seconds : (spans[id] as number) },
  };
}

/** All samples, as objects that are the caller's. */
export function samplesOf(readings: Readings): Sample[] {
  const samples: Sample[] = [];
  for (let i = 0; i < readings.length; i += 1) {
    samples.push(sampleOf(readings, readings.ids[i] as number));
  }
  return samples;
}

/** The same, whatever becomes of the columns that all collectors share. */
export const copyOf = (readings: Readings): Readings => ({
  ...readings,
  ids: readings.ids.slice(),
  series: readings.series.slice(),
  values: readings.values.slice(),
  amounts: readings.amounts.slice(),
  times: readings.times?.slice(),
  spans: readings.spans?.slice(),
});
