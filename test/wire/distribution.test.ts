import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimals, Distribution, statistics } from '../../src/wire/distribution.ts';

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
            // And what the logarithm of a double is off by.
            Math.abs(exact) * (0.005 + 1e-10),
          );
        }
        expect([spread.percentile(0), spread.percentile(100)]).toEqual([spread.min, spread.max]);
        expect(spread.min).toBe(sorted[0]);
        expect(spread.max).toBe(sorted.at(-1));
      }),
      { examples: [[[-4_062_977_141.042376, -4_042_723_098.3197937, ...Array(49).fill(0)]]] },
    );
  });

  it('takes what is not finite for nothing, and what is beyond its buckets for the outermost', () => {
    const spread = of([Number.NaN, Number.POSITIVE_INFINITY, 1e300, 1e300, 1e-300], 0);
    expect(spread.count).toBe(3);
    expect(spread.percentile(100)).toBeLessThanOrEqual(1e300);
    expect(spread.percentile(0)).toBe(1e-300);
  });

  it('counts whatever is larger than it has buckets for with the largest', () => {
    const spread = of([1, 5e12, 5e12, 7e12, 1e300], 0);
    expect(spread.percentile(50)).toBeCloseTo(1e12, -11);
    expect(spread.percentile(75)).toBe(spread.percentile(50));
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

describe('numbers as lines have them', () => {
  const written = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('0', '0.01', '0.1', '1.5', '12', '999', '1000') },
    fc
      .record({ whole: fc.nat(2000), places: fc.stringMatching(/^\d{0,5}$/) })
      .map(({ whole, places }) => (places === '' ? `${whole}` : `${whole}.${places}`)),
  );

  it('come to the same as one by one, however often they are asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.array(written), { maxLength: 4 }), (times) => {
        const decimals = new Decimals();
        const spread = new Distribution();
        for (const texts of times) {
          for (const text of texts) {
            const view = new DataView(new Uint8Array(Buffer.from(text)).buffer);
            expect(decimals.read(view, 0, text.length)).toBe(text.length);
            decimals.count();
            spread.add(Number(text));
          }
          const own = new Map(statistics(decimals.spread(), [50, 90, 99]));
          for (const [word, value] of statistics(spread, [50, 90, 99])) {
            expect(own.get(word)).toBeCloseTo(value, 9);
          }
          expect(decimals.spread().count).toBe(spread.count);
        }
      }),
    );
  });

  it('are counted as well where there are more than are kept one by one', () => {
    const decimals = new Decimals();
    const spread = new Distribution();
    for (let i = 0; i < 20_001; i += 1) {
      const text = `${(i % 7) / 100}`;
      decimals.read(new DataView(new Uint8Array(Buffer.from(text)).buffer), 0, text.length);
      decimals.count();
      spread.add(Number(text));
    }
    const own = [...statistics(decimals.spread(), [10, 50, 90])];
    for (const [i, [, value]] of [...statistics(spread, [10, 50, 90])].entries()) {
      expect(own[i]?.[1]).toBeCloseTo(value, 9);
    }
    decimals.spread().clear();
    expect(decimals.spread().count).toBe(0);
  });
});
