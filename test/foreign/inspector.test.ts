import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inspect } from '../../src/foreign/inspector.ts';
import { put, scratchFolder } from '../support/plugins.ts';

const program = fileURLToPath(new URL('../../dist/plugins.cjs', import.meta.url));
const MiB = 2 ** 20;

const collector = (name: string, before = ''): string => `
import { defineCollector, z } from 'cullinan/plugin';
${before}
export default defineCollector({
  name: '${name}', summary: 'Observes.', source: 'nothing', options: z.strictObject({}), metrics: {}, *collect() {},
});
`;

/** What is found out of each: the names of its plugins, or what is wrong with it. */
async function found(files: Readonly<Record<string, string>>) {
  const folder = scratchFolder();
  const suspects = Object.entries(files).map(
    ([name, text]) => ({ path: put(folder, name, text), as: 'plugin' }) as const,
  );
  const all = await inspect(suspects, { program, memory: 32 * MiB });
  return all.map((it) =>
    it instanceof Error ? it.message : it.plugins.map(({ name }) => name).join(),
  );
}

test('files are looked at in their order, however many there are', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `own${i}`);
  const files = Object.fromEntries(names.map((name) => [`${name}.ts`, collector(name)]));
  expect(await found(files)).toEqual(names);
});

test('one that cannot be loaded is told from those around it', async () => {
  const all = await found({
    'a.ts': collector('a'),
    'exits.ts': collector('exits', 'process.exit(3);'),
    'b.ts': collector('b'),
    'adds.ts': collector('adds', 'Object.assign(Object.prototype, { every() {} });'),
    'throws.ts': collector('throws', 'throw new Error("on purpose");'),
    'writes.ts': collector('writes', "require('node:fs').writeSync(3, 'hello\\n');"),
    'loops.ts': collector('loops', 'for (;;);'),
    'grows.ts': collector('grows', 'const kept = []; for (;;) kept.push(Buffer.alloc(1e6, 1));'),
    'c.ts': collector('c'),
  });
  expect(all).toEqual([
    'a',
    'while it was loaded, it ended its process (exit code 3). Throw an error in place of it, and say what is wrong',
    'b',
    'it adds "every" to what every object or list inherits, and with it to all other plugins. Make it a function of its own',
    expect.stringMatching(/throws\.ts:3:7: on purpose$/),
    'it writes to a descriptor that is not its own (3)',
    'while it was loaded, it kept its process busy for more than 5 s. Look for a loop without an end, or for work that it does outside of its functions: that belongs into collect() or open()',
    'while it was loaded, it took more than 32 MiB of memory. Look for what it makes outside of its functions; plugins.memory says how much it may have',
    'c',
  ]);
});

test('none is no work', async () => expect(await found({})).toEqual([]));
