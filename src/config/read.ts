import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CST, Lexer, parseDocument, type YAMLError } from 'yaml';
import { excuse, readBounded } from './files.ts';
import {
  type Finding,
  lineStarts,
  type Problem,
  problemAt,
  problemWith,
  type Source,
} from './problem.ts';
import { DEEPEST, emptyMap, type MapNode, merge, treeOf } from './tree.ts';

/** Where the configuration is unless `--config` says otherwise. */
const DEFAULT_PATH = '/etc/cullinan/cullinan.yaml';

const MOST_BYTES = 1024 * 1024;

export interface Files {
  readonly tree: MapNode;
  /** What was read, in order. */
  readonly paths: readonly string[];
  readonly problems: readonly Problem[];
  /** Whether all files could be read, so that the rest of the checks make sense. */
  readonly readable: boolean;
}

/**
 * Reads the main file, then `conf.d/*.yaml` beside it in the order of their names, and merges them.
 *
 * @param o.path the main file, named by the user: it must exist.
 * @param o.defaultPath where it may be otherwise; `/etc/cullinan/cullinan.yaml` unless said.
 */
export function readFiles(o: {
  readonly path?: string | undefined;
  readonly defaultPath?: string | undefined;
}): Files {
  const main = o.path ?? o.defaultPath ?? DEFAULT_PATH;
  const problems: Problem[] = [];
  const paths: string[] = [];
  let tree = emptyMap();
  let readable = true;
  const parts = partsOf(join(dirname(main), 'conf.d'), problems);
  if (problems.length > 0) readable = false;
  for (const [order, path] of [main, ...parts].entries()) {
    const bytes = readBounded(path, MOST_BYTES);
    if (!Buffer.isBuffer(bytes)) {
      const absent = bytes.code === 'ENOENT' && (order === 0 ? o.path === undefined : isGone(path));
      if (absent) continue;
      const remedy =
        bytes.code === 'ENOENT' && order === 0 ? 'check the path given with --config' : undefined;
      problems.push(problemWith(path, order, { remedy, ...bytes }));
      readable = false;
      continue;
    }
    paths.push(path);
    const part = parse(path, bytes, order, problems);
    if (part === undefined) readable = false;
    else tree = merge(tree, part);
  }
  return { tree, paths, problems, readable };
}

/** Of one that was listed a moment ago, and does not exist: a link that leads nowhere was not taken away. */
const isGone = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true;

function partsOf(folder: string, problems: Problem[]): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const why = excuse(error as NodeJS.ErrnoException);
    if (why.code === 'ENOTDIR') {
      const remedy = 'it must be a folder with further files, or not exist';
      problems.push(problemWith(folder, 0, { message: 'is not a directory', remedy }));
    } else if (why.code !== 'ENOENT') problems.push(problemWith(folder, 0, why));
    return [];
  }
  // Editors keep their locks and copies behind a dot.
  const visible = names.filter((name) => !name.startsWith('.')).sort();
  for (const name of visible.filter((each) => each.endsWith('.yml'))) {
    problems.push(
      problemWith(join(folder, name), 0, {
        message: 'would not be read: only names that end in .yaml are',
        remedy: `rename it to ${name.replace(/yml$/, 'yaml')}, or give it another ending`,
      }),
    );
  }
  return visible.filter((name) => name.endsWith('.yaml')).map((name) => join(folder, name));
}

function parse(
  path: string,
  bytes: Buffer,
  order: number,
  problems: Problem[],
): MapNode | undefined {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const source: Source = { path, text, lines: lineStarts(text), order };
  const blame = (start: number, end: number, finding: Finding) => {
    problems.push(problemAt({ source, start, end }, finding));
    return undefined;
  };
  if (!isUtf8(bytes)) {
    const at = Math.max(0, text.indexOf('\uFFFD'));
    const remedy = 'save the file as UTF-8';
    return blame(at, at + 1, { message: 'this is not UTF-8 text', remedy });
  }
  const deep = tooDeep(text);
  if (deep !== undefined) {
    const message = `this is nested more than ${DEEPEST} levels deep`;
    return blame(deep, deep + 1, { message, remedy: 'is it the right file?' });
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
  });
  // One slip makes many errors; only the first is true.
  const [error] = document.errors;
  if (error !== undefined) {
    const [start, end] = visibleStretch(text, error.pos[0], error.pos[1]);
    return blame(start, end, syntax(error, text, source.lines));
  }
  return treeOf(document.contents, source, problems);
}

/**
 * Where a text nests deeper than anybody means it to. Counted before it is parsed, because the
 * parser recurses, and a stack that overflows inside a regular expression ends the process.
 */
function tooDeep(text: string): number | undefined {
  let offset = 0;
  let line = 0;
  let depth = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    const type = scalar ? 'scalar' : CST.tokenType(token);
    if (type === 'scalar' && !scalar) {
      scalar = true;
      continue;
    }
    scalar = false;
    if (type === 'doc-mode') continue;
    if (type === 'flow-error-end') {
      depth = 0;
      continue;
    }
    if (type === 'flow-map-start' || type === 'flow-seq-start') depth += 1;
    if (type === 'flow-map-end' || type === 'flow-seq-end') depth -= 1;
    // Outside of brackets each level costs at least one column.
    const block =
      type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind';
    if (depth > DEEPEST || (depth <= 0 && block && offset - line > 4 * DEEPEST)) return offset;
    const end = token.lastIndexOf('\n');
    if (end >= 0) line = offset + end + 1;
    offset += token.length;
  }
  return undefined;
}

/** An error at the end of a file, or on a blank line, is shown behind the last thing that was written. */
function visibleStretch(text: string, start: number, end: number): readonly [number, number] {
  const word = /^\w[\w-]*/.exec(text.slice(start, start + 80))?.[0].length ?? 0;
  if (/^[^\n]*\S/.test(text.slice(start, start + 200))) return [start, Math.max(end, start + word)];
  const last = text.slice(0, start).trimEnd().length;
  return [Math.max(0, last - 1), Math.max(1, last)];
}

const QUOTE_IT = 'if it is meant as text, put the value in quotes';

function syntax(
  { code, message, pos }: YAMLError,
  text: string,
  lines: readonly number[],
): Finding {
  const from = lines.findLast((start) => start <= pos[0]) ?? 0;
  const line = text.slice(from, (lines.find((start) => start > pos[0]) ?? text.length + 1) - 1);
  if (/[{[,]\s*(?:[\w-]+\s*:\s*)?\$\{/.test(line.slice(0, 2000))) {
    return {
      message: 'a "{" inside of { } or [ ] begins another map',
      remedy: `put the reference in quotes: "\${NAME}"`,
    };
  }
  const [, closing] = /end with a ([}\]])/.exec(message) ?? [];
  if (closing !== undefined) {
    return {
      message: `what was opened before this is not closed: a "${closing}" is missing`,
      remedy: `put a "${closing}" where it ends`,
    };
  }
  switch (code) {
    case 'TAB_AS_INDENT':
      return {
        message: 'a tab indents this line, and YAML takes only spaces',
        remedy: 'put spaces in its place',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return { message: 'there are two ": " on one line', remedy: QUOTE_IT };
    case 'BAD_SCALAR_START':
      return { message: 'a value cannot begin with this character', remedy: QUOTE_IT };
    case 'BAD_DQ_ESCAPE':
      return {
        message: 'a backslash in "…" begins an escape, and this is none',
        remedy: "put the value in '…', where a backslash is a backslash",
      };
    case 'MULTIPLE_DOCS':
      return {
        message: 'a second document begins here, and a file holds one',
        remedy: 'leave the "---" out, or move what follows to a file in conf.d',
      };
    case 'BAD_INDENT':
      return {
        message: 'this is not indented as YAML needs it',
        remedy: 'align it with its siblings',
      };
    case 'MISSING_CHAR':
      if (message.startsWith('Missing closing')) {
        return {
          message: 'a quote was opened and not closed',
          remedy: 'put one where the text ends',
        };
      }
      break;
    default:
  }
  return {
    message: `this is not YAML: ${said(message)}`,
    remedy: 'see https://yaml.org/spec/1.2.2/',
  };
}

/** The parser's words, without what it quotes from the file. */
const said = (message: string): string =>
  `${message.charAt(0).toLowerCase()}${message.slice(1)}`
    .replace(/Missing/g, 'missing')
    .replace(/: .*$/s, '');
