import type { Sample, Series } from '../metric/index.ts';

/** Makes few samples of many, for a handler that wants them less often than they are observed. */
export interface Thinner {
  /** Takes in the samples of a collection; gives back those whose interval is over. */
  sift(samples: readonly Sample[]): readonly Sample[];
  /** Gives back what has gathered since: the end of the agent, or of the handler, ends every interval. */
  rest(): readonly Sample[];
}

/** What has gathered of one series. */
interface Slot {
  readonly series: Series;
  /** The end of its interval, as a multiple of the interval. */
  end: number;
  readings: number;
  sum: number;
  last: number;
  time: number;
  amount: number;
  seconds: number;
}

/** Stamps are whole milliseconds. */
const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/** The share of an interval by which stamps may miss its end. */
const ROUNDING = 1e-9;

/**
 * Makes a thinner for one handler. An interval ends with the sample stamped with a multiple of it; where
 * there is none, with the first one after. What is sent is stamped with the multiple. Of a level it gives the last reading or the average; of
 * what is counted always the whole growth: rates are over the whole interval, and nothing that was
 * counted is lost.
 *
 * @param interval in seconds.
 */
export function createThinner(interval: number, reduce: 'last' | 'average'): Thinner {
  // By the series' id: a series that ended makes room when its id is given to another.
  const slots: (Slot | undefined)[] = [];

  function slotOf(series: Series, into: Sample[]): Slot {
    const known = slots[series.id];
    if (known?.series === series) return known;
    if (known !== undefined) end(known, into, false);
    const fresh = { series, end: 0, readings: 0, sum: 0, last: 0, time: 0, amount: 0, seconds: 0 };
    slots[series.id] = fresh;
    return fresh;
  }

  function add(slot: Slot, { value, time, growth }: Sample): void {
    slot.readings += 1;
    slot.sum += value;
    slot.last = value;
    slot.time = time;
    if (growth === undefined) return;
    slot.amount += growth.amount;
    slot.seconds += growth.seconds;
  }

  /** @param whole whether the interval is over: what it has is stamped with its end. */
  function end(slot: Slot, into: Sample[], whole: boolean): void {
    const { series, readings, sum, last, time, amount, seconds } = slot;
    if (readings === 0) return;
    const { kind } = series.metric;
    const level = reduce === 'average' ? sum / readings : last;
    const value = kind === 'gauge' ? level : kind === 'delta' ? sum : last;
    const stamp = whole ? rounded(slot.end * interval) : time;
    const growth = seconds > 0 ? { amount, seconds } : undefined;
    into.push({ series, value, time: stamp, growth });
    slot.readings = 0;
    slot.sum = 0;
    slot.amount = 0;
    slot.seconds = 0;
  }

  return {
    sift(samples) {
      const over: Sample[] = [];
      for (const sample of samples) {
        const slot = slotOf(sample.series, over);
        const ticks = sample.time / interval;
        const until = Math.ceil(ticks - ROUNDING);
        if (slot.end < until) end(slot, over, true);
        slot.end = until;
        add(slot, sample);
        if (ticks >= until - ROUNDING) end(slot, over, true);
      }
      return over;
    },
    rest() {
      const left: Sample[] = [];
      for (const slot of slots) if (slot !== undefined) end(slot, left, false);
      return left;
    },
  };
}
