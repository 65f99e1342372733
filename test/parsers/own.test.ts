import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf, z } from 'cullinan/plugin';
import { afterAll, describe, expect, test } from 'vitest';
import { ownParser, parserOption } from '../../src/parsers/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-own-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** What it reports of lines: names and values. */
function reported(path: string, lines: readonly string[], given: object = {}, seconds = 10) {
  const parser = ownParser(path);
  const parsing = parser.open(parser.options.parse(given));
  const known = lines.map((line) => parsing.parse(lineOf(Buffer.from(line))));
  const numbers = [...parsing.report(seconds)].map(({ labels, value }) => [labels['name'], value]);
  return { known, numbers, parsing };
}

const ORDERS = `
interface Found { readonly name: string; readonly value: number }
type Levels = Map<string, number>;

/** As logster's Log4jLogster is written, in TypeScript. */
export default class Orders {
  private readonly levels: Levels = new Map();
  #pattern: RegExp;
  constructor(optionString: string, private readonly options: Readonly<Record<string, unknown>>) {
    this.#pattern = new RegExp(optionString === '' ? 'order (\\\\w+)' : optionString);
  }
  parseLine(line: string): boolean {
    const [, level] = this.#pattern.exec(line) ?? [];
    if (level === undefined) return false;
    this.levels.set(level, (this.levels.get(level) ?? 0) + 1);
    return true;
  }
  report(duration: number): Found[] {
    const per = Number(this.options['per'] ?? 1);
    return [...this.levels].map(([name, n]) => ({ name, value: (n / duration) * per }));
  }
}
`;

describe('a parser in a file of one’s own', () => {
  test('in TypeScript, in logster’s shape', () => {
    const lines = ['order placed', 'nothing', 'order placed', 'order paid'];
    const { known, numbers } = reported(file('orders.ts', ORDERS), lines);
    expect(known).toEqual([true, false, true, true]);
    expect(numbers).toEqual([
      ['placed', 0.2],
      ['paid', 0.1],
    ]);
  });

  test('is given its options, as logster gives them and as the configuration has them', () => {
    const given = { optionString: 'user (\\w+)', per: 60 };
    const { numbers } = reported(file('orders.ts', ORDERS), ['order x', 'user ada'], given);
    expect(numbers).toEqual([['ada', 6]]);
  });

  test('begins anew after each report', () => {
    const { parsing } = reported(file('orders.ts', ORDERS), ['order placed']);
    expect([...parsing.report(10)]).toEqual([]);
  });

  test.each([
    ['hits.mjs', 'export default class'],
    ['hits.js', 'export default class'],
    ['hits.cjs', 'module.exports = class'],
  ])('in JavaScript: %s', (name, start) => {
    const body = `${start} {
      n = 0;
      parseLine(line) { this.n += line.length; }
      report() { return [{ name: 'bytes', value: this.n, kind: 'delta' }]; }
      timeOf(line) { return Number(line) || undefined; }
    }`;
    const { known, numbers, parsing } = reported(file(name, body), ['1795250000']);
    expect([known, numbers]).toEqual([[true], [['bytes', 10]]]);
    expect(parsing.timeOf?.(lineOf(Buffer.from('1795250000')))).toBe(1_795_250_000);
  });

  test('may import what is beside it, what Node has, and the door for plugins', () => {
    file('beside.ts', 'export const twice = (n: number): number => n * 2;');
    const path = file(
      'imports.ts',
      `import { basename } from 'node:path';
       import { twice } from './beside.ts';
       import { count, defineParser, delta, z } from 'cullinan/plugin';
       const seen = delta('own.seen', { unit: 'count', help: 'Seen.' });
       export default defineParser({
         name: basename('/a/imports'), summary: 'Lines.', source: 'a test',
         options: z.strictObject({ from: z.number().default(1) }),
         metrics: () => [seen],
         open({ from }) {
           let n = from;
           return { parse() { n = twice(n); return true; }, *report() { yield seen.observe(count(n)); } };
         },
       });`,
    );
    const parser = ownParser(path);
    expect(parser.name).toBe('imports');
    const parsing = parser.open(parser.options.parse({ from: 3 }));
    parsing.parse(lineOf(Buffer.from('x')));
    expect([...parsing.report(1)].map(({ metric, value }) => [metric.name, value])).toEqual([
      ['own.seen', 6],
    ]);
  });

  test('is read again when it has changed', () => {
    const text = (n: number) =>
      `export default class { parseLine() {} report() { return [{ name: 'n', value: ${n} }]; } }`;
    expect(reported(file('changed.ts', text(1)), []).numbers).toEqual([['n', 1]]);
    expect(reported(file('changed.ts', text(2)), []).numbers).toEqual([['n', 2]]);
  });
});

describe('what is wrong with it is said in a sentence', () => {
  test.each([
    [
      'syntax.ts',
      'export default class {\n  parseLine(l {}\n}',
      /cannot be loaded: .*syntax\.ts:2:\d+: this is no TypeScript or JavaScript: Unexpected/,
    ],
    [
      'throws.ts',
      '\n\nnull.x;',
      /cannot be loaded: .*throws\.ts:3:6: Cannot read properties of null/,
    ],
    ['beside.mjs', "import './gone.ts';", /cannot be loaded: .*ENOENT.*gone\.ts/],
    ['package.ts', "import x from 'no-such-package'; x();", /Cannot find module 'no-such-package'/],
    ['await.mjs', 'await 1; export default class {}', /cannot be loaded: .*await/],
    ['nothing.js', 'export default 3', /exports no parser by default: a class is needed/],
    ['half.ts', 'export default class { parseLine() {} }', /exports no parser by default/],
  ])('%s', (name, text, message) => {
    const path = file(name, text);
    expect(() => ownParser(path)).toThrow(message);
    expect(() => ownParser(path)).toThrow(path);
  });

  test.each([
    ['report() { return 3; }', /report\(duration\) must return a list of \{ name, value \}/],
    ['async report() { return []; }', /report\(duration\) must return a list/],
    ["report() { return [{ name: 'x', value: '3' }]; }", /gave \{"name":"x","value":"3"\}/],
    ['report() { return [undefined]; }', /gave undefined/],
    ["report() { throw new Error('oh'); }", /report\(duration\) failed: .*wrong\.ts:1:\d+: oh/],
    [
      "constructor() { throw new Error('oh'); } report() {}",
      /its constructor failed: .*wrong\.ts:1:\d+: oh/,
    ],
  ])('%s', (body, message) => {
    const path = file('wrong.ts', `export default class { parseLine() {} ${body} }`);
    const open = () => reported(path, ['x']);
    expect(open).toThrow(message);
    expect(open).toThrow(path);
  });
});

describe('in the configuration', () => {
  const option = z.strictObject({ parser: parserOption() });
  const messages = (parser: unknown) =>
    option.safeParse({ parser }).error?.issues.map(({ message }) => message);

  test('it is a path, with options of its own and those of every parser', () => {
    const name = file('orders.ts', ORDERS);
    const { parser } = option.parse({ parser: { name, per: 60, join: 'indented' } });
    expect(parser.parser.name).toBe('orders');
    expect(parser.parser.metrics(parser.options).map((it) => it.name)).toEqual([
      'log.value',
      'log.amount',
    ]);
  });

  test.each([
    ['./orders.ts', 'must be the whole path'],
    [join(folder, 'none.ts'), 'ENOENT'],
    ['no-such', 'or the path of your own'],
  ])('%s is refused', (parser, message) => {
    expect(messages(parser)?.[0]).toContain(message);
  });
});
