import { parse, TomlError } from 'smol-toml';
import { InputError } from '../problem.ts';

/** What a setting holds: TOML's types; a table has settings of its own, unless it is written inline. */
export type Toml =
  | string
  | number
  | boolean
  | Date
  | readonly Toml[]
  | { readonly [key: string]: Toml };

/** One setting, and where it stands. */
export interface Setting {
  /** Of its table and itself: `['outputs', 'graphite', 'tls', 'ca']`. */
  readonly path: readonly string[];
  /** Which table of that name at the second level (`[[inputs.cpu]]`), from 0. */
  readonly index: number;
  readonly value: Toml;
  readonly line: number;
  readonly text: string;
}

/** A table of the first or second level, with all that stands in it. */
export interface Header {
  readonly path: readonly string[];
  readonly index: number;
  readonly line: number;
  readonly text: string;
}

/** Within a text of TOML: strings, comments, brackets. */
const TOKEN =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|#.*|[[{]|[\]}]|\n|\$\{[^}\n]*\}|\$[A-Za-z_]\w*/g;

/**
 * Reads TOML as Telegraf does: variables of the environment may stand anywhere, also in place of a number.
 * They stay as they are, as text.
 *
 * @throws {@link InputError} with line and column if it is none.
 */
export function readToml(file: string, source: string): (Setting | Header)[] {
  const text = source.replace(TOKEN, (token) => (token.startsWith('$') ? `"${token}"` : token));
  whole(file, text);
  const found: (Setting | Header)[] = [];
  const counts = new Map<string, number>();
  let table: readonly string[] = [];
  let index = 0;
  for (const { line, text: piece } of pieces(text)) {
    const isHeader = /^\s*\[/.test(piece);
    const parsed = parse(piece) as Toml;
    const path = pathOf(parsed, isHeader);
    const own = firstLine(piece);
    if (!isHeader) {
      found.push({ path: [...table, ...path], index, value: at(parsed, path), line, text: own });
      continue;
    }
    table = path;
    const isList = piece.trimStart().startsWith('[[');
    const name = path.slice(0, 2).join('\0');
    if (path.length <= 2) {
      const count = counts.get(name) ?? 0;
      // [[inputs.cpu]] is another one each time; [agent] may stand in two files.
      index = isList ? count : 0;
      counts.set(name, count + 1);
      found.push({ path, index, line, text: own });
    } else {
      index = Math.max(0, (counts.get(name) ?? 1) - 1);
      found.push({ path, index, line, text: own });
    }
  }
  return found;
}

function whole(file: string, text: string): void {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new InputError({ file }, 'it is nested too deeply');
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw new InputError(
      { file, line: error.line, column: error.column },
      what,
      'Telegraf’s configuration is TOML: key = "value" below [[inputs.name]]',
    );
  }
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** Headers and settings, each with the line that it begins in. */
function* pieces(text: string): Generator<{ readonly line: number; readonly text: string }> {
  let from = 0;
  let line = 1;
  let begins = 1;
  let depth = 0;
  const piece = (to: number) => text.slice(from, to);
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token !== '\n') {
      if (token === '[' || token === '{') depth += 1;
      else if (token === ']' || token === '}') depth -= 1;
      line += token.length > 1 ? token.split('\n').length - 1 : 0;
      continue;
    }
    line += 1;
    if (depth > 0) continue;
    if (says(piece(index))) yield { line: begins, text: piece(index) };
    from = index + 1;
    begins = line;
  }
  if (says(piece(text.length))) yield { line: begins, text: piece(text.length) };
}

const says = (text: string): boolean => !/^\s*(?:#.*)?$/.test(text);

const isTable = (value: Toml): value is { readonly [key: string]: Toml } =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);

/** The keys that lead to the one thing that was parsed. */
function pathOf(parsed: Toml, isHeader: boolean): readonly string[] {
  const path: string[] = [];
  let value: Toml | undefined = parsed;
  while (value !== undefined && isTable(value)) {
    const [key, ...more]: readonly string[] = Object.keys(value);
    if (key === undefined || more.length > 0) break;
    path.push(key);
    value = value[key];
    // A setting's own table is its value, unless its key is dotted; that is told by its depth alone.
    if (!isHeader) break;
    if (Array.isArray(value)) value = (value as readonly Toml[])[0];
  }
  return path;
}

function at(parsed: Toml, path: readonly string[]): Toml {
  let value: Toml = parsed;
  for (const key of path) value = isTable(value) ? (value[key] ?? '') : value;
  return value;
}

/** Whether it is a setting, and not the header of a table. */
export const isSetting = (it: Setting | Header): it is Setting => 'value' in it;
export { isTable };
