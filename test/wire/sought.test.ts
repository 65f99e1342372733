import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sought } from '../../src/wire/bytes.ts';

test('a word is found wherever it is looked for, in whatever order', () => {
  const characters = fc
    .array(fc.constantFrom('a', 'b', 'ab', '\n'), { maxLength: 40 })
    .map((all) => all.join(''));
  const look = fc.record({ characters, from: fc.nat(50), length: fc.nat(50) });
  fc.assert(
    fc.property(fc.constantFrom('a', 'ab', 'bab'), fc.array(look), (word, looks) => {
      const sought = new Sought(word);
      for (const it of looks) {
        for (const from of [it.from, 0, it.from]) {
          const to = Math.min(it.characters.length, from + it.length);
          const at = it.characters.slice(from, to).indexOf(word);
          expect(sought.indexIn(it.characters, from, to)).toBe(at < 0 ? -1 : from + at);
        }
      }
    }),
  );
});
