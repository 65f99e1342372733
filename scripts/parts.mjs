// Cuts the program into parts, of which a run loads those that it asks for.
import { readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { build, transform } from 'esbuild';
import { lateModules, lateness, nameOf } from './late.mjs';

/** What every agent runs on: one part, in which modules call each other without a detour. */
const CORE = ['src/cli/run.ts', 'src/config/fingerprint.ts'];
/** The names of functions stay, for the traces of bugs: that takes 0.3 MiB, of code that is read from the file. */
const SMALL = /** @type {const} */ ({ minifyWhitespace: true, minifySyntax: true });

/** What each part's text is a function of. The loader of scripts/launch.cjs gives `loadPart` and `HERE`. */
const WRAPPER = {
  banner: '(function(exports,require,module,loadPart,HERE){',
  footer: '})',
};

/**
 * @typedef {object} Program
 * @property {ReadonlyMap<string, string>} texts of each part, by its name.
 * @property {readonly string[]} core names of what is within the part `core`.
 * @property {readonly string[]} passing names of parts that an agent that has started lets go of.
 * @property {import('esbuild').Metafile} metafile what they were made of.
 */

/**
 * @param {string} root the project's folder.
 * @param {{ target: string, external: readonly string[] }} options the oldest system that it must run on,
 *   and packages that are no part of it.
 * @returns {Promise<Program>}
 */
export async function parts(root, { target, external }) {
  /** @satisfies {import('esbuild').BuildOptions} */
  const common = /** @type {const} */ ({
    absWorkingDir: root,
    platform: 'node',
    target,
    bundle: true,
    write: false,
    logLevel: 'warning',
  });
  const late = lateModules(root);
  const asked = [...late.passing, ...late.rare, ...late.plugins];
  const { pieces, metafile } = await split(root, { ...common, external: [...external] }, asked);
  const core = closure(pieces, CORE.map(nameOf));
  const staying = closure(pieces, late.plugins.map(nameOf));
  const passing = [...closure(pieces, late.passing.map(nameOf))].filter(
    (name) => !core.has(name) && !staying.has(name),
  );
  classless(root, passing, metafile);
  /** @type {Map<string, string>} */
  const texts = new Map();
  for (const [name, { text }] of pieces) {
    if (!core.has(name)) texts.set(name, await alone(text, target));
  }
  texts.set('core.js', await together(pieces, core, common));
  return { texts, core: [...core], metafile, passing };
}

/**
 * A part that is let go of is loaded once more when it is needed again, with other classes than before: what was
 * made of the first would be no instance of the second.
 *
 * @param {string} root
 * @param {readonly string[]} passing
 * @param {import('esbuild').Metafile} metafile
 */
function classless(root, passing, { outputs }) {
  for (const name of passing) {
    for (const path of Object.keys(outputs[posix.join('out', name)]?.inputs ?? {})) {
      if (!path.startsWith('src/')) continue;
      const found = /^export (?:abstract )?class \w+/m.exec(readFileSync(join(root, path), 'utf8'));
      if (found === null) continue;
      throw new Error(
        `${path} is let go of after the start and has "${found[0]}": move it to a file that stays`,
      );
    }
  }
}

/** What esbuild leaves as it is: within regular expressions. */
const ascii = (/** @type {string} */ text) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about what is no ASCII
  text.replace(/[^\x00-\x7f]/g, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** @typedef {Map<string, { text: string, imports: readonly string[] }>} Pieces */

/**
 * Has esbuild find out what belongs together: what the same parts need is one piece.
 *
 * @param {string} root
 * @param {import('esbuild').BuildOptions} common
 * @param {readonly string[]} asked paths of modules that are loaded when they are called.
 * @returns {Promise<{ pieces: Pieces, metafile: import('esbuild').Metafile }>}
 */
async function split(root, common, asked) {
  const { outputFiles, metafile } = await build({
    ...common,
    write: false,
    format: 'esm',
    splitting: true,
    metafile: true,
    minifySyntax: true,
    entryPoints: ['src/cli/main.ts', ...CORE, ...asked],
    outdir: 'out',
    outbase: '.',
    chunkNames: 'shared/[hash]',
    conditions: ['source'],
    define: { 'import.meta.url': 'HERE' },
    plugins: [unused, ...lateness(root)],
  });
  /** @type {Pieces} */
  const pieces = new Map();
  const out = join(root, 'out');
  for (const { path, text } of outputFiles) {
    const name = relative(out, path);
    const imports = (metafile.outputs[posix.join('out', name)]?.imports ?? [])
      .filter(({ kind, external }) => kind === 'import-statement' && external !== true)
      .map((each) => posix.relative('out', each.path));
    pieces.set(name, { text, imports });
  }
  return { pieces, metafile };
}

/**
 * @param {Pieces} pieces
 * @param {readonly string[]} names
 * @returns {Set<string>} these, and all that is loaded with them.
 */
function closure(pieces, names) {
  const found = new Set(names);
  for (const name of found) for (const each of pieces.get(name)?.imports ?? []) found.add(each);
  return found;
}

/**
 * A part that is loaded by itself.
 *
 * @param {string} text
 * @param {string} target
 */
async function alone(text, target) {
  const { code } = await transform(text, {
    ...{ ...SMALL, format: 'cjs', platform: 'node', target, legalComments: 'none' },
    // A script that is no module has require(), and no import().
    supported: { 'dynamic-import': false },
  });
  return ascii(`${WRAPPER.banner}${code}${WRAPPER.footer}`);
}

/**
 * The pieces of the core as one part, which has a namespace for each that others need.
 *
 * @param {Pieces} pieces
 * @param {ReadonlySet<string>} core
 * @param {import('esbuild').BuildOptions} common
 */
async function together(pieces, core, common) {
  const names = [...core];
  const contents = [
    ...names.map((name, i) => `import * as p${i} from './${name}';`),
    // As esbuild marks what was a module.
    "const whole = (it) => Object.defineProperty(it, '__esModule', { value: true });",
    ...names.map((name, i) => `exports['${name}'] = whole(p${i});`),
  ].join('\n');
  const { outputFiles = [] } = await build({
    ...common,
    ...SMALL,
    format: 'cjs',
    stdin: { contents, sourcefile: 'core', resolveDir: '/' },
    supported: { 'dynamic-import': false },
    plugins: [
      {
        name: 'pieces',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^[.]/ }, ({ path, kind, importer, namespace }) => {
            const from = namespace === 'piece' ? dirname(importer) : '.';
            const name = posix.join(from, path);
            return kind === 'dynamic-import' || !core.has(name)
              ? { path: `./${name}`, external: true }
              : { path: name, namespace: 'piece' };
          });
          onResolve({ filter: /^[^.]/ }, ({ path }) => ({ path, external: true }));
          onLoad({ filter: /./, namespace: 'piece' }, ({ path }) => ({
            contents: pieces.get(path)?.text ?? '',
          }));
        },
      },
    ],
    banner: { js: WRAPPER.banner },
    footer: { js: WRAPPER.footer },
  });
  return ascii(outputFiles[0]?.text ?? '');
}

/**
 * Leaves out how pino writes to files and through threads: our log hands its lines on by itself. They
 * would weigh as much as the rest of pino.
 *
 * @type {import('esbuild').Plugin}
 */
const unused = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    const filter = /^(sonic-boom|thread-stream|(node:)?worker_threads)$/;
    onResolve({ filter }, ({ path, importer }) =>
      importer.includes('/pino/') || !path.includes('worker_threads')
        ? { path, namespace: 'unused' }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: `module.exports = ${path.includes('worker_threads') ? '{ isMainThread: true }' : 'class {}'};`,
    }));
  },
};
