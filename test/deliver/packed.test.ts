import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Packed } from '../../src/deliver/packed.ts';
import { points } from '../support/delivery.ts';

const value = fc.double({ noNaN: true });
const some = fc.array(fc.record({ of: fc.nat(5), value, time: fc.nat(3) }));
const names = Array.from({ length: 6 }, (_, i) => points(0, 1, `p${i}`)[0]?.name);

test('what is packed comes out as it went in, whatever was packed before', () => {
  fc.assert(
    fc.property(fc.array(some), fc.nat(20), fc.nat(20), (rows, from, count) => {
      let before: Packed | undefined;
      for (const row of rows) {
        const batch = row.flatMap(({ of, value, time }) => {
          const name = names[of];
          return name === undefined ? [] : [{ name, value, time: 1_795_219_200.5 + time }];
        });
        const packed = new Packed(batch, before);
        expect(packed.length).toBe(batch.length);
        expect(packed.slice(0, batch.length)).toEqual(batch);
        const end = Math.min(from + count, batch.length);
        expect(packed.slice(from, end)).toEqual(batch.slice(from, end));
        before = packed;
      }
    }),
  );
});
