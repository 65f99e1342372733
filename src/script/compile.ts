import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, resolve } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';

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
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (texts.has(next)) continue;
    const text = plain(next, read(next, path));
    texts.set(next, text);
    for (const [, one, other] of text.matchAll(IMPORT)) {
      const name = one ?? other ?? '';
      if (name === 'cullinan' || name.startsWith('cullinan/')) doors.add(name);
      else if (isBeside(name)) waiting.push(resolve(dirname(next), name));
    }
  }
  return { path, texts, doors: [...doors] };
}

/** Whether an import names a file of the same author, with its ending. */
export const isBeside = (name: string): boolean => /^\.\.?\//.test(name) && isScript(name);

function read(path: string, first: string): string {
  try {
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
function plain(path: string, text: string): string {
  const { transform } = createRequire(import.meta.url)('sucrase') as typeof import('sucrase');
  const keep = { disableESTransforms: true, preserveDynamicImport: true } as const;
  try {
    return transform(text, { transforms: ['typescript', 'imports'], ...keep, filePath: path }).code;
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
