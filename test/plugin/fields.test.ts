import { fields, ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oddLines } from '../support/odd-lines.ts';

describe('fields', () => {
  const read = fields(['pgin', 'pgout', 'pg']);
  const values = (text: string) => read('/proc/x', text).values;

  test('finds lines by their whole name, in any order, wherever they stand', () => {
    expect(values('pg 1\npgin 2\nother 9\npgout 3\n')).toEqual({ pgin: 2, pgout: 3, pg: 1 });
    expect(values('pgout 3\npg 1\npgin 2\n')).toEqual({ pgin: 2, pgout: 3, pg: 1 });
  });

  test('leaves out what is not there', () => {
    expect(values('')).toEqual({ pgin: undefined, pgout: undefined, pg: undefined });
    expect(values('xpgin 2\npgin_x 3\n')).toEqual({
      pgin: undefined,
      pgout: undefined,
      pg: undefined,
    });
  });

  test('reads the first number behind any blanks', () => {
    expect(values('pgin    \t7\npgout 8 9 10\n')).toMatchObject({ pgin: 7, pgout: 8 });
  });

  test.each(['pgin x', 'pgin -1', 'pgin 1.5', 'pgin ', 'pgin 184467440737095516150'])(
    'says where "%s" stands',
    (line) => {
      const { values, errors } = read('/proc/x', `pgout 3\n${line}\npg 1\n`);
      expect(values).toEqual({ pgin: undefined, pgout: 3, pg: 1 });
      expect(errors).toEqual([new ParseError(`/proc/x line 2: "${line}" is not "NAME NUMBER"`)]);
    },
  );

  test('takes a number that nothing stands behind for cut short', () => {
    expect(read('/proc/x', 'pgin 1\npgout 23').values).toMatchObject({ pgin: 1, pgout: undefined });
    expect(read('/proc/x', 'pgin 1\npgout 23').errors).toHaveLength(1);
  });

  test('says that the first line is malformed', () => {
    expect(read('/proc/x', 'pgin x\n').errors).toEqual([
      new ParseError('/proc/x line 1: "pgin x" is not "NAME NUMBER"'),
    ]);
  });

  test('reads what a line-by-line reading reads, of any text', () => {
    const line = fc.tuple(
      fc.constantFrom('pgin', 'pgout', 'pg', 'p', 'pgin2'),
      fc.constantFrom(' ', '  ', '\t', ''),
      fc.oneof(fc.maxSafeNat().map(String), fc.constantFrom('', 'x', '-1')),
    );
    const file = fc.uniqueArray(line, { selector: ([name]) => name, maxLength: 5 });
    fc.assert(
      fc.property(file, (lines) => {
        const { values } = read('/proc/x', lines.map((words) => `${words.join('')}\n`).join(''));
        for (const name of ['pgin', 'pgout', 'pg'] as const) {
          const [, blank = '', number = ''] = lines.find(([its]) => its === name) ?? [];
          const sound = blank.startsWith(' ') && /^\d+$/.test(number);
          if (values[name] !== undefined || sound) expect(values[name]).toBe(Number(number));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('gives finite numbers for any text', () => {
    let seen = 0;
    fc.assert(
      fc.property(oddLines('pgin 1', 'pgout 2', 'pg 3', 'other 4'), (text) => {
        for (const value of Object.values(values(text))) {
          if (value === undefined) continue;
          expect(Number.isFinite(value)).toBe(true);
          seen += 1;
        }
      }),
      { numRuns: 1000 },
    );
    expect(seen).toBeGreaterThan(50);
  });
});
