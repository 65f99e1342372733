import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Draft, Line } from '../draft.ts';
import { expand, fits } from '../expand.ts';
import { isFolder, readInput } from '../input.ts';
import { InputError } from '../problem.ts';

/** A directive: `Interval 10`, or with `children` a block, `<Plugin "cpu">`. */
export interface Node {
  readonly key: string;
  readonly values: readonly string[];
  /** `undefined` where it is no block. */
  readonly children: readonly Node[] | undefined;
  readonly line: Line;
}

/** collectd goes no deeper into files that include files. */
const DEEPEST = 8;
/** Blocks in blocks, beyond which nobody has written any. */
const MOST_BLOCKS = 64;
const MOST_FILES = 1000;

interface Token {
  readonly kind: 'word' | 'open' | 'close' | 'end' | 'line';
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Reads a collectd.conf, with what it includes.
 *
 * @throws {@link InputError} where collectd finds it wrong, too, and for files that include each other.
 */
export function readCollectd(file: string, draft: Draft): readonly Node[] {
  const budget = { files: 0 };
  return include(file, undefined, [], { draft, budget });
}

interface Reading {
  readonly draft: Draft;
  readonly budget: { files: number };
}

function include(
  path: string,
  filter: string | undefined,
  around: readonly string[],
  reading: Reading,
): Node[] {
  let folder: boolean;
  let real: string;
  try {
    folder = statSync(path).isDirectory();
    real = realpathSync(path);
  } catch {
    // It says why.
    readInput(path);
    return [];
  }
  if (folder) {
    if (around.length >= DEEPEST)
      throw new InputError({ file: path }, 'files are included too deep');
    const names = readdirSync(path).filter((name) => !name.startsWith('.'));
    return names
      .sort()
      .map((name) => join(path, name))
      .filter((each) => isFolder(each) || filter === undefined || fits(each, filter))
      .flatMap((each) => include(each, filter, [...around, real], reading));
  }
  if (around.includes(real)) throw new InputError({ file: path }, 'this file includes itself');
  if (around.length >= DEEPEST) throw new InputError({ file: path }, 'files are included too deep');
  reading.budget.files += 1;
  if (reading.budget.files > MOST_FILES) {
    throw new InputError({ file: path }, `more than ${MOST_FILES} files are included`);
  }
  const nodes = parse(path, readInput(path), reading.draft);
  return nodes.flatMap((node) => included(node, [...around, real], reading));
}

/** What an `Include` brings in; any other directive itself, with what is included within it. */
function included(node: Node, around: readonly string[], reading: Reading): Node[] {
  const { key, values, children, line } = node;
  if (key.toLowerCase() !== 'include') {
    if (children === undefined) return [node];
    return [{ ...node, children: children.flatMap((each) => included(each, around, reading)) }];
  }
  const { draft } = reading;
  const [path = ''] = values;
  const filter = children?.find((each) => each.key.toLowerCase() === 'filter');
  draft.carry([line, ...(filter === undefined ? [] : [filter.line])]);
  const there = expand(path);
  if (there.length === 0) {
    draft.leave(line, 'there is no such file');
    return [];
  }
  return there.flatMap((each) => include(each, filter?.values[0], around, reading));
}

/** One file, as it is written. */
function parse(file: string, text: string, draft: Draft): Node[] {
  const lines = text.split('\n');
  const root: Node[] = [];
  const open: { readonly key: string; readonly nodes: Node[]; readonly line: number }[] = [];
  const nodes = (): Node[] => open.at(-1)?.nodes ?? root;
  const made = (line: number): Line =>
    draft.line(file, line, (lines[line - 1] ?? '').replace(/\r$/, ''));
  const wrong = ({ line, column }: Pick<Token, 'line' | 'column'>, message: string): InputError =>
    new InputError({ file, line, column }, message);
  let statement: Token[] = [];
  for (const token of tokens(file, text)) {
    if (token.kind !== 'line') {
      statement.push(token);
      continue;
    }
    const [first, ...rest] = statement;
    statement = [];
    if (first === undefined) continue;
    if (first.kind === 'word') {
      const odd = rest.find(({ kind }) => kind !== 'word');
      if (odd !== undefined) throw wrong(odd, `"${odd.text}" has no place behind a value`);
      const values = rest.map((each) => each.text);
      nodes().push({ key: first.text, values, children: undefined, line: made(first.line) });
      continue;
    }
    const [name, ...others] = rest;
    const last = others.pop();
    if (name?.kind !== 'word') throw wrong(first, `${first.text} has no name behind it`);
    if (last?.kind !== 'end' || others.some(({ kind }) => kind !== 'word')) {
      throw wrong(first, `${first.text}${name.text} is not closed by ">" in its line`);
    }
    if (first.kind === 'open') {
      if (open.length >= MOST_BLOCKS) throw wrong(first, 'blocks are in blocks too deep');
      const children: Node[] = [];
      const values = others.map((each) => each.text);
      nodes().push({ key: name.text, values, children, line: made(first.line) });
      open.push({ key: name.text, nodes: children, line: first.line });
    } else {
      const opened = open.pop();
      if (opened === undefined) throw wrong(first, `</${name.text}> closes nothing`);
      if (opened.key.toLowerCase() !== name.text.toLowerCase()) {
        throw wrong(first, `</${name.text}> closes <${opened.key}> of line ${opened.line}`);
      }
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) {
    throw wrong({ line: unclosed.line, column: 1 }, `<${unclosed.key}> is never closed`);
  }
  return root;
}

const BLANK = /[ \t\r]+/y;
const COMMENT = /#[^\n]*/y;
const CONTINUED = /\\\r?\n/y;
const MARK = /<\/|<|>/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const BARE = /[^\s"<>#\\]+/y;

function* tokens(file: string, text: string): Generator<Token> {
  let line = 1;
  let start = 0;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    at += match[0].length;
    return match;
  };
  while (at < text.length) {
    const place = { line, column: at - start + 1 };
    if (text[at] === '\n') {
      yield { kind: 'line', text: '', ...place };
      at += 1;
      line += 1;
      start = at;
      continue;
    }
    if (take(BLANK) ?? take(COMMENT)) continue;
    if (take(CONTINUED)) {
      line += 1;
      start = at;
      continue;
    }
    const mark = take(MARK)?.[0];
    if (mark !== undefined) {
      const kind = mark === '>' ? 'end' : mark === '<' ? 'open' : 'close';
      yield { kind, text: mark, ...place };
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted !== undefined) {
      const written = quoted[1] ?? '';
      // A line that ends in a backslash goes on in the next one.
      const plain = written.replace(/\\(\r?\n|[\s\S])/g, (_, next: string) =>
        next.endsWith('\n') ? '' : next,
      );
      yield { kind: 'word', text: plain, ...place };
      const breaks = quoted[0].split('\n').length - 1;
      if (breaks > 0) {
        line += breaks;
        start = text.lastIndexOf('\n', at - 1) + 1;
      }
      continue;
    }
    const bare = take(BARE)?.[0];
    if (bare !== undefined) {
      yield { kind: 'word', text: bare, ...place };
      continue;
    }
    const what = text[at] === '"' ? 'a quote is not closed' : `"${text[at]}" has no place here`;
    throw new InputError({ file, ...place }, what);
  }
  yield { kind: 'line', text: '', line, column: at - start + 1 };
}
