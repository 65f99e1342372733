import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LATE } from '../../scripts/bundle.mjs';
import { parts } from '../../scripts/parts.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { texts, metafile } = await parts(root, { target: 'node20', external: LATE });

test('traces of the built program have the names that the sources have', () => {
  const core = texts.get('core.js') ?? '';
  const rest = [...texts].flatMap(([name, text]) => (name === 'core.js' ? [] : [text])).join('\n');
  const has = (text: string, ...names: readonly string[]) =>
    names.filter((name) => text.includes(name));
  expect(has(core, 'function createAgent(', 'createNamer')).toHaveLength(2);
  expect(has(rest, 'function loadConfig(', 'Loader=class')).toHaveLength(2);
});

// Paths of modules are in the names of parts, which are in the program: two clones would not build the same.
test('what parts are made of is named the same in whatever folder it is built', () => {
  const names = Object.keys(metafile.inputs);
  expect(names).toContain('called:src/config/load.ts');
  expect(names.filter((name) => name.includes(root))).toEqual([]);
});
