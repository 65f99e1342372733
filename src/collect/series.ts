import type { Growth, Labels, Metric, Sample, Series } from '../metric/index.ts';

/** A time between two readings. */
export interface Span {
  readonly seconds: number;
}
const NO_SPAN: Span = { seconds: Number.NaN };

/**
 * A series, its latest sample, that sample's growth, and what the collect room remembers of it between two
 * collections: one object for as long as the series lives, since a hypervisor has ten thousands of them.
 */
export class Entry implements Series, Sample, Growth {
  readonly id: number;
  readonly metric: Metric;
  readonly collector: string;
  readonly host: string;
  readonly labels: Labels;
  /** The collection that saw it last; -1 before the first. */
  seen = -1;
  readonly series: Series;
  value = Number.NaN;
  // A time is mostly whole: V8 keeps such a number in place, where it is not NaN to begin with.
  time = 0;
  /** Itself, while it has any. */
  growth: Growth | undefined = undefined;
  amount = Number.NaN;
  /** Over how long that was; most series of a collection have the same. */
  span: Span = NO_SPAN;
  /** The entry that followed this one in the last collection: the guess for the next. */
  next: Entry | undefined = undefined;
  /** Another one in the same place of a {@link Book}. */
  alike: Entry | undefined = undefined;

  get seconds(): number {
    return this.span.seconds;
  }

  constructor({ id, metric, collector, host, labels }: Series) {
    this.id = id;
    this.metric = metric;
    this.collector = collector;
    this.host = host;
    this.labels = labels;
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

/** The places that a book begins with; always a power of two. */
const LEAST = 64;

/** Finds series by {@link hashOf}. A Map would take four times as much for each of ten thousands. */
export class Book {
  /** Those in one place are linked by {@link Entry.alike}. */
  #places: (Entry | undefined)[] = places(LEAST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The first of those that may have this hash. */
  at(hash: number): Entry | undefined {
    return this.#places[hash & (this.#places.length - 1)];
  }

  add(entry: Entry, hash: number): void {
    if (this.#size === this.#places.length) this.#grow();
    this.#put(entry, hash & (this.#places.length - 1));
    this.#size += 1;
  }

  /** Keeps only some. */
  filter(keeps: (entry: Entry) => boolean): void {
    const before = this.#places;
    this.#places = places(before.length);
    this.#size = 0;
    for (let i = 0; i < before.length; i += 1) {
      for (let entry = before[i]; entry !== undefined; ) {
        const { alike }: Entry = entry;
        if (keeps(entry)) {
          this.#put(entry, i);
          this.#size += 1;
        }
        entry = alike;
      }
    }
  }

  clear(): void {
    this.#places = places(LEAST);
    this.#size = 0;
  }

  #put(entry: Entry, place: number): void {
    entry.alike = this.#places[place];
    this.#places[place] = entry;
  }

  #grow(): void {
    const before = this.#places;
    this.#places = places(2 * before.length);
    for (const head of before) {
      for (let entry = head; entry !== undefined; ) {
        const { alike }: Entry = entry;
        this.#put(entry, hashOf(entry) & (this.#places.length - 1));
        entry = alike;
      }
    }
  }
}

const places = (length: number): (Entry | undefined)[] => new Array(length).fill(undefined);

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
export function hashOf({
  metric,
  labels,
  host,
}: Pick<Series, 'metric' | 'labels' | 'host'>): number {
  let hash = mixed(mixed(0, metric.name), host);
  for (const name of metric.labels) hash = mixed(hash, labels[name] ?? '');
  return hash;
}
