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
      { name: 'sent.sum', match: 'sent (?P<n>\\d+) bytes', value: 'n', unit: 'bytes' },
      { name: 'queue.least', match: 'queue holds (?P<n>\\d+)', as: 'min', value: 'n' },
      { name: 'queue.now', match: 'queue holds (?P<n>\\d+)', as: 'last', keep: true, value: 'n' },
      { name: 'orders.sizes', match: PLACED, as: 'buckets', value: 'ms', buckets: [5, 20, 100] },
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

  test('has buckets that end with their bound, and one for all that is larger', () => {
    const run = withRules({
      ...{ name: 'a', match: '(?P<n>[\\d.]+)', value: 'n', as: 'buckets', buckets: [0.5, 1, 2] },
    });
    expect(said(run('0.1\n0.5\n0.51\n2\n2.1\n900\n'))).toEqual([
      ...['a{upto="0.5"} 2 count delta', 'a{upto="1"} 1 count delta'],
      ...['a{upto="2"} 1 count delta', 'a{upto="inf"} 2 count delta'],
    ]);
  });

  test('may say its latest number again, once it has one', () => {
    const rule = { name: 'a', match: 'n=(?P<n>\\d+)', value: 'n', as: 'last' };
    const keeps = withRules({ ...rule, keep: true });
    expect(said(keeps(''))).toEqual([]);
    expect(said(keeps('n=7'))).toEqual(['a{} 7 count gauge']);
    expect(said(keeps(''))).toEqual(['a{} 7 count gauge']);
  });

  test('keeps no long labels', () => {
    const run = withRules({ name: 'a', match: '^(?P<who>\\w+)$', labels: ['who'] });
    expect(said(run('x'.repeat(129)))).toEqual(['a{who="other"} 1 count delta']);
  });

  test('looks at so much of a line, and no more', () => {
    const run = withRules({ name: 'a', match: 'x' });
    expect(run(`${' '.repeat(65_535)}x`).known).toBe(1);
    expect(run(`${' '.repeat(65_536)}x`).known).toBe(0);
  });

  test('has any percentile, exact as long as there are few values, and near it then', () => {
    const rule = { name: 'a', match: '(?P<n>\\d+)', value: 'n', as: 'distribution' };
    const of = (count: number) => {
      const log = Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');
      const { observations } = withRules({ ...rule, percentiles: [50, 99, 99.9] })(log);
      return Object.fromEntries(
        observations.map(({ labels, value }) => [labels['statistic'], value]),
      );
    };
    expect(of(1001)).toEqual({
      ...{ mean: 501, min: 1, max: 1001, p50: 501, p99: 991, 'p99.9': 1000 },
    });
    const many = of(50_001);
    expect(many).toMatchObject({ mean: 25_001, min: 1, max: 50_001 });
    expect(Math.abs((many['p50'] ?? 0) / 25_001 - 1)).toBeLessThan(0.005);
    expect(Math.abs((many['p99.9'] ?? 0) / 49_951 - 1)).toBeLessThan(0.005);
  });
});

describe('words that are looked for first', () => {
  const needles = (...rules: object[]) =>
    regex.needles?.(regex.options.parse({ rules: rules.map((r, i) => ({ name: `a${i}`, ...r })) }));

  test('are found out of the expressions, or are what is said', () => {
    expect(needles({ match: 'order \\d+ failed' }, { match: '.*', contains: 'queue' })).toEqual([
      ...[' failed', 'queue'],
    ]);
  });

  test('are none where a rule may match without any', () => {
    expect(needles({ match: 'order' }, { match: '\\d+' })).toEqual([]);
  });

  test('are none where they are many', () => {
    expect(needles(...Array.from({ length: 17 }, (_, i) => ({ match: `word${i}` })))).toEqual([]);
  });
});

/** Patterns on which engines that go back need longer than the universe has. */
const EVIL = [
  ...['(a+)+$', '(a*)*b', '(x+x+)+y', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a|aa)+$', '(a|a)*$'],
  ...['(.*a){20}', '^(a?){50}a{50}$', '(\\w+\\s?)*$', '((((a*)*)*)*)*$', '(?i)(a+)+$'],
  ...['(?:[\\s\\S]{0,100}){3}x', '^(?P<n>.*?,){11}P', '(?:a{0,20}){0,20}$'],
];

describe.each(EVIL)('an evil pattern: %s', (match) => {
  const time = (length: number) => {
    const options = regex.options.parse({ rules: [{ name: 'evil', match }] });
    const { parse } = regex.open(options);
    const lines = ['a', 'x', 'a ', '1,'].map((s) =>
      lineOf(encoded(`${s.repeat(length / s.length)}!`)),
    );
    const started = process.cpuUsage();
    for (const line of lines) parse(line);
    return process.cpuUsage(started).user / 1000;
  };

  test('takes no longer than its line is long', () => {
    time(2000);
    const [short, long] = [time(6000), time(60_000)];
    // Ten times the line, and room for what else the machine does: a square of it would be a hundred.
    expect(long).toBeLessThan(Math.max(short, 5) * 30);
    expect(time(100_000)).toBeLessThan(10_000);
  });
});

test('what would take long on every line is refused, however linear', () => {
  const { error } = regex.options.safeParse({
    rules: [{ name: 'a', match: '(?:a{0,30}){0,30}$' }],
  });
  expect(error?.issues[0]?.message).toMatch(/^is too large: \d+ steps, and 1000 are allowed/);
});

test.each([
  [{ match: 'a(?=b)' }, 'has "(?=" in it, to look ahead or behind; say with except'],
  [{ match: '(a)\\1' }, 'has "\\1" in it, to refer back to a group'],
  [{ match: '(' }, 'is no expression of RE2'],
  [{ match: 'a', except: '(?!b)' }, 'has "(?!" in it'],
  [{ match: 'a', as: 'buckets', value: 'n' }, 'and as: buckets need each other'],
  [{ match: 'a', buckets: [1] }, 'and as: buckets need each other'],
  [{ match: '(?P<n>a)', as: 'buckets', value: 'n', buckets: [2, 1] }, 'must be ascending'],
  [{ match: 'a', keep: true }, 'goes only with as: last'],
  [{ match: '(?P<w>a)', labels: ['w', 'w'] }, 'has "w" twice'],
  [{ match: '(?P<name>a)', labels: ['name'] }, 'cannot be "name": give the group another one'],
  [
    { match: '(?P<n>a)', value: 'n', as: 'distribution', limit: 1001 },
    'must be at most 1000 with as: distribution',
  ],
  [
    { match: '(?P<upto>a)', as: 'buckets', value: 'upto', buckets: [1], labels: ['upto'] },
    'cannot be "upto" with as: buckets',
  ],
  [{ match: 'a', as: 'last' }, 'is needed with as: last'],
  [{ match: 'a', value: 'n' }, '"n" is no group of the expression: (?P<n>…)'],
  [{ match: 'a', labels: ['who'] }, '"who" is no group of the expression'],
])('%j is refused', (rule, why) => {
  const { error } = regex.options.safeParse({ rules: [{ name: 'a', ...rule }] });
  expect(error?.issues.map(({ message }) => message).join()).toContain(why);
});
