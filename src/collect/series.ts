import type { Growth, Labels, Metric, Observation, Sample, Series } from '../metric/index.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NONE: Mutable<Growth> = { amount: Number.NaN, seconds: Number.NaN };

/** A series, and what the collect room remembers of it between two collections. */
export class Entry implements Series {
  readonly id: number;
  readonly metric: Metric;
  readonly kind: Metric['kind'];
  readonly collector: string;
  readonly host: string;
  readonly labels: Labels;
  readonly key: string;
  /** The collection that saw it last; -1 before the first. */
  seen = -1;
  /** Its latest observation, stamped: one object for as long as the series lives. */
  readonly sample: Mutable<Sample>;
  /** Where its growth is kept while it has any: one object, too. */
  readonly growth: Mutable<Growth>;
  /** The entry that followed this one in the last collection: the guess for the next. */
  next: Entry | undefined = undefined;

  constructor({ id, metric, collector, host, labels }: Series, key: string) {
    this.id = id;
    this.metric = metric;
    this.kind = metric.kind;
    this.collector = collector;
    this.host = host;
    this.labels = labels;
    this.key = key;
    // A gauge has none ever: a hypervisor has ten thousands of them.
    this.growth = metric.kind === 'gauge' ? NONE : { amount: Number.NaN, seconds: Number.NaN };
    // A time is mostly whole: V8 keeps such a number in place, where it is not NaN to begin with.
    this.sample = { series: this, value: Number.NaN, time: 0, growth: undefined };
  }
}

/** Hands out the ids of series, small and dense, so that tables beside the series stay small. */
export interface Ids {
  take(): number;
  giveBack(id: number): void;
}

/** Makes the ids of one agent; every collector's series share them. */
export function createIds(): Ids {
  const free: number[] = [];
  let next = 0;
  return {
    take() {
      const id = free.pop();
      if (id !== undefined) return id;
      next += 1;
      return next - 1;
    },
    giveBack: (id) => void free.push(id),
  };
}

/** Whether two sets of labels say the same of a metric. */
export function sameLabels({ labels: names }: Metric, a: Labels, b: Labels): boolean {
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    if (a[name] !== b[name]) return false;
  }
  return true;
}

/**
 * The text that identifies a series; control characters separate, because labels cannot be trusted not to.
 *
 * @param named whether metrics of one name may have different labels.
 */
export function keyOf({ metric, labels, host }: Observation, own: string, named: boolean): string {
  const names = named ? `\x01${metric.labels.join('\x02')}` : '';
  // Joined, it is one piece of memory: kept as it grew, a key takes three times as much.
  return [
    `${metric.name}\x01${host ?? own}${names}`,
    ...metric.labels.map((name) => labels[name]),
  ].join('\x02');
}
