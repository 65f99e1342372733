import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distribution, statistics } from '../../src/wire/distribution.ts';

const of = (values: readonly number[], exact?: number) => {
  const spread = new Distribution(exact);
  for (const value of values) spread.add(value);
  return spread;
};

describe('a distribution', () => {
  it('is exact up to its bound, interpolated between neighbours', () => {
    const spread = of([4, 1, 3, 2]);
    expect([0, 25, 50, 90, 100].map((p) => spread.percentile(p))).toEqual([1, 1.75, 2.5, 3.7, 4]);
    expect([...statistics(spread, [50, 99.9])].map(([word]) => word)).toEqual([
      'mean',
      'min',
      'max',
      'p50',
      'p99.9',
    ]);
  });

  it('is within half a percent beyond its bound, whatever the values', () => {
    const amount = fc.oneof(
      fc.double({ min: 1e-8, max: 1e11, noNaN: true }),
      fc.double({ min: -1e11, max: -1e-8, noNaN: true }),
      fc.constant(0),
    );
    fc.assert(
      fc.property(fc.array(amount, { minLength: 20, maxLength: 200 }), (values) => {
        const spread = of(values, 10);
        const sorted = values.toSorted((a, b) => a - b);
        for (const p of [0, 1, 50, 90, 99, 100]) {
          const exact = sorted[Math.round(((sorted.length - 1) * p) / 100)] ?? Number.NaN;
          expect(Math.abs(spread.percentile(p) - exact)).toBeLessThanOrEqual(
            Math.abs(exact) * 0.00501,
          );
        }
        expect([spread.percentile(0), spread.percentile(100)]).toEqual([spread.min, spread.max]);
        expect(spread.min).toBe(sorted[0]);
        expect(spread.max).toBe(sorted.at(-1));
      }),
    );
  });

  it('takes what is not finite for nothing, and what is beyond its buckets for the outermost', () => {
    const spread = of([Number.NaN, Number.POSITIVE_INFINITY, 1e300, 1e300, 1e-300], 0);
    expect(spread.count).toBe(3);
    expect(spread.percentile(100)).toBeLessThanOrEqual(1e300);
    expect(spread.percentile(0)).toBe(1e-300);
  });

  it('begins anew when it is cleared', () => {
    const spread = of([1, 2, 3, -4, 0], 2);
    spread.clear();
    expect([spread.count, spread.mean, spread.min, spread.percentile(50)]).toEqual([
      0,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    for (const value of [7, 7, 7]) spread.add(value);
    expect(spread.percentile(50)).toBe(7);
  });
});
