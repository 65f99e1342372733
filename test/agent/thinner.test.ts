import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createThinner } from '../../src/agent/thinner.ts';
import type { Sample } from '../../src/metric/index.ts';
import { series } from '../naming/support.ts';

const T = 1_795_219_200;
const level = series('level', {}, 'gauge', 0);
const total = series('total', {}, 'counter', 1);
const amount = series('amount', {}, 'delta', 2);

const at = (after: number, value: number): Sample[] => [
  { series: level, value, time: T + after, growth: undefined },
  { series: total, value: value * 100, time: T + after, growth: { amount: value, seconds: 10 } },
  { series: amount, value, time: T + after, growth: { amount: value, seconds: 10 } },
];

/** What comes out of six ticks and one, ten seconds apart. */
const minute = (reduce: 'last' | 'average') => {
  const thinner = createThinner(60, reduce);
  return [10, 20, 30, 40, 50, 60, 70].flatMap((after, i) => thinner.sift(at(after, i + 1)));
};

describe('an interval of a minute, observed every ten seconds', () => {
  test('gives the last level, and all that was counted, at the minute', () => {
    expect(minute('last')).toEqual([
      { series: level, value: 6, time: T + 60, growth: undefined },
      { series: total, value: 600, time: T + 60, growth: { amount: 21, seconds: 60 } },
      { series: amount, value: 21, time: T + 60, growth: { amount: 21, seconds: 60 } },
    ]);
  });

  test('or the average level', () => {
    expect(minute('average')[0]).toEqual({
      series: level,
      value: 3.5,
      time: T + 60,
      growth: undefined,
    });
  });

  test('gives what it has when its last tick was missed', () => {
    const thinner = createThinner(60, 'average');
    expect(thinner.sift(at(50, 2))).toEqual([]);
    expect(thinner.sift(at(70, 4))[0]).toMatchObject({ value: 2, time: T + 60 });
  });

  test('gives the rest at the end', () => {
    const thinner = createThinner(60, 'average');
    thinner.sift(at(10, 2));
    thinner.sift(at(20, 4));
    expect(thinner.rest().map(({ value }) => value)).toEqual([3, 400, 6]);
    expect(thinner.rest()).toEqual([]);
  });
});

test('what is observed less often than it is wanted is handed on as it is', () => {
  const thinner = createThinner(10, 'average');
  for (const after of [60, 120]) expect(thinner.sift(at(after, after))).toEqual(at(after, after));
});

test('a series that took the place of another loses nothing of either', () => {
  const thinner = createThinner(60, 'last');
  thinner.sift(at(10, 1));
  const other = { ...level, labels: { device: 'new' } };
  const out = thinner.sift([{ series: other, value: 9, time: T + 20, growth: undefined }]);
  expect(out.map(({ series: { labels }, value }) => [labels, value])).toEqual([[{}, 1]]);
  expect(thinner.rest().map(({ value }) => value)).toEqual([9, 100, 1]);
});

test('nothing that was counted is lost, whatever the ticks', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.1, 1, 7, 10, 60),
      fc.array(fc.record({ step: fc.integer({ min: 1, max: 90 }), value: fc.nat(1000) })),
      (interval, ticks) => {
        const thinner = createThinner(interval, 'last');
        let after = 0;
        const sum = (samples: readonly Sample[]) =>
          samples.reduce((all, { series, growth }) => {
            return series === total ? all + (growth?.amount ?? 0) : all;
          }, 0);
        let out = 0;
        for (const { step, value } of ticks) {
          after += step;
          out += sum(thinner.sift(at(after, value)));
        }
        out += sum(thinner.rest());
        expect(out).toBe(ticks.reduce((all, { value }) => all + value, 0));
      },
    ),
  );
});
