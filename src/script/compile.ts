import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, resolve } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { type Import, importsOf } from './imports.ts';
import type { Maps } from './places.ts';

export const EXTENSIONS: readonly string[] = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/** Whether a name ends as the name of such a file does. */
export const isScript = (name: string): boolean => EXTENSIONS.includes(extname(name));

/** A file and all that it imports beside it, as text that Node runs: it can go to another thread. */
export interface Script {
  /** The file that was asked for. Absolute, as all paths here are. */
  readonly path: string;
  /** By path: a script in which `import` has become `require`, line by line what it was. */
  readonly texts: ReadonlyMap<string, string>;
  /** The agent's own doors that it imports: `cullinan/plugin`. */
  readonly doors: readonly string[];
  /** The names that it imports of them, where it has just been read. */
  readonly imports?: readonly Import[];
  /** How its texts came of what was written. */
  readonly maps: Maps;
}

const IMPORT = /\brequire\((?:'([^'\n]+)'|"([^"\n]+)")\)/g;

/**
 * Reads a file, and what it imports by a relative path, and takes the types out. They are not checked.
 *
 * @param path absolute.
 * @throws {@link Foreseen} that says where and what, if one of them cannot be read or understood.
 */
export function compile(path: string): Script {
  const texts = new Map<string, string>();
  const doors = new Set<string>();
  const imports: Import[] = [];
  const maps = new Map<string, string>();
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (texts.has(next)) continue;
    const written = read(next, path);
    const { code: text, mappings } = plain(next, written);
    noNamespace(next, written, text);
    texts.set(next, text);
    maps.set(next, mappings);
    imports.push(...importsOf(next, written, text));
    for (const [, one, other] of text.matchAll(IMPORT)) {
      const name = one ?? other ?? '';
      if (name === 'cullinan' || name.startsWith('cullinan/')) doors.add(name);
      else if (isBeside(name)) waiting.push(resolve(dirname(next), name));
    }
  }
  return { path, texts, doors: [...doors], imports, maps };
}

/** Whether an import names a file of the same author, with its ending. */
export const isBeside = (name: string): boolean => /^\.\.?\//.test(name) && isScript(name);

function read(path: string, first: string): string {
  try {
    const it = statSync(path);
    // Whoever opens a pipe waits for somebody to write.
    if (!it.isFile() && !it.isDirectory()) throw new Foreseen(`${path} is no regular file`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    const by = path === first ? '' : `, which ${first} imports,`;
    throw new Foreseen(`${path}${by} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** As a script that Node runs, line by line what it was. */
function plain(path: string, text: string): { readonly code: string; readonly mappings: string } {
  const { transform } = createRequire(import.meta.url)('sucrase') as typeof import('sucrase');
  try {
    const { code, sourceMap } = transform(text, {
      ...{ transforms: ['typescript', 'imports'], disableESTransforms: true, filePath: path },
      sourceMapOptions: { compiledFilename: path },
    });
    return { code, mappings: sourceMap?.mappings ?? '' };
  } catch (error) {
    const { message } = error as Error;
    const [, line, column] = /\((\d+):(\d+)\)\s*$/.exec(message) ?? [];
    const what = message
      .replace(/^Error transforming .*?: (?=\S)/, '')
      .replace(/\s*\(\d+:\d+\)\s*$/, '')
      .replace(/^SyntaxError: /, '');
    const where = line === undefined ? path : `${path}:${line}:${column}`;
    throw new Foreseen(`${where}: this is no TypeScript or JavaScript: ${what}`, { cause: error });
  }
}

const NAMESPACE = /^[ \t]*(?:export\s+)?(?:namespace|module)\s+([A-Za-z_$][\w$]*)[\w$.]*\s*\{/gm;

/** A namespace goes with the types. One of which there is more to be had would be missed when it is used. */
function noNamespace(path: string, written: string, code: string): void {
  for (const found of written.matchAll(NAMESPACE)) {
    const [all, name = ''] = found;
    if (!new RegExp(`(?<![\\w$.])${name.replaceAll('$', '\\$')}\\s*\\.`).test(code)) continue;
    const line = written.slice(0, found.index).split('\n').length;
    throw new Foreseen(
      `${path}:${line}:${all.search(/\S/) + 1}: a namespace with values does not work, because it goes with the types: write constants and functions in its place`,
    );
  }
}
