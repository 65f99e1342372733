// What of the program is loaded when one of its functions is called, or more than its name is asked for, and how
// esbuild is told.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, posix, relative } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * What is needed only while a configuration is read: loaded when one of its functions is called. An
 * agent that has started lets go of it, so what it makes to stay must be no function of its own.
 */
const PASSING = [
  ...['load', 'describe', 'early', 'explain'].map((name) => `src/config/${name}.ts`),
  ...['src/foreign/summon.ts', 'src/foreign/schema.ts'],
];
/** What few agents need: loaded when one of its functions is called through its room's door, or by what passes. */
const RARE = [
  ...['src/host/recorded.ts', 'src/host/recorder.ts', 'src/host/recording.ts'],
  ...['src/status/client.ts', 'src/store/hold.ts', 'src/store/spool.ts'],
  ...['src/foreign/here.ts', 'src/foreign/stand-in.ts'],
];
/** What is declared with zod is made when it is asked for: see scripts/late-schemas.mjs. */
const SCHEMAS = 'src/plugin/zod.ts';

/** Where the program's plugins are named, and how. */
const LISTS = ['src/agent/builtin.ts', 'src/parsers/builtin.ts', 'src/naming/index.ts'];
const IMPORT =
  /^import (?:\w+|\{ \w+ \}) from '((?:[.][.]\/[.][.]\/(?:collectors|handlers|parsers)|[.])\/[\w-]+[.]ts)';$/gm;

/** What a module's part is called. */
export const nameOf = (/** @type {string} */ path) => path.replace(/\.ts$/, '.js');
const loading = (/** @type {string} */ path) => `loadPart('./${nameOf(path)}')`;

/**
 * The modules that are loaded late.
 *
 * @param {string} root
 * @returns {Readonly<Record<'passing' | 'rare' | 'plugins', readonly string[]>>} their paths: what an agent that has
 *   started lets go of, what few agents need, and plugins.
 */
export const lateModules = (root) => ({
  passing: [...PASSING, SCHEMAS],
  rare: RARE,
  plugins: LISTS.flatMap((path) => askedPlugins(root, path).map(({ file }) => file)),
});

/**
 * Has them loaded so.
 *
 * @param {string} root
 * @returns {import('esbuild').Plugin[]}
 */
export const lateness = (root) => [late, listed(root, loading), called(root), schemas(root)];

/**
 * Loads those of Node's modules that cost something when one of their functions is first called, which
 * in most agents never happens: together a MiB and the tenth part of a start.
 *
 * @type {import('esbuild').Plugin}
 */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    const filter = /^(node:)?(child_process|crypto|dgram|fs\/promises|module|tty|zlib)$/;
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
      if (path.endsWith('module')) {
        // The one class that is made of these: what `new` gives is Node's own.
        lines.push(
          `export function SourceMap(...words) { return new (loadPart('${path}').SourceMap)(...words); }`,
        );
      }
      return { contents: lines.join('\n') };
    });
  },
};

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
      const lets = basename(importer) === 'index.ts' || passing.includes(importer);
      const wanted = passing.includes(file) || (lets && rare.includes(file));
      // What parts are called depends on such paths, and must not on the folder that it is built in.
      return kind === 'import-statement' && wanted
        ? { path: relative(root, file), namespace: 'called' }
        : undefined;
    });
    onLoad({ filter: /./, namespace: 'called' }, ({ path }) => {
      const text = readFileSync(join(root, path), 'utf8');
      const from = loading(path);
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
        ? { path: SCHEMAS, namespace: 'schemas' }
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
      const contents = [late, ...lines, never].join('\n');
      return { contents, resolveDir: join(root, 'scripts') };
    });
  },
});
