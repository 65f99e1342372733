import type { Point, Sample, Series } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';

/** A dialect at work for one handler: renders the names of a series once and reuses them. */
export interface Namer {
  names(series: Series): readonly Spelling[];
  /**
   * Appends a point for every name of the sample's series that has a number. A rate or a growth has none
   * at a counter's first reading and after a reset; what is not finite is never sent. Where a name is a
   * sum, the samples of one collection that share its path become one point of `into`.
   *
   * @returns how many points it appended.
   */
  points(sample: Sample, into: Point[]): number;
  /** Appends the points of a whole collection: {@link points} for every sample, then {@link finish}. */
  collection(samples: readonly Sample[], into: Point[]): void;
  /**
   * Says that the collections whose samples were given are complete: appends what is a share of a whole.
   *
   * @returns how many points it appended.
   */
  finish(into: Point[]): number;
}

interface Entry {
  readonly series: Series;
  readonly names: readonly Spelling[];
  readonly whole: string | undefined;
}

type Names = Pick<Entry, 'names' | 'whole'>;
const NOTHING: Names = { names: [], whole: undefined };

/** The number that is sent for a sample, not yet shared; NaN where there is none. */
function numberOf({ reading, scale, offset }: Spelling, { value, growth }: Sample): number {
  let number = value;
  if (reading !== 'value') {
    if (growth === undefined) return Number.NaN;
    number = reading === 'rate' ? growth.amount / growth.seconds : growth.amount;
  }
  // Most names need neither, and each would be one more number on the heap.
  if (scale !== 1) number *= scale;
  return offset === 0 ? number : number + offset;
}

/** A point that others of its path are still added to. */
type Sum = { -readonly [K in keyof Point]: Point[K] } & { readonly name: Spelling };

/**
 * @param naming must not change afterwards: names are kept for as long as their series lives.
 */
export function createNamer(dialect: Dialect, naming: Naming): Namer {
  // All by the series' id: a series that ended makes room when its id is given to another.
  // The only name of a series, where its number depends on no other sample: it is most series', and there may be
  // ten thousands of them, so that nothing is put around it.
  const only: (Spelling | undefined)[] = [];
  const entries = new Map<number, Entry>();
  // Series that are not sent: of a hypervisor's 50,000 that may be most.
  const silent: (Series | undefined)[] = [];
  // By the points of one collection, so that they are forgotten with them, then by path.
  const sums = new WeakMap<Point[], Map<string, Sum>>();
  let summing = false;
  const labelled = Object.keys(naming.labels).length > 0;

  // Of the collections that are not yet finished, by path and by name.
  const shares = new Map<string, Sum>();
  const wholes = new Map<string, number>();

  function namesOf(series: Series): Names {
    const { id } = series;
    if (silent[id] === series) return NOTHING;
    const alone = only[id];
    if (alone?.series === series) return { names: [alone], whole: undefined };
    const known = entries.get(id);
    return known?.series === series ? known : spell(series);
  }

  function spell(series: Series): Names {
    const { id } = series;
    const spelled = dialect.spell(series, naming);
    const read = naming.counters === 'deltas' ? spelled.map(asGrowth) : spelled;
    const names = read.map((name) =>
      alike(name, labelled ? { ...naming.labels, ...name.series.labels } : name.labels),
    );
    const whole = dialect.wholeOf?.(series);
    const [first] = names;
    // What a rule has given other labels is not found by its series.
    const alone =
      names.length === 1 &&
      whole === undefined &&
      first?.series === series &&
      first.share === undefined &&
      first.summed !== true;
    const entry = { series, names, whole };
    only[id] = alone ? first : undefined;
    if (silent[id] !== undefined) silent[id] = undefined;
    entries.delete(id);
    if (names.length === 0 && whole === undefined) silent[id] = series;
    else if (!alone) entries.set(id, entry);
    return entry;
  }

  /** Adds as much as has a number: one state that was set back does not cost the shares of all. */
  function addToWhole(whole: string, { series, value, growth }: Sample): void {
    const level = series.metric.kind === 'gauge';
    const amount = level ? value : growth && growth.amount / growth.seconds;
    if (amount !== undefined) wholes.set(whole, (wholes.get(whole) ?? 0) + amount);
  }

  function addToShare(name: Spelling, value: number, time: number): void {
    const share = shares.get(name.path);
    if (share?.time === time) share.value += value;
    else if (name.scale >= 0) shares.set(name.path, { name, value, time });
  }

  /** Whether a sum that this belongs to is among the points already; it is one now if not. */
  function added(into: Point[], point: Sum): boolean {
    const begun = sums.get(into) ?? new Map<string, Sum>();
    sums.set(into, begun);
    summing = true;
    const sum = begun.get(point.name.path);
    if (sum?.time === point.time) {
      sum.value += point.value;
      return true;
    }
    // A sum begins with what is added: what is only taken away from nothing is no number.
    if (point.name.scale < 0) return true;
    begun.set(point.name.path, point);
    return false;
  }

  function points(sample: Sample, into: Point[]): number {
    let appended = 0;
    const { names, whole } = namesOf(sample.series);
    if (whole !== undefined) addToWhole(whole, sample);
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i] as Spelling;
      const value = numberOf(name, sample);
      if (!Number.isFinite(value)) continue;
      if (name.share !== undefined) {
        addToShare(name, value - name.offset, sample.time);
        continue;
      }
      const point = { name, value, time: sample.time };
      if (name.summed === true && added(into, point)) continue;
      into.push(point);
      appended += 1;
    }
    return appended;
  }

  function finish(into: Point[]): number {
    if (summing) sums.delete(into);
    summing = false;
    if (shares.size === 0 && wholes.size === 0) return 0;
    let appended = 0;
    for (const point of shares.values()) {
      const { share = '', offset } = point.name;
      point.value = point.value / (wholes.get(share) ?? 0) + offset;
      if (!Number.isFinite(point.value)) continue;
      into.push(point);
      appended += 1;
    }
    shares.clear();
    wholes.clear();
    return appended;
  }

  return {
    names: (series) => namesOf(series).names,
    points,
    collection(samples, into) {
      // One turn for each sample, without a call in most of them: see docs/architecture.md, decision 15.
      let length = into.length;
      for (let i = 0; i < samples.length; i += 1) {
        const sample = samples[i] as Sample;
        const { series } = sample;
        const name = only[series.id];
        if (name === undefined || name.series !== series) {
          if (silent[series.id] === series) continue;
          length += points(sample, into);
          continue;
        }
        let { value } = sample;
        const { reading, scale, offset } = name;
        if (reading !== 'value') {
          const { growth } = sample;
          if (growth === undefined) continue;
          value = reading === 'rate' ? growth.amount / growth.seconds : growth.amount;
        }
        if (scale !== 1) value *= scale;
        if (offset !== 0) value += offset;
        // Infinity, or not a number: neither is equal to itself without itself.
        if (value - value !== 0) continue;
        into[length] = { name, value, time: sample.time };
        length += 1;
      }
      finish(into);
    },
    finish,
  };
}

/** A share stays what it is: parts of a whole that is made of rates cannot be added up over time. */
const asGrowth = (name: Spelling): Spelling =>
  name.reading === 'rate' && name.share === undefined ? { ...name, reading: 'growth' } : name;

/**
 * The same text, held in one piece: V8 keeps a text that was put together as a tree of its parts, eight for
 * a path, and would walk through it at every tick. Looking at a character makes one piece of it.
 */
function inOnePiece(text: string): string {
  text.charCodeAt(0);
  return text;
}

/**
 * The same name as an object that is made like all others, however its dialect made it: V8 finds their
 * fields in a third of the time. What the series itself says wins over the labels of the configuration.
 */
const alike = (name: Spelling, labels: Spelling['labels']): Spelling => ({
  series: name.series,
  path: inOnePiece(name.path),
  reading: name.reading,
  labels,
  precision: name.precision,
  significant: name.significant,
  scale: name.scale,
  offset: name.offset,
  summed: name.summed,
  share: name.share,
  identifier: name.identifier,
  meter: name.meter,
});
