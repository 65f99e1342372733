import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packLines } from '../../src/wire/datagrams.ts';

const texts = (lines: string, most: number): string[] =>
  packLines(lines, most).map((datagram) => datagram.toString());

describe('lines in datagrams', () => {
  test('as many whole lines as fit', () => {
    expect(texts('one 1\ntwo 2\nthree 3\n', 12)).toEqual(['one 1\ntwo 2\n', 'three 3\n']);
    expect(texts('one 1\ntwo 2\n', 11)).toEqual(['one 1\n', 'two 2\n']);
  });

  test('a line that is too long has one of its own', () => {
    expect(texts('a\nlonger than most\nb\n', 6)).toEqual(['a\n', 'longer than most\n', 'b\n']);
  });

  test('nothing is lost, no line is torn, and no datagram is too long that need not be', () => {
    const line = fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\n', ' '));
    const end = fc.constantFrom('\n', '\r\n');
    fc.assert(
      fc.property(fc.array(line), end, fc.integer({ min: 1, max: 100 }), (lines, end, most) => {
        const text = lines.map((each) => each + end).join('');
        const datagrams = packLines(text, most);
        expect(Buffer.concat(datagrams)).toEqual(Buffer.from(text));
        for (const datagram of datagrams) {
          expect(datagram.at(-1)).toBe(0x0a);
          const whole = datagram.filter((byte) => byte === 0x0a).length;
          if (datagram.length > most) expect(whole).toBe(1);
        }
      }),
    );
  });
});
