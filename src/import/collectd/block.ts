import type { Draft, Line, Path, Value } from '../draft.ts';
import { exactly, expression } from '../patterns.ts';
import type { Node } from './oconfig.ts';

/** The directives of a block, and of others of the same name, as one. */
export class Block {
  readonly draft: Draft;
  readonly nodes: readonly Node[];

  constructor(draft: Draft, nodes: readonly Node[]) {
    this.draft = draft;
    this.nodes = nodes;
  }

  /** Of several directives of a name the last; names are the same in upper case and lower case. */
  find(key: string): Node | undefined {
    return this.all(key).at(-1);
  }

  all(key: string): Node[] {
    return this.nodes.filter((node) => node.key.toLowerCase() === key.toLowerCase());
  }

  text(key: string): string | undefined {
    return this.find(key)?.values[0];
  }

  truth(key: string): boolean | undefined {
    const text = this.text(key)?.toLowerCase() ?? '';
    if (/^(true|yes|on)$/.test(text)) return true;
    return /^(false|no|off)$/.test(text) ? false : undefined;
  }

  number(key: string): number | undefined {
    const text = this.text(key) ?? '';
    return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
  }

  /** Seconds, as the configuration has them. */
  seconds(key: string): string | undefined {
    const number = this.number(key);
    return number === undefined ? undefined : `${number}s`;
  }

  lines(...keys: readonly string[]): Line[] {
    return keys.flatMap((key) => this.all(key).map(({ line }) => line));
  }

  /** Puts a value under a path if the directive is there; what is none of its kind is left. */
  put(path: Path, key: string, value: Value | undefined): void {
    const lines = this.lines(key);
    if (lines.length === 0) return;
    if (value === undefined) this.draft.leave(lines, 'this value is none that collectd takes');
    else this.draft.set(path, value, lines);
  }

  expect(key: string, holds: boolean, why: string): void {
    if (holds) this.draft.carry(this.lines(key));
    else this.draft.leave(this.lines(key), why);
  }

  leave(why: string, ...keys: readonly string[]): void {
    this.draft.leave(this.lines(...keys), why);
  }

  /** Leaves everything, and what is below it. */
  leaveAll(why: string): void {
    for (const node of this.nodes) this.draft.leave([...linesOf(node)], why);
  }

  /**
   * collectd's ignore list: names and `/expressions/` that are chosen, or with `IgnoreSelected` left
   * out. `undefined` where one cannot be expressed, whose line is left.
   */
  selection(key: string, ignore = 'IgnoreSelected'): Selection {
    const patterns: string[] = [];
    for (const { values, line } of this.all(key)) {
      const pattern = patternOf(values[0] ?? '');
      if (pattern === undefined) {
        this.draft.leave(line, 'this is no regular expression that can be carried over');
      } else {
        patterns.push(pattern);
        this.draft.carry(line);
      }
    }
    this.draft.carry(this.lines(ignore));
    if (patterns.length === 0) return { exclude: [] };
    const ignored = this.truth(ignore) === true;
    return ignored ? { exclude: patterns } : { include: patterns, exclude: [] };
  }
}

export interface Selection {
  readonly [list: string]: readonly string[];
}

/** A name, or an expression between slashes. */
function patternOf(text: string): string | undefined {
  const [, source] = /^\/(.*)\/$/s.exec(text) ?? [];
  if (source === undefined) return exactly(text);
  const made = expression(posix(source));
  return made === undefined ? undefined : `re:${made}`;
}

/** The GNU C library's marks of a word's beginning and end, which others have one for. */
export const posix = (source: string): string =>
  source.replace(/\\([\\<>])/g, (all, mark: string) => (mark === '\\' ? all : '\\b'));

export function* linesOf(node: Node): Generator<Line> {
  yield node.line;
  for (const each of node.children ?? []) yield* linesOf(each);
}
