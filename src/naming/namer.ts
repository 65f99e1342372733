import { type Draft, type Readings, sampleOf, wider } from '../columns/index.ts';
import type { Point, Sample, Series } from '../metric/index.ts';
import { alike, asGrowth } from './alike.ts';
import { type Conversion, Conversions, Courses, NONE } from './course.ts';
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
  /** The same of samples in columns. */
  readings(readings: Readings, into: Draft): void;
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
const numberOf = (name: Spelling, { value, growth }: Sample): number =>
  numberIn(name, value, growth?.amount ?? Number.NaN, growth?.seconds ?? Number.NaN);

function numberIn(
  { reading, scale, offset }: Spelling,
  value: number,
  amount: number,
  seconds: number,
): number {
  let number = value;
  if (reading !== 'value') number = reading === 'rate' ? amount / seconds : amount;
  // Most names need neither, and each would be one more number on the heap.
  if (scale !== 1) number *= scale;
  return offset === 0 ? number : number + offset;
}

/**
 * What is made of a series: nothing, what depends on others of its collection, several numbers, or from here on
 * one, by a conversion.
 */
const SILENT = 0;
const MANY = 1;
const EACH = 2;
const FIRST = 3;

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
  // Of a series in columns: whose that is, and what is made of it.
  const whose: (Series | undefined)[] = [];
  let ways = new Uint16Array(64);
  // Series that are not sent: of a hypervisor's 50,000 that may be most.
  const silent: (Series | undefined)[] = [];
  // By the points of one collection, so that they are forgotten with them, then by path.
  const sums = new WeakMap<Point[], Map<string, Sum>>();
  let summing = false;
  const labelled = Object.keys(naming.labels).length > 0;

  const conversions = new Conversions();

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
    if (whose[id] !== series) whose[id] = undefined;
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

  /** Finds out what is made of a series that is new in its place. */
  function way(series: Series): number {
    const { id } = series;
    const { names, whole } = namesOf(series);
    if (id >= ways.length) {
      ways = wider(Uint16Array, ways, Math.max(2 * ways.length, id + 1));
    }
    whose[id] = series;
    const name = only[id];
    const alone =
      whole === undefined && names.every((it) => it.share === undefined && it.summed !== true);
    const conversion = name === undefined ? NONE : conversions.placeOf(name);
    if (name !== undefined) ways[id] = conversion === NONE ? MANY : FIRST + conversion;
    else ways[id] = !alone ? MANY : names.length === 0 ? SILENT : EACH;
    return ways[id] as number;
  }

  /** The places of the conversions of a series; `undefined` where its numbers depend on others. */
  function conversionsOf(id: number, series: Series | undefined): readonly number[] | undefined {
    if (series === undefined || whose[id] !== series) return undefined;
    const how = ways[id] as number;
    if (how >= FIRST) return [how - FIRST];
    if (how === SILENT) return [];
    if (how === MANY) return undefined;
    const places = (entries.get(id) as Entry).names.map((name) => conversions.placeOf(name));
    return places.includes(NONE) ? undefined : places;
  }
  const courses = new Courses(conversions, conversionsOf);

  return {
    names: (series) => namesOf(series).names,
    points,
    readings(readings, into) {
      if (courses.follow(readings, into)) return;
      const place = into.length;
      readAll(readings, into);
      courses.learn(readings, into, place);
    },
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

  function readAll(readings: Readings, into: Draft): void {
    const { length, ids, series: all, values, amounts, time, seconds, times, spans } = readings;
    let known = ways;
    const { list: before } = into.before;
    const together = times === undefined && into.isTimed(time);
    into.widen(length);
    let { length: end, names, values: written } = into;
    // What depends on other samples of the collection, and where it stands among the others.
    let others: Point[] | undefined;
    let places: number[] | undefined;
    for (let i = 0; i < length; i += 1) {
      const id = ids[i] as number;
      const series = all[id];
      if (series === undefined) continue;
      let how = known[id] as number;
      if (whose[id] !== series) {
        how = way(series);
        known = ways;
      }
      if (how === SILENT) continue;
      if (how === MANY) {
        others ??= [];
        places ??= [];
        let j = others.length;
        points(sampleOf(readings, id), others);
        if (together) into.length = end;
        for (; j < others.length; j += 1) {
          const { name, value, time } = others[j] as Point;
          places.push(into.length);
          into.push(name, value, time);
        }
        into.widen(length - i);
        ({ length: end, names, values: written } = into);
        continue;
      }
      if (how === EACH) {
        const time = times === undefined ? readings.time : (times[id] as number);
        const amount = amounts[id] as number;
        const span = spans === undefined ? seconds : (spans[id] as number);
        const several = (entries.get(id) as Entry).names;
        if (together) into.length = end;
        for (let j = 0; j < several.length; j += 1) {
          const name = several[j] as Spelling;
          const value = numberIn(name, values[id] as number, amount, span);
          if (value - value === 0) into.push(name, value, time);
        }
        into.widen(length - i);
        ({ length: end, names, values: written } = into);
        continue;
      }
      const { reading, scale, offset } = conversions.list[how - FIRST] as Conversion;
      let value: number;
      if (reading === 'value') value = values[id] as number;
      else {
        value = amounts[id] as number;
        if (reading === 'rate') value /= spans === undefined ? seconds : (spans[id] as number);
      }
      if (scale !== 1) value *= scale;
      if (offset !== 0) value += offset;
      // Infinity, or not a number: neither is equal to itself without itself.
      if (value - value !== 0) continue;
      const name = only[id] as Spelling;
      if (!together) {
        into.push(name, value, times === undefined ? time : (times[id] as number));
        continue;
      }
      if (names !== undefined) names[end] = name;
      else if (before[end] !== name) {
        names = into.differ(end);
        names[end] = name;
      }
      written[end] = value;
      end += 1;
    }
    if (together) into.length = end;
    if (others === undefined || places === undefined) return;
    finish(others);
    for (let i = 0; i < others.length; i += 1) {
      const { name, value, time } = others[i] as Point;
      const place = places[i];
      if (place === undefined) into.push(name, value, time);
      else into.correct(place, value);
    }
  }
}
