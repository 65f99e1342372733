import { wider } from '../columns/index.ts';
import {
  type Labels,
  type Metric,
  type Observation,
  Observations,
  type Series,
} from '../metric/index.ts';

/** No series. */
export const NONE = -1;
/** The columns begin with so many places; always a power of two. */
const LEAST = 64;

/**
 * What is known of the series of one agent: a column for each thing, in which a series has the place that is
 * its id. A hypervisor has ten thousands of series, and each would be an object to fetch at every tick.
 */
export class Table {
  readonly series: (Series | undefined)[] = [];
  readonly metrics: (Metric | undefined)[] = [];
  readonly labels: (Labels | undefined)[] = [];
  values = new Float64Array(LEAST);
  amounts = new Float64Array(LEAST);
  /** The collection that saw it last; -1 before the first. */
  seen = new Int32Array(LEAST);
  /** The series that followed this one in the last collection: the guess for the next. */
  next = new Int32Array(LEAST);
  /** Another one in the same place of a {@link Book}. */
  alike = new Int32Array(LEAST);
  /** Where observations stand that are handed over one by one, a few at a time. */
  readonly draft = new Observations();
  /** When it was observed, and over how long its growth is: kept where that is not the same for all. */
  times: Float64Array | undefined;
  spans: Float64Array | undefined;
  readonly #free: number[] = [];

  /** Gives a series its place. */
  add(series: Omit<Series, 'id'>): number {
    const id = this.#free.pop() ?? this.series.length;
    if (id === this.values.length) this.#grow();
    const { metric, collector, host, labels } = series;
    this.series[id] = { id, metric, collector, host, labels };
    this.metrics[id] = metric;
    this.labels[id] = labels;
    this.values[id] = Number.NaN;
    this.amounts[id] = Number.NaN;
    this.seen[id] = NONE;
    this.next[id] = NONE;
    this.alike[id] = NONE;
    return id;
  }

  /** Gives the place of a series that has ended to another. */
  remove(id: number): void {
    this.series[id] = undefined;
    this.metrics[id] = undefined;
    this.labels[id] = undefined;
    this.#free.push(id);
  }

  /** From now on there is a time and a span for each. */
  keepTimes(): void {
    this.times ??= new Float64Array(this.values.length);
    this.spans ??= new Float64Array(this.values.length);
  }

  #grow(): void {
    const length = 2 * this.values.length;
    this.values = wider(Float64Array, this.values, length);
    this.amounts = wider(Float64Array, this.amounts, length);
    this.seen = wider(Int32Array, this.seen, length);
    this.next = wider(Int32Array, this.next, length);
    this.alike = wider(Int32Array, this.alike, length);
    this.times = this.times && wider(Float64Array, this.times, length);
    this.spans = this.spans && wider(Float64Array, this.spans, length);
  }
}

/** Makes the table of one agent; every collector's series share it. */
export const createTable = (): Table => new Table();

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

/**
 * Sees to it that an observation says whose it is: types are taken out of plugins, and not checked.
 *
 * @param declared the collector's metrics; where absent, it may observe any.
 * @throws {@link Error} that says what is wrong with it.
 */
export function mustIdentify(
  { metric, labels, host }: Observation,
  declared: ReadonlySet<Metric> | undefined,
): void {
  if (declared?.has(metric) === false) {
    throw new Error(`observed ${metric.name}, which it does not declare`);
  }
  for (const name of metric.labels) {
    if (typeof labels[name] !== 'string') {
      throw new Error(`observed ${metric.name} without its label ${name}`);
    }
  }
  if (host !== undefined && (typeof host !== 'string' || host === '')) {
    throw new Error(`observed ${metric.name} of a host that is no name`);
  }
}

/** Finds one collector's series by {@link hashOf}. A Map would take four times as much for each of ten thousands. */
export class Book {
  readonly #table: Table;
  /** Those in one place are linked by {@link Table.alike}. */
  #places = places(LEAST);
  #size = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  get size(): number {
    return this.#size;
  }

  /** The first of those that may have this hash. */
  at(hash: number): number {
    return this.#places[hash & (this.#places.length - 1)] as number;
  }

  add(id: number, hash: number): void {
    if (this.#size === this.#places.length) this.#grow();
    this.#put(id, hash & (this.#places.length - 1));
    this.#size += 1;
  }

  /** Keeps only some. */
  filter(keeps: (id: number) => boolean): void {
    const before = this.#places;
    const { alike } = this.#table;
    this.#places = places(before.length);
    this.#size = 0;
    for (let i = 0; i < before.length; i += 1) {
      for (let id = before[i] as number; id !== NONE; ) {
        const other = alike[id] as number;
        if (keeps(id)) {
          this.#put(id, i);
          this.#size += 1;
        }
        id = other;
      }
    }
  }

  clear(): void {
    this.#places = places(LEAST);
    this.#size = 0;
  }

  #put(id: number, place: number): void {
    this.#table.alike[id] = this.#places[place] as number;
    this.#places[place] = id;
  }

  #grow(): void {
    const before = this.#places;
    const { alike, series } = this.#table;
    this.#places = places(2 * before.length);
    for (const head of before) {
      for (let id = head; id !== NONE; ) {
        const other = alike[id] as number;
        this.#put(id, hashOf(series[id] as Series) & (this.#places.length - 1));
        id = other;
      }
    }
  }
}

const places = (length: number): Int32Array => new Int32Array(length).fill(NONE);

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
