import type { Growth, Labels, Metric, Observation, Sample, Series } from '../metric/index.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NONE: Mutable<Growth> = { amount: Number.NaN, seconds: Number.NaN };

/**
 * A series, its latest sample, and what the collect room remembers of it between two collections: one
 * object for as long as the series lives.
 */
export class Entry implements Series, Sample {
  readonly id: number;
  readonly metric: Metric;
  readonly kind: Metric['kind'];
  readonly collector: string;
  readonly host: string;
  readonly labels: Labels;
  /** The collection that saw it last; -1 before the first. */
  seen = -1;
  readonly series: Series;
  value = Number.NaN;
  // A time is mostly whole: V8 keeps such a number in place, where it is not NaN to begin with.
  time = 0;
  growth: Growth | undefined = undefined;
  /** Where its growth is kept while it has any. */
  readonly grown: Mutable<Growth>;
  /** The entry that followed this one in the last collection: the guess for the next. */
  next: Entry | undefined = undefined;
  /** Another one with the same {@link hashOf}. */
  alike: Entry | undefined = undefined;

  constructor({ id, metric, collector, host, labels }: Series) {
    this.id = id;
    this.metric = metric;
    this.kind = metric.kind;
    this.collector = collector;
    this.host = host;
    this.labels = labels;
    // A gauge has none ever: a hypervisor has ten thousands of them.
    this.grown = metric.kind === 'gauge' ? NONE : { amount: Number.NaN, seconds: Number.NaN };
    this.series = this;
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

/** Whether two metrics have the same name and the same labels. */
export const isAlike = (a: Metric, b: Metric): boolean =>
  a.name === b.name && a.labels.join('\x02') === b.labels.join('\x02');

/** As FNV-1a has it. */
const PRIME = 0x01000193;

function mixed(hash: number, text: string): number {
  let mix = hash;
  for (let i = 0; i < text.length; i += 1) mix = Math.imul(mix ^ text.charCodeAt(i), PRIME);
  // Where one text ends and the next begins.
  return Math.imul(mix ^ 0xffff, PRIME);
}

/**
 * A number by which a series is found again; another may have the same one. It is made of texts that are
 * there anyway: a text of its own for each series would be the sixth part of what a series takes.
 */
export function hashOf({ metric, labels, host }: Observation): number {
  let hash = mixed(0, metric.name);
  if (host !== undefined) hash = mixed(hash, host);
  for (const name of metric.labels) hash = mixed(hash, labels[name] ?? '');
  return hash;
}
