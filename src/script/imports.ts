import { distance } from 'fastest-levenshtein';

/** A name that a file imports of the agent and uses, and where it says so. */
export interface Import {
  readonly door: string;
  readonly name: string;
  /** Where: file, line and column. */
  readonly at: string;
}

const VARIABLE = /\bvar (_\w+) = require\(['"](cullinan[^'"]*)['"]\)/g;
const STATEMENT = /\b(?:im|ex)port\b[^;'"{}]*\{([^}]*)\}\s*from\s*['"](cullinan[^'"]*)['"]/g;

/**
 * The names that a file imports of the agent. Types are none: they are gone from what was compiled.
 *
 * @param text as it was written.
 * @param compiled as it is run.
 */
export function importsOf(path: string, text: string, compiled: string): readonly Import[] {
  const found: Import[] = [];
  for (const [, variable = '', door = ''] of compiled.matchAll(VARIABLE)) {
    const used = new RegExp(`${variable}(?:\\.|, '\\w+', ')(\\w+)`, 'g');
    const names = new Set([...compiled.matchAll(used)].map(([, name = '']) => name));
    for (const name of names) found.push({ door, name, at: placeOf(path, text, door, name) });
  }
  return found;
}

function placeOf(path: string, text: string, door: string, name: string): string {
  for (const { 0: statement, 1: names = '', 2: from, index } of text.matchAll(STATEMENT)) {
    const at = from === door ? names.search(new RegExp(`(?<![\\w$])${name}(?![\\w$])`)) : -1;
    if (at === -1) continue;
    const before = text.slice(0, index + statement.indexOf('{') + 1 + at).split('\n');
    return `${path}:${before.length}:${(before.at(-1) ?? '').length + 1}`;
  }
  return path;
}

/** What is wrong with an import of something that is not there, in a sentence. */
export function notThere({ door, name, at }: Import, there: readonly string[]): string {
  const least = Math.ceil(name.length / 3);
  const [near] = there
    .map((each) => [distance(name.toLowerCase(), each.toLowerCase()), each] as const)
    .filter(([far]) => far <= least)
    .sort(([a], [b]) => a - b);
  const meant = near === undefined ? '' : `: did you mean "${near[1]}"?`;
  return `${at}: "${door}" has no "${name}"${meant === '' ? '.' : meant} It has ${there.join(', ')}`;
}
