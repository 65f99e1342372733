import { expect, test } from 'vitest';
import { Draft, type Readings } from '../../src/columns/index.ts';
import type { Name } from '../../src/metric/index.ts';
import { Conversions, Courses } from '../../src/naming/course.ts';
import { points } from '../support/delivery.ts';

const names = Array.from({ length: 6 }, (_, i) => points(0, 1, `n${i}`)[0]?.name as Name);
const [usual, rare] = [{}, {}];

/** A collection of series whose values are 10 times their ids. */
const readings = (order: object, ...ids: number[]): Readings => ({
  ...{ length: ids.length, ids: Int32Array.from(ids), order, time: 7, seconds: 1 },
  series: names.map(({ series }) => series),
  values: Float64Array.of(0, 10, 20, 30, 40, 50),
  amounts: new Float64Array(names.length),
  ...{ times: undefined, spans: undefined },
});

test('a collection is followed wherever it stands, also where others before it come and go', () => {
  const conversions = new Conversions();
  const place = conversions.placeOf({ reading: 'value', scale: 1, offset: 0 });
  const courses = new Courses(conversions, () => [place]);
  const draft = new Draft();
  const tick = (...collections: Readings[]) => {
    const followed = collections.map((one) => {
      const from = draft.length;
      if (courses.follow(one, draft)) return true;
      for (const id of one.ids) draft.push(names[id] as Name, one.values[id] ?? 0, one.time);
      courses.learn(one, draft, from);
      return false;
    });
    const made = draft.take();
    const said = made.slice(0, made.length);
    expect(said.map(({ name, value }) => [name.path, value])).toEqual(
      collections.flatMap(({ ids }) => [...ids].map((id) => [`n${id}`, 10 * id])),
    );
    return followed;
  };
  const late = () => readings(usual, 3, 4, 5);
  expect(tick(readings({}, 1), late())).toEqual([false, false]);
  expect(tick(readings({}, 1), late())).toEqual([false, false]);
  expect(tick(readings({}, 1), late())).toEqual([false, true]);
  expect(tick(readings({}, 1, 2), late())).toEqual([false, true]);
  expect(tick(late())).toEqual([true]);
  expect(tick(readings({}, 0), late(), readings(rare, 1))).toEqual([false, true, false]);
  expect(tick(late(), readings(rare, 1))).toEqual([true, false]);
  expect(tick(readings({}, 2), readings(rare, 1), late())).toEqual([false, true, true]);
});
