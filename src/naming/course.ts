import type { Draft, Readings } from '../columns/index.ts';
import type { Name, Series } from '../metric/index.ts';
import type { Spelling } from './dialect.ts';

/** How a number is made of a sample, where it depends on no other. */
export type Conversion = Pick<Spelling, 'reading' | 'scale' | 'offset'>;

/** No conversion. */
export const NONE = -1;
/** What stands in 16 bits, with room for ways that are none of these. */
const MOST = 60_000;

/** The conversions that there are: a few, whatever the number of series. */
export class Conversions {
  readonly list: Conversion[] = [];

  /** Where this one stands among them; {@link NONE} if there is no more room. */
  placeOf({ reading, scale, offset }: Conversion): number {
    const found = this.list.findIndex(
      (it) => it.reading === reading && it.scale === scale && it.offset === offset,
    );
    if (found >= 0) return found;
    if (this.list.length === MOST) return NONE;
    return this.list.push({ reading, scale, offset }) - 1;
  }
}

/** Of each number that was sent of a collection: whose it is, and the place of its conversion. */
interface Course {
  readonly ids: Int32Array;
  readonly places: Uint16Array;
  /** The names that they had, and where these begin: as of the latest time. */
  names: readonly Name[];
  from: number;
}

/** In place of a course: it came once in this order. */
const NEW = Symbol('new');

/** Whether all its points have the time of those that are there already. */
const isTogether = ({ times, time }: Readings, into: Draft): boolean =>
  times === undefined && into.isTimed(time);

/** The names of the points of a draft. */
const namesIn = ({ names, before }: Draft): readonly Name[] => names ?? before.list;

/** Gives the next points of a draft the names that they had, which mostly are those of the tick before. */
function rename({ names: known, from, ids: { length } }: Course, into: Draft): void {
  const { length: end, before } = into;
  let { names } = into;
  let i = 0;
  if (names === undefined) {
    const { list } = before;
    while (i < length && list[end + i] === known[from + i]) i += 1;
    if (i === length) return;
    names = into.differ(end + i);
  }
  for (; i < length; i += 1) names[end + i] = known[from + i] as Name;
}

/**
 * Collections whose series come in the same order, tick for tick: of these only numbers are looked at. To look
 * for what each series is called takes three times as long.
 */
export class Courses {
  /** By the order of their series; `undefined` where there is no course, however often it comes. */
  readonly #known = new WeakMap<object, Course | typeof NEW | undefined>();
  readonly #conversions: Conversions;
  readonly #conversionsOf: (
    id: number,
    series: Series | undefined,
  ) => readonly number[] | undefined;

  /** @param conversionsOf their places, for a series; `undefined` where its numbers depend on others. */
  constructor(
    conversions: Conversions,
    conversionsOf: (id: number, series: Series | undefined) => readonly number[] | undefined,
  ) {
    this.#conversions = conversions;
    this.#conversionsOf = conversionsOf;
  }

  /**
   * Appends the points of a collection that came before, under the names that they had.
   *
   * @returns whether it did; where one is no number, they have to be looked at one by one.
   */
  follow(readings: Readings, into: Draft): boolean {
    const { order, values, amounts, seconds } = readings;
    if (order === undefined || !isTogether(readings, into)) return false;
    const course = this.#known.get(order);
    if (course === undefined || course === NEW) return false;
    const { ids, places } = course;
    const { length } = ids;
    const { list } = this.#conversions;
    into.widen(length);
    const { length: end, values: written } = into;
    for (let i = 0; i < length; i += 1) {
      const id = ids[i] as number;
      const { reading, scale, offset } = list[places[i] as number] as Conversion;
      let value: number;
      if (reading === 'value') value = values[id] as number;
      else {
        value = amounts[id] as number;
        if (reading === 'rate') value /= seconds;
      }
      if (scale !== 1) value *= scale;
      if (offset !== 0) value += offset;
      // Infinity, or not a number: neither is equal to itself without itself.
      if (value - value !== 0) return false;
      written[end + i] = value;
    }
    if (into.names !== undefined || course.names !== into.before.list || course.from !== end) {
      rename(course, into);
      course.names = namesIn(into);
      course.from = end;
    }
    into.length = end + length;
    return true;
  }

  /** Remembers a collection whose points were appended from a place on. */
  learn(readings: Readings, into: Draft, from: number): void {
    const { order, length, ids: all, series } = readings;
    if (order === undefined || !isTogether(readings, into)) return;
    // What does not come twice in its order is not worth it, and what failed once fails again.
    const isNew = !this.#known.has(order);
    if (!isNew && this.#known.get(order) === undefined) return;
    this.#known.set(order, isNew ? NEW : undefined);
    if (isNew) return;
    const ids: number[] = [];
    const places: number[] = [];
    for (let i = 0; i < length; i += 1) {
      const id = all[i] as number;
      const theirs = this.#conversionsOf(id, series[id]);
      if (theirs === undefined) return;
      for (const place of theirs) {
        ids.push(id);
        places.push(place);
      }
    }
    // One of them was no number, and is not among the names.
    if (ids.length !== into.length - from) return;
    this.#known.set(order, {
      ids: Int32Array.from(ids),
      places: Uint16Array.from(places),
      names: namesIn(into),
      from,
    });
  }
}
