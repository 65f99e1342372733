import { lineOf } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import regex from '../../parsers/regex.ts';
import { encoded } from '../../src/wire/bytes.ts';
import { describeParser, parsing, said } from '../support/parsers.ts';

const PLACED = 'order \\d+ placed by (?P<shop>\\w+) in (?P<ms>\\d+) ms';

describeParser(regex, {
  options: {
    rules: [
      { name: 'orders.placed', match: PLACED, except: 'by test', labels: ['shop'] },
      { name: 'orders.failed', match: 'order \\d+ failed', contains: 'failed' },
      {
        ...{ name: 'orders.time', match: PLACED, as: 'distribution', value: 'ms' },
        ...{ scale: 0.001, percentiles: [50, 90] },
      },
      { name: 'queue.length', match: 'queue holds (?P<n>\\d+)', as: 'last', value: 'n' },
      { name: 'queue.most', match: 'queue holds (?P<n>\\d+)', as: 'max', value: 'n' },
      { name: 'queue.mean', match: 'queue holds (?<n>\\d+)', as: 'average', value: 'n' },
      { name: 'sent.bytes', match: 'sent (?P<n>\\d+) bytes', as: 'total', value: 'n' },
      { name: 'sent.sum', match: 'sent (?P<n>\\d+) bytes', value: 'n' },
    ],
  },
});

const withRules = (...rules: unknown[]) => parsing(regex, { rules });

describe('a rule', () => {
  test('has a bound on the labels that it tells apart', () => {
    const run = withRules({ name: 'a', match: '^(?P<who>\\w+)$', labels: ['who'], limit: 2 });
    expect(said(run('x\ny\nz\nx\nw\n'))).toEqual([
      ...['a{who="x"} 2 count delta', 'a{who="y"} 1 count delta', 'a{who="other"} 2 count delta'],
    ]);
  });

  test('counts nothing that is no number', () => {
    const run = withRules({ name: 'a', match: 'took (?P<n>\\S*)', value: 'n', as: 'max' });
    const parsed = run('took x\ntook \ntook 1e999\ntook 2\n');
    expect([parsed.known, ...said(parsed)]).toEqual([1, 'a{} 2 count gauge']);
  });

  test('falls to zero when it was counted before, and has no level without lines', () => {
    const run = withRules(
      { name: 'count', match: 'x' },
      { name: 'level', match: 'x(?P<n>\\d)', value: 'n', as: 'last' },
    );
    expect(said(run('x1\n'))).toEqual(['count{} 1 count delta', 'level{} 1 count gauge']);
    expect(said(run(''))).toEqual(['count{} 0 count delta']);
  });

  test.each(['(a+)+$', '(a*)*b', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a|aa)+$'])(
    '%s cannot hang the agent',
    (match) => {
      const { parse } = regex.open(regex.options.parse({ rules: [{ name: 'evil', match }] }));
      // Backtracking would take longer than the universe has.
      for (const line of [`${'a'.repeat(20_000)}!`, 'x'.repeat(20_000)]) {
        expect(parse(lineOf(encoded(line)))).toBe(false);
      }
    },
  );
});

test.each([
  [{ match: '(?=a)' }, 'is no expression of RE2'],
  [{ match: '(a)\\1' }, 'is no expression of RE2'],
  [{ match: 'a', as: 'last' }, 'is needed with as: last'],
  [{ match: 'a', value: 'n' }, '"n" is no group of the expression: (?P<n>…)'],
  [{ match: 'a', labels: ['who'] }, '"who" is no group of the expression'],
])('%j is refused', (rule, why) => {
  const { error } = regex.options.safeParse({ rules: [{ name: 'a', ...rule }] });
  expect(error?.issues.map(({ message }) => message).join()).toContain(why);
});
