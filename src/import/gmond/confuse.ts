import { realpathSync } from 'node:fs';
import type { Draft, Line } from '../draft.ts';
import { expand } from '../expand.ts';
import { readInput } from '../input.ts';
import { InputError } from '../problem.ts';

/** `key = value`, or with `children` a section, `metric { … }`. */
export interface Option {
  readonly key: string;
  readonly values: readonly string[];
  /** `undefined` where it is no section. */
  readonly children: readonly Option[] | undefined;
  readonly line: Line;
}

/** Sections in sections, and files in files, beyond which nobody has written any. */
const DEEPEST = 32;
const MOST_FILES = 1000;

interface Token {
  readonly kind: 'word' | 'mark';
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Reads a gmond.conf (libconfuse), with what it includes. `${NAME}` is a variable of gmond's
 * environment, which is not known here: it stays as it is written.
 *
 * @throws {@link InputError} where it is wrong, and for files that include each other.
 */
export function readGmond(file: string, draft: Draft): readonly Option[] {
  return read(file, [], { draft, files: 0 });
}

interface Reading {
  readonly draft: Draft;
  files: number;
}

function read(file: string, around: readonly string[], reading: Reading): Option[] {
  const text = readInput(file);
  const real = realpathSync(file);
  reading.files += 1;
  if (around.includes(real)) throw new InputError({ file }, 'this file includes itself');
  if (around.length >= DEEPEST || reading.files > MOST_FILES) {
    throw new InputError({ file }, 'too many files are included');
  }
  return new Parser(file, text, [...around, real], reading).options();
}

class Parser {
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #tokens: readonly Token[];
  readonly #around: readonly string[];
  readonly #reading: Reading;
  readonly #made = new Map<number, Line>();
  #at = 0;

  constructor(file: string, text: string, around: readonly string[], reading: Reading) {
    this.#file = file;
    this.#lines = text.split('\n');
    this.#tokens = [...tokens(file, text)];
    this.#around = around;
    this.#reading = reading;
  }

  options(depth = 0): Option[] {
    const found: Option[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token.text === '}' && token.kind === 'mark') {
        if (depth > 0) return found;
        throw this.#wrong(token, '"}" closes nothing');
      }
      if (token.kind === 'mark') throw this.#wrong(token, `"${token.text}" has no place here`);
      found.push(...this.#option(token, depth));
    }
    if (depth === 0) return found;
    throw this.#wrong(this.#tokens.at(-1), 'a section is never closed');
  }

  #option(name: Token, depth: number): Option[] {
    const line = this.#line(name.line);
    const words: string[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      const { kind, text } = token;
      if (kind === 'word') {
        words.push(text);
        if (words.length > 1) throw this.#wrong(token, `"${text}" has no place behind a name`);
      } else if (text === '{') {
        if (depth >= DEEPEST) throw this.#wrong(token, 'sections are in sections too deep');
        return [{ key: name.text, values: words, children: this.options(depth + 1), line }];
      } else if (words.length > 0) throw this.#wrong(token, `"${text}" has no place here`);
      else if (text === '=' || text === '+=') {
        return [{ key: name.text, values: this.#values(), children: undefined, line }];
      } else if (text === '(') return this.#included(name, line);
      else throw this.#wrong(token, `"${text}" has no place behind a name`);
    }
    throw this.#wrong(name, `"${name.text}" has neither a value nor a section`);
  }

  /** Several options may stand in one line, which is then told of as a whole. */
  #line(number: number): Line {
    const known = this.#made.get(number);
    if (known !== undefined) return known;
    const made = this.#reading.draft.line(this.#file, number, this.#lines[number - 1] ?? '');
    this.#made.set(number, made);
    return made;
  }

  #values(): string[] {
    const first = this.#next();
    if (first?.kind === 'word') return [first.text];
    if (first?.text !== '{') throw this.#wrong(first, 'a value is missing behind "="');
    const values: string[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token.kind === 'word') values.push(token.text);
      else if (token.text === '}') return values;
      else if (token.text !== ',') throw this.#wrong(token, `"${token.text}" is no value`);
    }
    throw this.#wrong(first, 'a list is never closed');
  }

  #included(name: Token, line: Line): Option[] {
    const [path, close] = [this.#next(), this.#next()];
    if (name.text.toLowerCase() !== 'include' || path?.kind !== 'word' || close?.text !== ')') {
      throw this.#wrong(name, 'only include ("…") has brackets');
    }
    const files = expand(path.text);
    if (files.length === 0) {
      // gmond takes a pattern that fits nothing for nothing, and a file that is not there for wrong.
      if (!/[*?[]/.test(path.text)) readInput(path.text);
    }
    this.#reading.draft.carry(line);
    return files.flatMap((file) => read(file, this.#around, this.#reading));
  }

  #next(): Token | undefined {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    return token;
  }

  #wrong(at: Token | undefined, message: string): InputError {
    return new InputError({ file: this.#file, line: at?.line, column: at?.column }, message);
  }
}

const SKIPPED = /(?:[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const MARK = /\+=|[{}()=,]/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'/y;
const BARE = /(?:\$\{[^}\n]*\}|[^\s"'#{}()=,+/]|\/(?![/*])|\+(?!=))+/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };

function* tokens(file: string, text: string): Generator<Token> {
  let line = 1;
  let start = 0;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    for (let i = text.indexOf('\n', at); i >= 0 && i < pattern.lastIndex; ) {
      line += 1;
      start = i + 1;
      i = text.indexOf('\n', start);
    }
    at = pattern.lastIndex;
    return match;
  };
  while (at < text.length) {
    if (take(SKIPPED)) continue;
    const place = { line, column: at - start + 1 };
    const mark = take(MARK)?.[0];
    if (mark !== undefined) {
      yield { kind: 'mark', text: mark, ...place };
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted !== undefined) {
      const plain = (quoted[1] ?? quoted[2] ?? '').replace(
        /\\([\s\S])/g,
        (_, next: string) => ESCAPES[next] ?? next,
      );
      yield { kind: 'word', text: plain, ...place };
      continue;
    }
    const bare = take(BARE)?.[0];
    if (bare !== undefined) {
      yield { kind: 'word', text: bare, ...place };
      continue;
    }
    const rest = text.slice(at, at + 2);
    const what = /^["']/.test(rest)
      ? 'a quote is not closed'
      : rest === '/*'
        ? 'a comment is not closed'
        : `"${rest[0]}" has no place here`;
    throw new InputError({ file, ...place }, what);
  }
}
