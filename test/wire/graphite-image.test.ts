import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Draft } from '../../src/columns/index.ts';
import type { Name } from '../../src/metric/index.ts';
import { WIDEST, writeDecimal } from '../../src/wire/decimal.ts';
import { encodeLines, formatValue } from '../../src/wire/graphite.ts';
import { imageEncoder } from '../../src/wire/graphite-image.ts';
import { lineEncoder } from '../../src/wire/graphite-lines.ts';
import { points } from '../support/delivery.ts';

const precisions = [undefined, 0, 1, 2, 6, 8] as const;
const names = Array.from({ length: 12 }, (_, i): Name => {
  const [point] = points(0, 1, i === 7 ? 'a.größe' : `a.b${i}`);
  if (point === undefined) throw new Error('no point');
  return { ...point.name, precision: precisions[i % 6], significant: i === 6 ? 4 : undefined };
});
const nameAt = (i: number): Name => names[i % names.length] as Name;
const value = fc.oneof(
  ...[fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger()],
  ...[fc.nat(12), fc.double({ min: 0, max: 1000, noNaN: true })],
  // In the middle between two, as near as a binary number comes.
  fc.integer({ min: -20_000, max: 20_000 }).map((n) => n / 1000),
);

test('a number has the text that lines made one by one have', () => {
  const precision = fc.constantFrom(...precisions, 3, 100);
  fc.assert(
    fc.property(value, precision, fc.constantFrom(undefined, 6), (number, places, significant) => {
      const into = new Uint8Array(WIDEST);
      const from = writeDecimal(number, places, significant, into);
      expect(Buffer.from(into.subarray(from)).toString()).toBe(
        formatValue(number, places, significant),
      );
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['written anew', imageEncoder],
  ['put together', lineEncoder],
])('lines that are %s are those that are made anew', (_, encoder) => {
  const point = fc.tuple(fc.nat(11), value);
  const tick = fc.record({
    step: fc.nat(3),
    points: fc.array(point),
    sorted: fc.boolean(),
    // Mostly the same names as before, with some other numbers, which may be those of the time before that.
    again: fc.constantFrom(true, true, false),
    changed: fc.dictionary(fc.nat(9).map(String), fc.oneof(fc.constantFrom(1, 2), value), {
      maxKeys: 4,
    }),
  });
  const end = fc.constantFrom('\n' as const, '\r\n' as const);
  fc.assert(
    fc.property(
      fc.array(tick, { maxLength: 12 }),
      end,
      fc.integer({ min: 1, max: 9 }),
      (ticks, end, size) => {
        const encode = encoder(end);
        const draft = new Draft();
        // Soon it has a digit more.
        let time = 997;
        let order: (typeof ticks)[number]['points'] = [];
        for (const { step, points, sorted, again, changed } of ticks) {
          time += step;
          if (again) order = order.map(([of, number], i) => [of, changed[i] ?? number]);
          else order = sorted ? [...points].sort(([a], [b]) => a - b) : points;
          for (const [of, number] of order) draft.push(nameAt(of), number, time);
          const columns = draft.take();
          for (let from = 0; from < columns.length; from += size) {
            const batch = columns.part(from, Math.min(columns.length, from + size));
            expect(encode(batch, time).toString()).toBe(
              encodeLines(batch.slice(0, batch.length), end),
            );
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('more batches than are remembered are lines all the same', () => {
  const encode = imageEncoder('\n');
  const draft = new Draft();
  for (const time of [1, 2]) {
    for (let i = 0; i < 300; i += 1) draft.push(nameAt(i), i * time, time);
    const columns = draft.take();
    for (let from = 0; from < 300; from += 1) {
      const batch = columns.part(from, from + 1);
      expect(encode(batch, time).toString()).toBe(encodeLines(batch.slice(0, 1)));
    }
  }
});

test.each([
  [128, 'are remembered', true],
  [129, 'are forgotten', false],
])('%s batches %s', (batches, _, remembered) => {
  const encode = imageEncoder('\n');
  const draft = new Draft();
  for (let i = 0; i < batches; i += 1) draft.push(nameAt(i), 1, 1);
  const columns = draft.take();
  const line = (i: number) => encode(columns.part(i, i + 1), 1);
  const { buffer } = line(0);
  for (let i = 1; i < batches; i += 1) line(i);
  // What is remembered is written into the memory that it had.
  expect(line(0).buffer === buffer).toBe(remembered);
});
