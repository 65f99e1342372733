import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LATE } from '../../scripts/bundle.mjs';
import { parts } from '../../scripts/parts.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('traces of the built program have the names that the sources have', async () => {
  const { texts } = await parts(root, { target: 'node20', external: LATE });
  const core = texts.get('core.js') ?? '';
  const rest = [...texts].flatMap(([name, text]) => (name === 'core.js' ? [] : [text])).join('\n');
  const has = (text: string, ...names: readonly string[]) =>
    names.filter((name) => text.includes(name));
  expect(has(core, 'function createAgent(', 'createNamer')).toHaveLength(2);
  expect(has(rest, 'function loadConfig(', 'Loader=class')).toHaveLength(2);
});
