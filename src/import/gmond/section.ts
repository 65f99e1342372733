import type { Draft, Line, Path, Value } from '../draft.ts';
import type { Option } from './confuse.ts';

/** A line, and those of what it holds. */
export function* linesOf({ line, children = [] }: Option): Generator<Line> {
  yield line;
  for (const each of children) yield* linesOf(each);
}

/** The options of a section. */
export class Section {
  readonly draft: Draft;
  readonly options: readonly Option[];

  constructor(draft: Draft, options: readonly Option[]) {
    this.draft = draft;
    this.options = options;
  }

  all(key: string): Option[] {
    return this.options.filter((option) => option.key.toLowerCase() === key);
  }

  text(key: string): string | undefined {
    return this.all(key).at(-1)?.values[0];
  }

  number(key: string): number | undefined {
    const text = this.text(key) ?? '';
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
  }

  truth(key: string): boolean | undefined {
    const text = this.text(key)?.toLowerCase() ?? '';
    if (/^(yes|true|on|1)$/.test(text)) return true;
    return /^(no|false|off|0)$/.test(text) ? false : undefined;
  }

  lines(...keys: readonly string[]): Line[] {
    return keys.flatMap((key) => this.all(key).map(({ line }) => line));
  }

  /** Sections of a name, whose headings hold by themselves. */
  sections(key: string): Section[] {
    return this.all(key).map(({ line, children = [] }) => {
      this.draft.carry(line);
      return new Section(this.draft, children);
    });
  }

  put(path: Path, key: string, value: Value | undefined): void {
    const lines = this.lines(key);
    if (lines.length === 0) return;
    if (value === undefined) this.draft.leave(lines, 'this value is none that gmond takes');
    else this.draft.set(path, value, lines);
  }

  expect(key: string, holds: boolean, why: string): void {
    if (holds) this.draft.carry(this.lines(key));
    else this.draft.leave(this.lines(key), why);
  }

  /** Leaves options, and whole sections. */
  leave(why: string, ...keys: readonly string[]): void {
    for (const key of keys) {
      for (const option of this.all(key)) this.draft.leave([...linesOf(option)], why);
    }
  }
}
