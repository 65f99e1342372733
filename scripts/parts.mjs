// Cuts the program into parts, of which a run loads those that it asks for.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, posix, relative } from 'node:path';
import { build, transform } from 'esbuild';

const require = createRequire(import.meta.url);

/** What every agent runs on: one part, in which modules call each other without a detour. */
const CORE = ['src/cli/run.ts', 'src/config/fingerprint.ts'];
/**
 * What is needed only while a configuration is read: loaded when one of its functions is called. An
 * agent that has started lets go of it, so what it makes to stay must be no function of its own.
 */
const PASSING = ['load', 'describe', 'early', 'explain'].map((name) => `src/config/${name}.ts`);
/** What few agents need: loaded when one of its functions is called through its room's door. */
const RARE = [
  ...['src/host/recorded.ts', 'src/host/recorder.ts', 'src/host/recording.ts'],
  ...['src/status/client.ts', 'src/store/hold.ts', 'src/store/spool.ts'],
];
/** The names of functions stay, for the traces of bugs: that takes 0.3 MiB, of code that is read from the file. */
const SMALL = /** @type {const} */ ({ minifyWhitespace: true, minifySyntax: true });
/** What is declared with zod is made when it is asked for: see scripts/late-schemas.mjs. */
const SCHEMAS = 'src/plugin/zod.ts';

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
  const plugins = LISTS.flatMap((path) => askedPlugins(root, path).map(({ file }) => file));
  const asked = [...PASSING, SCHEMAS, ...RARE, ...plugins];
  const { pieces, metafile } = await split(root, { ...common, external: [...external] }, asked);
  const core = closure(pieces, CORE.map(nameOf));
  const staying = closure(pieces, plugins.map(nameOf));
  const passing = [...closure(pieces, [...PASSING, SCHEMAS].map(nameOf))].filter(
    (name) => !core.has(name) && !staying.has(name),
  );
  classless(root, passing, metafile);
  /** @type {Map<string, string>} */
  const texts = new Map();
  for (const [name, { text }] of pieces) {
    if (!core.has(name)) texts.set(name, await alone(text, target));
  }
  texts.set('core.js', await together(pieces, core, common));
  return {
    texts,
    core: [...core],
    metafile,
    passing,
  };
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

/** What a module's part is called. */
const nameOf = (/** @type {string} */ path) => path.replace(/\.ts$/, '.js');
const loading = (/** @type {string} */ path) => `loadPart('./${nameOf(path)}')`;

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
    plugins: [late, unused, listed(root, loading), called(root), schemas(root)],
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

/**
 * Loads those of Node's modules that cost something when one of their functions is first called, which
 * in most agents never happens: together a MiB and the tenth part of a start.
 *
 * @type {import('esbuild').Plugin}
 */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    const filter = /^(node:)?(child_process|crypto|dgram|fs\/promises|tty|zlib)$/;
    onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    onLoad({ filter, namespace: 'late' }, ({ path }) => {
      const functions = Object.entries(require(path)).filter(
        ([name, value]) => typeof value === 'function' && /^[a-z]\w*$/.test(name),
      );
      const lines = functions.map(
        ([name]) => `export const ${name} = (...words) => loadPart('${path}').${name}(...words);`,
      );
      return { contents: lines.join('\n') };
    });
  },
};

/** Where the program's plugins are named, and how. */
const LISTS = ['src/agent/builtin.ts', 'src/parsers/builtin.ts', 'src/naming/index.ts'];
const IMPORT =
  /^import (?:\w+|\{ \w+ \}) from '((?:[.][.]\/[.][.]\/(?:collectors|handlers|parsers)|[.])\/[\w-]+[.]ts)';$/gm;

/**
 * Finds the plugins that are made only when more than this is asked of them: an agent uses one or two of
 * the handlers, and few have the collectors that are off unless they are configured.
 *
 * @param {string} root
 * @param {string} path of a list.
 */
function askedPlugins(root, path) {
  return [...readFileSync(join(root, path), 'utf8').matchAll(IMPORT)].flatMap(
    ([line, from = '']) => {
      const file = posix.join(posix.dirname(path), from);
      const plugin = readFileSync(join(root, file), 'utf8');
      const off = /^ {2}enabled: false,$/m.test(plugin);
      const name = /^ {2}name: '(.*)',$/m.exec(plugin)?.[1];
      if (name === undefined || (file.startsWith('collectors/') && !off)) return [];
      return [{ line, file, known: { name, ...(off ? { enabled: false } : {}) } }];
    },
  );
}

/**
 * Has each of those plugins loaded when it is asked for.
 *
 * @param {string} root
 * @param {(file: string) => string} exportsOf writes what loads a module, and has what it exports.
 * @returns {import('esbuild').Plugin}
 */
export const listed = (root, exportsOf) => ({
  name: 'listed',
  setup({ onLoad }) {
    onLoad({ filter: /[/](?:builtin|naming[/]index)[.]ts$/ }, ({ path }) => {
      let text = readFileSync(path, 'utf8');
      for (const { line, file, known } of askedPlugins(root, relative(root, path))) {
        const [, braced, variable = ''] = /^import (\{ )?(\w+)/.exec(line) ?? [];
        const exported = braced === undefined ? 'default' : variable;
        const make = `() => ${exportsOf(file)}.${exported}`;
        const made = `whenAsked(${JSON.stringify(known)}, ${make})`;
        text = text.replace(line, `const ${variable} = ${made};`);
      }
      return { contents: `${text}\n${whenAsked}`, loader: 'ts' };
    });
  },
});

/**
 * Stands for a plugin until more than what is known of it is asked for. The program gets its text.
 *
 * @param {object} known
 * @param {() => object} make
 */
function whenAsked(known, make) {
  /** @type {object | undefined} */
  let made;
  const whole = () => {
    made ??= make();
    return made;
  };
  return new Proxy(known, {
    get: (_, key) => Reflect.get(made === undefined && key in known ? known : whole(), key),
    has: (_, key) => key in whole(),
    // For who copies it.
    ownKeys: () => Reflect.ownKeys(whole()),
    getOwnPropertyDescriptor(_, key) {
      const own = Reflect.getOwnPropertyDescriptor(whole(), key);
      return own && { ...own, configurable: true };
    },
  });
}

/**
 * Has modules loaded when one of their functions is called.
 *
 * @param {string} root
 * @returns {import('esbuild').Plugin}
 */
const called = (root) => ({
  name: 'called',
  setup({ onResolve, onLoad }) {
    const passing = PASSING.map((path) => join(root, path));
    const rare = RARE.map((path) => join(root, path));
    onResolve({ filter: /^[.].*[.]ts$/ }, ({ path, importer, resolveDir, kind }) => {
      const file = join(resolveDir, path);
      const wanted =
        passing.includes(file) || (basename(importer) === 'index.ts' && rare.includes(file));
      return kind === 'import-statement' && wanted
        ? { path: file, namespace: 'called' }
        : undefined;
    });
    onLoad({ filter: /./, namespace: 'called' }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const from = loading(relative(root, path));
      // Functions alone: where a class or an object of it is imported, esbuild finds none and says so.
      const lines = [...text.matchAll(/^export (?:async )?function (\w+)/gm)].map(
        ([, name]) => `export const ${name} = (...words) => ${from}.${name}(...words);`,
      );
      return { contents: lines.join('\n') };
    });
  },
});

/**
 * Puts scripts/late-schemas.mjs in the place of zod.
 *
 * @param {string} root
 * @returns {import('esbuild').Plugin}
 */
const schemas = (root) => ({
  name: 'schemas',
  setup({ onResolve, onLoad }) {
    const real = join(root, SCHEMAS);
    onResolve({ filter: /[/]zod[.]ts$/ }, ({ path, resolveDir, kind }) =>
      kind === 'import-statement' && join(resolveDir, path) === real
        ? { path: real, namespace: 'schemas' }
        : undefined,
    );
    onLoad({ filter: /./, namespace: 'schemas' }, () => {
      const [, list = ''] = /export \{([^}]*)\}/.exec(readFileSync(real, 'utf8')) ?? [];
      const names = list.split(',').map((each) => each.trim());
      const lines = names
        .filter((name) => /^[a-z]\w*$/.test(name))
        .map(
          (name) => `const late_${name} = late('${name}');\nexport { late_${name} as ${name} };`,
        );
      const late = readFileSync(join(root, 'scripts/late-schemas.mjs'), 'utf8');
      // What a transformation answers where it has none.
      const never = "export const NEVER = Object.freeze({ status: 'aborted' });";
      return { contents: [late, ...lines, never].join('\n') };
    });
  },
});
