import { mask } from './mask.ts';

/** A file that was read, and where its lines begin. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** Offsets, ascending; the first is 0. */
  readonly lines: readonly number[];
  /** Its place among the files, in the order they are read. */
  readonly order: number;
}

/** A stretch of a file, in UTF-16 units from its beginning; `end` is exclusive. */
export interface Place {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** One thing that is wrong with the configuration. */
export interface Problem {
  readonly file: string | undefined;
  /** Counted from 1; absent where the file as a whole is meant. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** What is wrong, in one line without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string | undefined;
  /** Where to read on, such as `Options: cullinan describe network`. */
  readonly hint: string | undefined;
  /** The line as it is written, secrets masked, and the stretch to underline (from 0). */
  readonly shown:
    | { readonly text: string; readonly from: number; readonly length: number }
    | undefined;
  /** For sorting: the order of files, then the order within them. */
  readonly order: readonly [file: number, offset: number];
}

export interface Finding {
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly hint?: string | undefined;
}

/** More would not be read, and a wrong file can have a hundred thousand. */
const MOST_SHOWN = 20;

/**
 * A configuration that cannot be used. Its message is the whole text for a person: every problem
 * with its file, line and column, the line itself, what to do, and what became of the start.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  /** @param consequence what the problems led to, as a sentence: `Nothing was started.` */
  constructor(problems: readonly Problem[], consequence = 'Nothing was started.') {
    const sorted = problems.toSorted((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    super(report(sorted, consequence));
    this.problems = sorted;
  }
}

/** A problem with a stretch of a file; `undefined` stands for what no file says (a default). */
export function problemAt(place: Place | undefined, finding: Finding): Problem {
  const common = words(finding);
  if (place === undefined) {
    const nowhere = { file: undefined, line: undefined, column: undefined, shown: undefined };
    return { ...nowhere, ...common, order: [-1, 0] };
  }
  const { source, start, end } = place;
  const index = lineAt(source.lines, start);
  const from = source.lines[index] ?? 0;
  const to = source.lines[index + 1] ?? source.text.length + 1;
  const text = source.text.slice(from, to - 1).replace(/\r$/, '');
  return {
    file: source.path,
    line: index + 1,
    column: start - from + 1,
    shown: excerpt(text, start - from, Math.min(end, from + text.length) - start),
    ...common,
    order: [source.order, start],
  };
}

/** A problem with a file or a folder as a whole. */
export function problemWith(file: string, order: number, finding: Finding): Problem {
  const nowhere = { line: undefined, column: undefined, shown: undefined };
  return { file, ...nowhere, ...words(finding), order: [order, -1] };
}

const words = ({ message, remedy, hint }: Finding) => ({
  message: harmless(message),
  remedy: remedy === undefined ? undefined : harmless(remedy),
  hint,
});

/** Offsets at which the lines of a text begin. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they would steer the terminal.
const STEERING = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

const harmless = (text: string): string => text.replace(STEERING, '?');

const WIDEST = 120;

/** What is shown of a line: no secrets, no control characters, not more than fits a terminal. */
function excerpt(line: string, at: number, length: number) {
  const clean = harmless(mask(line).replaceAll('\t', '→'));
  const cut = at > WIDEST - 40 ? at - 40 : 0;
  const head = cut > 0 ? '…' : '';
  const tail = clean.length > cut + WIDEST ? '…' : '';
  const text = head + clean.slice(cut, cut + WIDEST) + tail;
  const from = at - cut + head.length;
  return { text, from, length: Math.max(1, Math.min(length, text.length - from)) };
}

function report(problems: readonly Problem[], consequence: string): string {
  const blocks = problems.slice(0, MOST_SHOWN).map(block);
  const more = problems.length - blocks.length;
  if (more > 0) blocks.push(`… and ${more} more`);
  const last = [consequence, ...hints(problems.slice(0, MOST_SHOWN))].join(' ');
  return [...blocks, last].join('\n\n');
}

/** Where to read on, each word for it (`Options`) once. */
function hints(problems: readonly Problem[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { hint } of problems) {
    const [word, place] = hint?.split(': ') ?? [];
    if (word === undefined || place === undefined) continue;
    places.set(word, (places.get(word) ?? new Set()).add(place));
  }
  return [...places].map(([word, each]) => `${word}: ${[...each].join(', ')}`);
}

function block({ file, line, column, message, remedy, shown }: Problem): string {
  const where = [file, line, column].filter((part) => part !== undefined).join(':');
  const title = `cullinan: ${where === '' ? '' : `${where}: `}${message}`;
  if (shown === undefined) return remedy === undefined ? title : `${title}\n\n   ${remedy}`;
  const gutter = `   ${line}`;
  const blank = ' '.repeat(gutter.length);
  const carets = ' '.repeat(shown.from) + '^'.repeat(shown.length);
  const advice = remedy === undefined ? '' : ` ${remedy}`;
  return `${title}\n\n${gutter} | ${shown.text}\n${blank} | ${carets}${advice}`;
}
