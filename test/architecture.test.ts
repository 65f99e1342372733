import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judge } from '../scripts/layering.mjs';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/** A house with nothing in its rooms that anybody could object to. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/metric/index.ts': "export * from './metric.ts';",
  'src/metric/metric.ts': 'export interface Metric {}\nexport const count = 1;',
  'src/wire/graphite.ts':
    "import type { Metric } from '../metric/index.ts';\nexport type M = Metric;",
  'src/clock/index.ts': 'export const now = 1;',
  'src/plugin/index.ts': "export * from '../metric/index.ts';",
  'src/rates/index.ts':
    "import type { Metric } from '../plugin/index.ts';\nexport type M = Metric;",
  'src/naming/index.ts':
    "import { createHash } from 'node:crypto';\nexport * from '../plugin/index.ts';\nexport const x = createHash;",
  'src/log/index.ts': "export * from '../clock/index.ts';",
  'src/host/index.ts': "export * from '../plugin/index.ts';",
  'src/host/tree.ts': "import 'node:fs';\nexport const tree = 1;",
  'src/config/index.ts': "export * from '../plugin/index.ts';",
  'src/portable/index.ts': "export * from '../plugin/index.ts';",
  'src/agent/index.ts': "export * from './builtin.ts';\nexport * from '../host/index.ts';",
  'src/agent/builtin.ts':
    "import load from '../../collectors/load.ts';\nexport const all = [load];",
  'src/reference/index.ts': "export * from '../agent/index.ts';",
  'src/cli/main.ts':
    "import '../reference/index.ts';\nexport const other = () => import('../portable/index.ts');",
  'collectors/load.ts': "import 'cullinan/plugin';\nimport 'node:fs';\nexport default 1;",
  'handlers/graphite.ts': "import 'cullinan/plugin';\nimport 'cullinan/wire/graphite';",
  'parsers/access.ts': "import 'cullinan/plugin';\nimport 'cullinan/wire/graphite';",
  'src/parsers/index.ts': "export * from '../plugin/index.ts';",
  'test/load.test.ts': "import '../collectors/load.ts';",
};

let house: string;

beforeEach(() => {
  house = mkdtempSync(join(tmpdir(), 'house-'));
  for (const file of ['package.json', 'tsconfig.json']) {
    cpSync(join(REPOSITORY, file), join(house, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(house, 'node_modules'));
  furnish(HOUSE);
});

afterEach(() => rmSync(house, { recursive: true }));

function furnish(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), `${text}\n`);
  }
}

/** The names of the rules that were broken. */
const broken = async (): Promise<string[]> => {
  const { objections } = await judge(house);
  return [...new Set(objections.map((objection) => objection.replace(/:.*/s, '')))].sort();
};

test('nobody objects to a house in order', async () => {
  const { modules, objections } = await judge(house);
  expect(objections).toEqual([]);
  expect(modules).toBe(20);
});

describe('an objection is made to', () => {
  test.each([
    [
      'a floor that imports a higher one',
      'src/metric/a.ts',
      '../clock/index.ts',
      'floor-of-metric',
    ],
    ['a plugin door that knows a host', 'src/plugin/a.ts', '../host/index.ts', 'floor-of-plugin'],
    ['rooms of one floor', 'src/config/a.ts', '../host/index.ts', 'floor-of-config'],
    ['an agent that knows the command line', 'src/agent/a.ts', '../cli/main.ts', 'floor-of-agent'],
    ['a room entered through the window', 'src/agent/a.ts', '../host/tree.ts', 'doors'],
    ['a codec that runs code of metric', 'src/wire/a.ts', '../metric/index.ts', 'wire-takes-types'],
    ['a codec that opens sockets', 'src/wire/a.ts', 'node:net', 'pure-rooms'],
    ['a dialect that reads files', 'src/naming/a.ts', 'node:fs', 'pure-rooms'],
    ['rates that take a library', 'src/rates/a.ts', 'zod', 'pure-rooms'],
    [
      'a room that knows a plugin',
      'src/host/a.ts',
      '../../collectors/load.ts',
      'only-the-agent-knows',
    ],
    ['a program that needs its tests', 'src/host/a.ts', '../../test/load.test.ts', 'no-tests'],
    ['a program that needs a tool', 'src/host/a.ts', 'fast-check', 'no-development-tools'],
    ['a library that Linux can do without', 'src/host/a.ts', 'systeminformation', 'not-loaded'],
    ['a room that Linux can do without', 'src/cli/a.ts', '../portable/index.ts', 'not-loaded'],
    ['an import of nothing', 'src/host/a.ts', './gone.ts', 'everything-is-found'],
    ['a room without a floor', 'src/attic/a.ts', 'node:fs', 'every-room-has-a-floor'],
  ])('%s', async (_, path, target, rule) => {
    furnish({ [path]: `import '${target}';` });
    expect((await broken()).some((name) => name.startsWith(rule))).toBe(true);
  });

  test.each([
    ['its way around the door', '../src/plugin/index.ts'],
    ['what is behind the door', '../src/host/index.ts'],
    ['another plugin', './load.ts'],
    ['a library', 'yaml'],
  ])('a plugin that imports %s', async (_, target) => {
    furnish({ 'collectors/a.ts': `import 'cullinan/plugin';\nimport '${target}';` });
    expect(await broken()).toContain('plugins-use-the-public-door');
  });

  test('a circle', async () => {
    furnish({ 'src/host/a.ts': "import './b.ts';", 'src/host/b.ts': "import './a.ts';" });
    expect(await broken()).toEqual(['no-cycles']);
  });

  test('a plugin whose imports were not understood', async () => {
    furnish({ 'collectors/a.ts': 'export default 1;' });
    expect(await broken()).toEqual(['not-seen']);
  });
});
