import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, evaluate, inSource } from '../../src/script/index.ts';
import { put, scratchFolder } from '../support/plugins.ts';

const doors = new Map<string, unknown>([
  ['cullinan/plugin', { gauge: () => 'a gauge', count: (n: number) => n, z: {} }],
]);

/** What a file exports, and what is said of one that cannot be loaded: without its folder. */
function load(text: string): {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly said: unknown;
  readonly short: (said: unknown) => string;
} {
  const path = put(scratchFolder(), 'own.ts', text);
  const short = (said: unknown) => String(said).replaceAll(path, 'own.ts');
  try {
    return { exports: evaluate(compile(path), doors), said: undefined, short };
  } catch (error) {
    return { exports: {}, said: error instanceof Error ? short(error.message) : error, short };
  }
}

describe('a name that is not there', () => {
  test.each([
    [
      "import { count, gaugee } from 'cullinan/plugin';\ncount(1); gaugee('x');\n",
      'own.ts:1:17: "cullinan/plugin" has no "gaugee": did you mean "gauge"? It has count, gauge, z',
    ],
    [
      "import {\n  count,\n  gaugee as level,\n} from 'cullinan/plugin';\nexport const use = () => level(count(1));\n",
      'own.ts:3:3: "cullinan/plugin" has no "gaugee": did you mean "gauge"? It has count, gauge, z',
    ],
    [
      "export { whatever } from 'cullinan/plugin';\n",
      'own.ts:1:10: "cullinan/plugin" has no "whatever". It has count, gauge, z',
    ],
  ])('is said where it is imported, with those that are: %j', (text, said) => {
    expect(load(text).said).toBe(said);
  });

  test('may be a type', () => {
    const text =
      "import { type Gauge, Level, count } from 'cullinan/plugin';\nexport const f = (g: Gauge, l: Level) => count(1);\n";
    expect(load(text).said).toBeUndefined();
  });
});

describe('what does not work in a script', () => {
  test('is a pipe or a device, which would be read for ever', () => {
    const folder = scratchFolder();
    execFileSync('mkfifo', [join(folder, 'pipe.ts')]);
    symlinkSync('/dev/zero', join(folder, 'zero.ts'));
    for (const name of ['pipe.ts', 'zero.ts']) {
      expect(() => compile(join(folder, name))).toThrow(`${name} is no regular file`);
    }
  });

  test.each([
    ['@sealed\nclass A {}\n', 'own.ts:1:1: decorators do not work: call what they stand for'],
    ['const a: number = 1;\nawait a;\n', 'own.ts:2:1: await does not work outside of a function'],
    ['const a = import.meta.url;\n', /^own\.ts:1:\d+: import\.meta does not work/],
    [
      'const a = 1;\n  namespace N { export const b = a; }\nexport const c = N.b;\n',
      /^own\.ts:2:3: a namespace with values does not work/,
    ],
  ])('is said, and what to do: %j', (text, said) => {
    expect(load(text).said).toMatch(said);
  });

  test('is not what only looks like it', () => {
    const text =
      'export namespace N { export type A = number; }\ndeclare module "x" { const y: 1; }\nexport const a: N.A = 1;\nexport const b = "N";\n';
    const { said, exports } = load(text);
    expect(said).toBeUndefined();
    expect(exports).toMatchObject({ a: 1, b: 'N' });
  });

  test('import() does', async () => {
    const { exports } = load(
      "export const f = async () => [(await import('cullinan/plugin')).count(3), (await import('node:path')).sep];\n",
    );
    expect(await (exports['f'] as () => Promise<unknown>)()).toEqual([3, '/']);
  });
});

describe('the place of an error is that in the source', () => {
  const before = "import { count } from 'cullinan/plugin';\n";

  test.each([
    [
      'const f = (a: number, b: string): never => { throw new Error("on purpose"); };\nf(1 as number, "");\n',
      'own.ts:2:52: on purpose',
    ],
    ['const a: number = 1; const b: number = 2;\nconst a: number = 3;\n', /^own\.ts:3:7: /],
    [
      'const all: readonly string[] = []; (all as any).missing.length;\n',
      /^own\.ts:2:(48|57): Cannot read/,
    ],
  ])('%j', (text, said) => {
    expect(load(before + text).said).toEqual(
      typeof said === 'string' ? said : expect.stringMatching(said),
    );
  });

  test('also in what is thrown later', () => {
    const { exports, short } = load(
      `${before}export const f = (n: number, more: string): never => { throw new Error(\`\${count(n as number)}\`); };\n`,
    );
    const f = exports['f'] as (n: number) => never;
    let stack = '';
    try {
      f(1);
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(short(inSource(stack))).toMatch(/own\.ts:2:62/);
  });

  test('whatever a text looks like', () => {
    const path = put(
      scratchFolder(),
      'own.ts',
      `${before}export const f = (n: number) => count(n);\n`,
    );
    evaluate(compile(path), doors);
    const some = fc.array(fc.oneof(fc.string(), fc.constant(path), fc.constant(`${path}:2:9`)));
    fc.assert(
      fc.property(some, fc.nat(99), fc.nat(99), (words, line, column) => {
        const text = [...words, `${path}:${line}:${column}`].join('\n');
        const places = (it: string) => it.split('\n').map((each) => each.replace(/:\d+$/, ''));
        expect(places(inSource(text))).toEqual(places(text));
      }),
    );
  });
});
