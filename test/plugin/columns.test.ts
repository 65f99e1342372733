import { columns, eachLine, nameOf, ParseError, parseLines } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('columns', () => {
  const read = columns(['reads', 'writes'], ['discards', 'flushes']);

  test('reads whole numbers between any blanks, from any place in the line', () => {
    expect(read('sda:\t 7   9\t1 2', 4)).toEqual({ reads: 7, writes: 9, discards: 1, flushes: 2 });
  });

  test('leaves out what an older kernel does not print, and ignores what a newer one adds', () => {
    expect(read('7 9')).toEqual({ reads: 7, writes: 9, discards: undefined, flushes: undefined });
    expect(read('7 9 1 ')).toEqual({ reads: 7, writes: 9, discards: 1, flushes: undefined });
    expect(read('7 9 1 2 x')).toEqual({ reads: 7, writes: 9, discards: 1, flushes: 2 });
  });

  test('reads the widest number the kernel prints as near as a number can be', () => {
    expect(read('18446744073709551615 0').reads).toBe(2 ** 64);
    expect(read('9223372036854775807 0').reads).toBe(2 ** 63);
  });

  test('writes into a row that is there, and leaves nothing of it', () => {
    const row = read('1 2 3 4');
    for (const line of ['7 9', ' 7\t9\n', '18446744073709551615 9 1 ']) {
      expect(read(line, 0, row)).toBe(row);
      expect(row).toEqual(read(line));
    }
  });

  test('writes into a row that is made for it, and leaves nothing of what was there', () => {
    const row = read.row();
    for (const line of ['1 2 3 4', ' 7\t9\n', '18446744073709551615 9 1 ', '7 9']) {
      expect(read(line, 0, row)).toBe(row);
      const { reads, writes, discards, flushes } = row;
      expect({ reads, writes, discards, flushes }).toEqual(read(line));
    }
    expect(() => read('7 x', 0, row)).toThrow('column 2 of 4 (writes) is "x"');
  });

  test.each([
    ['', 'column 1 of 4 (reads) is missing'],
    ['7 ', 'column 2 of 4 (writes) is missing'],
    ['7 9x', 'column 2 of 4 (writes) is "9x", not a whole number'],
    ['-7 9', 'column 1 of 4 (reads) is "-7", not a whole number'],
    ['7.5 9', 'column 1 of 4 (reads) is "7.5", not a whole number'],
    ['7 9 1 x', 'column 4 of 4 (flushes) is "x", not a whole number'],
    ['7 9 184467440737095516150', '(discards) is "184467440737095516150", not a whole number'],
  ])('rejects "%s": %s', (line, message) => {
    expect(() => read(line)).toThrow(ParseError);
    expect(() => read(line)).toThrow(message);
  });

  test('gives back every row of numbers it is given', () => {
    const numbers = fc.array(fc.maxSafeNat(), { minLength: 2, maxLength: 4 });
    const blank = fc.stringMatching(/^[ \t]{1,3}$/);
    fc.assert(
      fc.property(numbers, blank, ([reads, writes, discards, flushes], blank) => {
        const row = { reads, writes, discards, flushes };
        const printed = Object.values(row).filter((number) => number !== undefined);
        expect(read(printed.join(blank))).toEqual(row);
      }),
    );
  });

  test('gives finite numbers or a ParseError for any text', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789 -.x\t\0'), maxLength: 600 });
    fc.assert(
      fc.property(fc.oneof(digits, fc.string({ unit: 'binary' })), (line) => {
        try {
          const row = read(line);
          expect(Number.isFinite(row.reads + row.writes)).toBe(true);
          expect(Number.isFinite((row.discards ?? 0) + (row.flushes ?? 0))).toBe(true);
        } catch (error) {
          if (!(error instanceof ParseError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parseLines', () => {
  const read = columns(['n']);
  const parse = (text: string, skip = 0) => parseLines('/proc/x', text, (l) => read(l).n, { skip });

  test('keeps the siblings of a bad line, and says where it stands in the file', () => {
    const [first, bad, last] = parse('header\n1\nbad\n3\n', 1);
    expect([first, last]).toEqual([1, 3]);
    expect(bad).toBeInstanceOf(ParseError);
    expect(bad).toHaveProperty(
      'message',
      '/proc/x line 3: column 1 of 1 (n) is "bad", not a whole number',
    );
  });

  test('leaves out empty lines and those that are not wanted', () => {
    expect(
      parseLines('/proc/x', '1\n\n2\n3\n', (line) => (line === '2' ? undefined : line)),
    ).toEqual(['1', '3']);
  });

  test('one after the other, each when it is asked for', () => {
    const parsed: string[] = [];
    for (const line of eachLine('/proc/x', 'a\nb\nc\n', (line) => line)) {
      parsed.push(`${line}`);
      if (line === 'b') break;
    }
    expect(parsed).toEqual(['a', 'b']);
  });

  test('one after the other is the same, but for where what was cut off is said, and however many there are', () => {
    const readAll = columns(['a', 'b'], ['c']);
    const said = (all: Iterable<unknown>) => [...all].map(String).sort();
    const line = fc.oneof(
      fc.array(fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 70n }), fc.constant('x')), {
        maxLength: 4,
      }),
      fc.array(fc.nat(999), { minLength: 2, maxLength: 3 }),
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 30 }),
        ...([fc.nat(4), fc.constantFrom(0, 20_000), fc.boolean()] as const),
        (lines, more, heading, cut) => {
          const all = ['x'.repeat(heading), ...lines.map((words) => words.join(' '))];
          const text = `${all.join('\n')}${cut ? '' : '\n'}`;
          const skip = 1 + more;
          const row = readAll.row();
          const read = (line: string) => {
            const { a, b, c } = readAll(line, 0, row);
            expect(readAll(line)).toEqual({ a, b, c });
            return JSON.stringify({ a, b, c });
          };
          expect(said(eachLine('/proc/x', text, read, { skip }))).toEqual(
            said(parseLines('/proc/x', text, read, { skip })),
          );
        },
      ),
    );
  });

  test('lets a bug through as it is', () => {
    const bug = () => {
      throw new TypeError('a bug');
    };
    expect(() => parseLines('/proc/x', 'line\n', bug)).toThrow(TypeError);
  });
});

describe('nameOf', () => {
  const raw = (text: string) => Buffer.from(text).toString('latin1');

  test('reads UTF-8, and spells out the bytes of anything else', () => {
    expect(nameOf('eth0')).toBe('eth0');
    expect(nameOf(raw('größe'))).toBe('größe');
    expect(nameOf('gr\xf6\xdfe')).toBe('gr\\xf6\\xdfe');
  });

  test('gives back any text, a byte order mark included, and never makes one name of two', () => {
    expect(nameOf(raw('\ufeffeth0'))).toBe('\ufeffeth0');
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => nameOf(raw(text)) === text));
    const bytes = fc.string({ unit: fc.constantFrom('a', '\xc3', '\xb6', '\xff'), maxLength: 4 });
    fc.assert(fc.property(bytes, bytes, (a, b) => (nameOf(a) === nameOf(b)) === (a === b)));
  });
});
