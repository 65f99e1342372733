import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { collectors, handlers } from '../../src/agent/builtin.ts';
import { dialects } from '../../src/naming/index.ts';
import { builtin as parsers } from '../../src/parsers/builtin.ts';

const { listed } = (await import('../../scripts/late.mjs' as string)) as {
  listed(root: string, exportsOf: (file: string) => string): import('esbuild').Plugin;
};
const root = process.cwd();

type Plugins = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Each by its name, as the sources have them. */
const sources: Plugins = {
  ...Object.fromEntries([...collectors, ...handlers].map((it) => [it.name, it as object])),
  ...Object.fromEntries([...parsers].map((it) => [`parser ${it.name}`, it as object])),
  ...Object.fromEntries(Object.entries(dialects).map(([name, it]) => [`dialect ${name}`, it])),
} as Plugins;

/** The same as the built program has them: those that few agents need are not loaded yet. */
async function built(): Promise<Plugins> {
  const { outputFiles } = await build({
    ...{ absWorkingDir: root, bundle: true, write: false, platform: 'node', format: 'cjs' },
    ...{ conditions: ['source'], target: 'node20' },
    external: ['systeminformation', 'mqtt-packet', 'amqplib', 're2js', 'sucrase'],
    define: { 'import.meta.url': 'HERE' },
    plugins: [listed(root, (file) => `require('${join(root, file)}')`)],
    stdin: {
      resolveDir: root,
      contents: `
        import { collectors, handlers } from './src/agent/builtin.ts';
        import { builtin as parsers } from './src/parsers/builtin.ts';
        import { dialects } from './src/naming/index.ts';
        export const all = {
          ...Object.fromEntries([...collectors, ...handlers].map((it) => [it.name, it])),
          ...Object.fromEntries([...parsers].map((it) => ['parser ' + it.name, it])),
          ...Object.fromEntries(Object.entries(dialects).map(([name, it]) => ['dialect ' + name, it])),
        };`,
    },
  });
  const module = { exports: {} as { readonly all: Plugins } };
  const run = new Function('exports', 'module', 'require', 'HERE', outputFiles[0]?.text ?? '');
  run(module.exports, module, createRequire(import.meta.url), import.meta.url);
  return module.exports.all;
}

/** What can be told of a plugin without calling it. */
const shape = (plugin: object) =>
  Object.fromEntries(Object.entries(plugin).map(([key, value]) => [key, typeof value]));

describe('a plugin that is loaded when it is asked for', async () => {
  const [copied, listing, asked] = [await built(), await built(), await built()];

  test.each(Object.keys(sources))(
    '%s is whole in a copy, in a list of its keys, and asked',
    (it) => {
      const plugin = sources[it] ?? {};
      expect(shape({ ...copied[it] })).toEqual(shape(plugin));
      expect(Object.keys(listing[it] ?? {})).toEqual(Object.keys(plugin));
      const keys = Object.keys(plugin);
      expect(keys.filter((key) => asked[it]?.[key] === undefined)).toEqual(
        keys.filter((key) => plugin[key] === undefined),
      );
    },
  );
});
