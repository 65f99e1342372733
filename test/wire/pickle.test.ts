import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePickle, LONGEST_PICKLE } from '../../src/wire/pickle.ts';
import { decodePickles } from '../support/pickle.ts';
import { point } from '../support/points.ts';

const points = fc.array(
  fc.record({
    path: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    time: fc.integer({ min: 0, max: 2 ** 33 }),
  }),
);

describe('a pickle', () => {
  test('is what Python writes for a list of (path, (time, value))', () => {
    const [frame] = encodePickle([point('x', { path: 'a.b', value: 1.5, time: 1_795_219_200 })]);
    expect(frame?.toString('latin1')).toBe(
      '\0\0\0\x1e\x80\x02](X\x03\0\0\0a.bJ\x00\xdf\x00\x6bG\x3f\xf8\0\0\0\0\0\0\x86\x86e.',
    );
  });

  test('holds every point, in order', () => {
    fc.assert(
      fc.property(points, (given) => {
        const batch = given.map((facts) => point('x', facts));
        const [decoded = [], ...more] = decodePickles(Buffer.concat(encodePickle(batch)));
        expect(more).toEqual([]);
        expect(decoded).toEqual(given.map(({ path, value, time }) => [path, [time, value]]));
      }),
    );
  });

  test('has the number that a line of plaintext would have', () => {
    const batch = [
      point('x', { value: 12.3456, precision: 2, time: 10.9 }),
      point('x', { value: -0.001, precision: 2, time: 10 }),
    ];
    const [decoded] = decodePickles(Buffer.concat(encodePickle(batch)));
    expect(decoded).toEqual([
      ['x', [10, 12.35]],
      ['x', [10, 0]],
    ]);
  });

  test('of nothing is nothing', () => {
    expect(encodePickle([])).toEqual([]);
  });

  test('never exceeds its limit, unless one point alone does', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 30, max: 500 }), (given, most) => {
        const frames = encodePickle(
          given.map((facts) => point('x', facts)),
          most,
        );
        const decoded = decodePickles(Buffer.concat(frames));
        expect(decoded.flat()).toHaveLength(given.length);
        expect(decoded).toHaveLength(frames.length);
        for (const [i, frame] of frames.entries()) {
          if (frame.length - 4 > most) expect(decoded[i]).toHaveLength(1);
        }
      }),
    );
  });

  test("keeps to Carbon's limit with any batch, and fills it", () => {
    const path = 'x'.repeat(1000);
    const batch = Array.from({ length: 5000 }, (_, i) => point('x', { path, value: i }));
    const frames = encodePickle(batch);
    expect(frames).toHaveLength(Math.ceil((5000 * 1021) / LONGEST_PICKLE));
    for (const frame of frames) expect(frame.length - 4).toBeLessThanOrEqual(LONGEST_PICKLE);
    expect(frames[0]?.length).toBeGreaterThan(LONGEST_PICKLE - 1021);
  });
});
