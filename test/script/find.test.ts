import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { compile, evaluate, find } from '../../src/script/index.ts';
import { put, scratchFolder } from '../support/plugins.ts';

const namesIn = (folder: string) => find({ folders: [folder], packages: [] }).map((it) => it.name);

test('a folder’s scripts are plugins; what supports them is not', () => {
  const folder = scratchFolder();
  for (const name of ['b.ts', 'a.mjs', 'c.cjs', 'd.js', 'e.mts', 'f.cts']) put(folder, name, '');
  for (const name of ['_x.ts', '.y.ts', 'a.test.ts', 'a.spec.js', 'a.d.ts', 'note.md', 'z/a.ts']) {
    put(folder, name, '');
  }
  expect(namesIn(folder)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('a folder that is not there has none, and one that is no folder neither', () => {
  const folder = scratchFolder();
  expect(namesIn(join(folder, 'gone'))).toEqual([]);
  expect(namesIn(put(folder, 'file', ''))).toEqual([]);
});

test('packages called cullinan-… are plugins, wherever their description says that they begin', () => {
  const folder = scratchFolder();
  const descriptions = {
    'cullinan-main': { main: 'lib/a.js' },
    'cullinan-none': {},
    'cullinan-exports': {
      exports: { '.': { types: './x.d.ts', import: './b.mjs' } },
      main: 'x.js',
    },
    '@acme/cullinan-scoped': { exports: './c.js' },
    other: { main: 'd.js' },
  };
  for (const [name, text] of Object.entries(descriptions)) {
    put(folder, `${name}/package.json`, JSON.stringify(text));
  }
  put(folder, 'cullinan-broken/package.json', '{');
  const found = find({ folders: [], packages: [folder] });
  expect(Object.fromEntries(found.map((it) => [it.name, it.problem ?? basename(it.path)]))).toEqual(
    {
      main: 'a.js',
      none: 'index.js',
      exports: 'b.mjs',
      scoped: 'c.js',
      broken: expect.stringContaining('its package.json cannot be read'),
    },
  );
});

test('files may import each other', () => {
  const folder = scratchFolder();
  put(
    folder,
    'a.ts',
    `import { b } from './b.ts'; export const a = 1; export const sum = () => a + b();`,
  );
  put(folder, 'b.ts', `import { a } from './a.ts'; export const b = () => a + 1;`);
  const { sum } = evaluate(compile(join(folder, 'a.ts')), new Map()) as { sum: () => number };
  expect(sum()).toBe(3);
});

test.each([
  ['const a: number = ;', /a\.ts:1:19: this is no TypeScript or JavaScript: Unexpected token/],
  ['let x = 1;\nlet x = 2;', /a\.ts:2:5: Identifier 'x' has already been declared/],
  ['\n  nothing();', /a\.ts:2:3: nothing is not defined/],
  ["throw 'a text';", /a\.ts: "a text"/],
  ["import './gone.ts';", /gone\.ts, which .*a\.ts imports, cannot be read: ENOENT/],
  [
    "import './lib/help';",
    /there is no ".\/lib\/help" beside it: write its ending, ".\/lib\/help.ts"/,
  ],
  ["import 'cullinan/plugins';", /there is no "cullinan\/plugins" to import/],
])('%j is wrong, and it is said where', (text, said) => {
  const folder = scratchFolder();
  put(folder, 'lib/help.ts', '');
  const path = put(folder, 'a.ts', text);
  expect(() => evaluate(compile(path), new Map())).toThrow(said);
});
