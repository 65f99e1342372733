import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ring } from '../../src/deliver/ring.ts';

test('a ring does what an array does', () => {
  const call = fc.constantFrom('push', 'push', 'push', 'unshift', 'shift', 'pop', 'clear');
  fc.assert(
    fc.property(fc.array(call, { maxLength: 300 }), (calls) => {
      const ring = new Ring<number>();
      const array: number[] = [];
      for (const [i, call] of calls.entries()) {
        if (call === 'push' || call === 'unshift') {
          ring[call](i);
          array[call](i);
        } else if (call === 'clear') {
          ring.clear();
          array.length = 0;
        } else expect(ring[call]()).toBe(array[call]());
        expect(ring.length).toBe(array.length);
        expect(ring.peek()).toBe(array[0]);
      }
    }),
  );
});
