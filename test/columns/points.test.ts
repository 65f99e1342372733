import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Columns, Draft } from '../../src/columns/index.ts';
import { points } from '../support/delivery.ts';

const value = fc.double({ noNaN: true });
const some = fc.array(fc.record({ of: fc.nat(5), value, time: fc.nat(3) }));
const names = Array.from({ length: 6 }, (_, i) => points(0, 1, `p${'q'.repeat(i)}`)[0]?.name);
type Row = { of: number; value: number; time: number };

const batchOf = (row: readonly Row[]) =>
  row.flatMap(({ of, value, time }) => {
    const name = names[of];
    return name === undefined ? [] : [{ name, value, time: 1_795_219_200.5 + time }];
  });

test('what is put in columns comes out as it went in, whatever was there before', () => {
  fc.assert(
    fc.property(fc.array(some), fc.nat(20), fc.nat(20), (rows, from, count) => {
      const draft = new Draft();
      for (const row of rows) {
        const batch = batchOf(row);
        const half = Math.floor(batch.length / 2);
        for (const [i, { name, value, time }] of batch.entries()) {
          if (i === half) expect(draft.since(0)).toEqual(batch.slice(0, half));
          draft.push(name, value, time);
        }
        const columns = draft.take();
        expect(columns.length).toBe(batch.length);
        expect(columns.slice(0, batch.length)).toEqual(batch);
        const end = Math.min(from + count, batch.length);
        const part = columns.part(Math.min(from, end), end);
        const expected = batch.slice(Math.min(from, end), end);
        expect(part.slice(0, part.length)).toEqual(expected);
        const characters = expected.reduce((sum, { name }) => sum + name.path.length, 0);
        expect(part.characters).toBe(characters);
      }
    }),
  );
});

test('several are joined in their order', () => {
  fc.assert(
    fc.property(fc.array(some), (rows) => {
      const batches = rows.map(batchOf);
      const joined = Columns.joined(batches.map((batch) => Columns.of(batch)));
      expect(joined.slice(0, joined.length)).toEqual(batches.flat());
    }),
  );
});

test('names that come in the same order again are held once', () => {
  const draft = new Draft();
  const tick = (paths: readonly number[], time: number) => {
    for (const of of paths)
      for (const { name } of batchOf([{ of, value: 1, time }])) draft.push(name, 1, time);
    return draft.take().names;
  };
  const first = tick([0, 1, 2], 1);
  expect(tick([0, 1, 2], 2)).toBe(first);
  expect(tick([0, 1], 3)).not.toBe(first);
  expect(tick([0, 1], 4)).toHaveLength(2);
  expect(tick([0, 1, 2], 5)).toHaveLength(3);
});

test('names are held once, also while somebody looks at points that are not all there yet', () => {
  const draft = new Draft();
  const tick = (looks: boolean) => {
    for (const { name } of batchOf([0, 1, 2].map((of) => ({ of, value: 1, time: 1 })))) {
      draft.push(name, 1, 1);
      if (looks) expect(draft.since(draft.length - 1)).toEqual([{ name, value: 1, time: 1 }]);
    }
    return draft.take().names;
  };
  const first = tick(false);
  for (let i = 0; i < 3; i += 1) expect(tick(true)).toBe(first);
});

test('names of many are held once, also where a few others come in between', () => {
  const draft = new Draft();
  const many = Array.from({ length: 30 }, (_, i) => i % 5);
  const tick = (paths: readonly number[]) => {
    for (const { name } of batchOf(paths.map((of) => ({ of, value: 1, time: 1 })))) {
      draft.push(name, 1, 1);
    }
    return draft.take().names;
  };
  const first = tick(many);
  for (let i = 0; i < 100; i += 1) {
    expect(tick([5, 3])).toEqual([5, 3].map((of) => names[of]));
    expect(tick([0])).toEqual([names[0]]);
    expect(tick(many)).toBe(first);
  }
  // Where the many have gone, the few are soon the usual.
  for (let i = 0; i < 20; i += 1) tick([5, 3]);
  expect(tick([5, 3])).toBe(tick([5, 3]));
});

test('few points that wait hold no room for the many that were looked through for them', () => {
  const draft = new Draft();
  const tick = (count: number, time: number) => {
    draft.widen(50_000);
    for (const { name } of batchOf(
      Array.from({ length: count }, () => ({ of: 1, value: 1, time })),
    ))
      draft.push(name, 1, time + (count % 2));
    return draft.take();
  };
  for (const count of [40_000, 3, 0, 40_000, 4]) {
    expect(tick(count, 1).values.length).toBeLessThanOrEqual(2 * count);
  }
  draft.widen(1000);
  for (const [i, { name }] of batchOf([1, 2].map((time) => ({ of: 1, value: 1, time }))).entries())
    draft.push(name, 1, i);
  expect(draft.take().times).toEqual(Float64Array.of(0, 1));
});
