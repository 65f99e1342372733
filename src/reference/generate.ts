/**
 * Writes the generated files: `npm run generate`. With `--check` it writes nothing, names those that
 * are stale, and exits with 1.
 *
 * It finds the plugins by their files, not in the registry, which is one of the files it writes.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dialects } from '../naming/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { generatedFiles } from './files.ts';
import type { Template } from './sources.ts';

// Compiled, this file is one folder deeper than it was written.
const built = extname(fileURLToPath(import.meta.url)) === '.js';
const code = new URL('../../', import.meta.url);
const repository = built ? new URL('../', code) : code;

const namesIn = (folder: string, extension = '.ts'): readonly string[] =>
  readdirSync(new URL(folder, repository))
    .filter((name) => name.endsWith(extension))
    .map((name) => name.slice(0, -extension.length))
    .sort();

/** The plugins in a folder. @throws where there is a test, too: `cullinan new` writes one beside its plugin. */
function pluginsIn(folder: string): readonly string[] {
  const names = namesIn(folder);
  const test = names.find((name) => name.endsWith('.test'));
  if (test === undefined) return names;
  throw new Error(`${folder}/${test}.ts is no plugin: built-in ones have theirs in test/${folder}`);
}

async function load<P extends { readonly name: string }>(
  folder: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, P>> {
  const plugins = new Map<string, P>();
  for (const name of names) {
    const { default: plugin } = await import(
      new URL(`${folder}/${name}.${built ? 'js' : 'ts'}`, code).href
    );
    plugins.set(plugin.name, plugin);
  }
  return plugins;
}

/** The text of a file of the repository; '' if there is none. */
function textOf(path: string): string {
  try {
    return readFileSync(new URL(path, repository), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** What a collector observed on each host, at its defaults: with others the name says which. */
const goldenOf = (name: string): readonly string[] =>
  readdirSync(new URL(`test/golden/collectors/${name}`, repository))
    .map((file) => `test/golden/collectors/${name}/${file}`)
    .filter((path) => /\/[\w-]+(\.6\.32)?\.txt$/.test(path))
    .sort();

/** What stands in a folder of templates/. */
function templateOf(kind: string): Template {
  const folder = `templates/${kind}/`;
  const paths = readdirSync(new URL(folder, repository), { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(new URL(folder + path, repository)).isFile())
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return {
    name: paths[0]?.replace(/\.ts$/, '') ?? '',
    files: paths.map((path) => [path, textOf(folder + path)]),
  };
}

/** The plugin, its tests, and the rest. */
const rank = (path: string): number => (path.includes('/') ? 2 : Number(path.endsWith('.test.ts')));

const files = {
  collectors: pluginsIn('collectors'),
  handlers: pluginsIn('handlers'),
  parsers: pluginsIn('parsers'),
  samples: namesIn('test/golden/parsers', '.txt'),
  golden: new Map(
    readdirSync(new URL('test/golden/collectors', repository)).map((name) => [
      name,
      goldenOf(name),
    ]),
  ),
  templates: new Map(['collector', 'handler', 'parser'].map((kind) => [kind, templateOf(kind)])),
};
const plugins = {
  collectors: await load<Collector>('collectors', files.collectors),
  handlers: await load<Handler>('handlers', files.handlers),
  parsers: await load<Parser>('parsers', files.parsers),
  dialects: new Map(Object.entries(dialects)),
};
const stale = [...generatedFiles(plugins, files, textOf)].filter(
  ([path, text]) => textOf(path) !== text,
);
const checks = process.argv.includes('--check');
for (const [path, text] of stale) {
  process.stderr.write(`${path} ${checks ? 'is stale' : 'written'}\n`);
  if (checks) continue;
  mkdirSync(new URL(dirname(path), repository), { recursive: true });
  writeFileSync(new URL(path, repository), text);
}
if (checks && stale.length > 0) {
  process.stderr.write('Run: npm run generate\n');
  process.exitCode = 1;
}
