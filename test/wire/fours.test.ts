import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimal, indexIn, Word } from '../../src/wire/fours.ts';

/** Bytes of few kinds, in the midst of others that must not be looked at. */
const midst = fc
  .record({
    before: fc.nat(9),
    bytes: fc.uint8Array({ maxLength: 40 }).map((all) => all.map((byte) => byte & 0x83)),
    behind: fc.nat(9),
  })
  .map(({ before, bytes, behind }) => {
    // What is looked for stands all around.
    const all = new Uint8Array(before + bytes.length + behind).fill(1);
    all.set(bytes, before);
    const view = new DataView(all.buffer);
    return { view, all: Buffer.from(all.buffer), from: before, to: before + bytes.length };
  });

describe('a byte', () => {
  it('is found where it first stands, and nowhere else', () => {
    fc.assert(
      fc.property(midst, fc.constantFrom(0, 1, 2, 3, 4, 127), ({ view, all, from, to }, byte) => {
        const at = all.subarray(from, to).indexOf(byte);
        expect(indexIn(view, byte, from, to)).toBe(at < 0 ? to : from + at);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a word', () => {
  const words = fc.array(fc.constantFrom('a', 'b', ','), { minLength: 4, maxLength: 14 });
  const text = fc.array(fc.constantFrom('a', 'b', ','), { maxLength: 40 });

  it('is found where it first stands as a whole', () => {
    fc.assert(
      fc.property(words, text, text, fc.nat(3), (letters, one, other, place) => {
        const word = letters.join('');
        const line = [...one, ...(place > 0 ? letters : []), ...other].join('');
        const all = `${word}${line}${word}`;
        const [from, to] = [word.length, word.length + line.length];
        const bytes = new Uint8Array(Buffer.from(all));
        const view = new DataView(bytes.buffer);
        const sought = new Word(word);
        const at = line.indexOf(word);
        expect(sought.indexIn(view, from, to)).toBe(at < 0 ? -1 : from + at);
        expect(sought.behind(view, from, to)).toBe(at < 0 ? -1 : from + at + word.length);
        expect(sought.standsAt(view, from, to)).toBe(line.startsWith(word));
        expect(sought.standsAt(view, to, to)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('has four bytes at least', () => {
    expect(() => new Word('abc')).toThrow(RangeError);
    expect(new Word('é,,').length).toBe(4);
  });
});

describe('a decimal', () => {
  // Mostly digits, or none would have sixteen of them.
  const number = fc.oneof(
    fc.array(fc.constantFrom(...'019./-'), { maxLength: 24 }),
    fc.array(fc.constantFrom(...'0123456789012345678./'), { maxLength: 24 }),
  );

  it('is as long as it can be, and no more than fifteen digits', () => {
    fc.assert(
      fc.property(number, fc.nat(24), (letters, length) => {
        const all = letters.join('');
        const text = all.slice(0, length);
        const view = new DataView(new Uint8Array(Buffer.from(all)).buffer);
        const [whole = '', , places = ''] = /^\d*(\.(\d*))?/.exec(text) ?? [];
        const digits = whole.replace('.', '');
        const decimal = new Decimal();
        const end = decimal.read(view, 0, text.length);
        if (digits === '' || digits.length > 15) expect(end).toBe(-1);
        else {
          expect(end).toBe(whole.length);
          expect(decimal.places).toBe(places.length);
          expect(decimal.digits / 10 ** decimal.places).toBe(Number(whole));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
