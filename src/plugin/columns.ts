import { ParseError } from './errors.ts';

/** Whole numbers by name; what an older kernel may leave out is `undefined` where it is left out. */
export type Row<R extends string, O extends string = never> = Readonly<Record<R, number>> &
  Readonly<Record<O, number | undefined>>;

/** Nothing but whole numbers and blanks: two calls into V8's own code then save a look at every digit. */
const PLAIN = /^[\d ]*$/;
const ZERO = 48;
const NINE = 57;
/** The kernel's widest number, an unsigned one of 64 bits, has twenty digits. */
const WIDEST = 20;
/** So many digits stay below 2^53. */
const EXACT = 15;
/** Of a text that is longer V8 optimizes what is done for each line: then it is the fastest to look at every digit. */
const LONG = 16_384;
/** Whether the line that is read is one of such a text. */
let many = false;

/** What {@link columns} makes: takes the line, where to begin, and a row of its own to write into. */
export interface ReadColumns<R extends string, O extends string = never> {
  (line: string, from?: number, into?: Row<R, O>): Row<R, O>;
  /**
   * Makes a row to be written into again and again: of a thousand devices every number would else be garbage at
   * every tick. Its numbers are read by their names, and not listed.
   */
  row(): Row<R, O>;
}

/** Where a row has its numbers that is written into again and again; NaN is absent. */
const NUMBERS = Symbol('numbers');
interface Numbered {
  readonly [NUMBERS]: Float64Array;
}

/** The class of rows that have their numbers in one piece, under these names. */
function rowsOf(names: readonly string[], required: number): new () => Numbered {
  class Kept implements Numbered {
    readonly [NUMBERS] = new Float64Array(names.length).fill(Number.NaN);
  }
  for (let i = 0; i < names.length; i += 1) {
    Object.defineProperty(Kept.prototype, names[i] as string, {
      get:
        i < required
          ? function (this: Kept) {
              return this[NUMBERS][i];
            }
          : function (this: Kept) {
              const number = this[NUMBERS][i] as number;
              return Number.isNaN(number) ? undefined : number;
            },
    });
  }
  return Kept;
}

/**
 * Makes a reader of lines that hold whole numbers in a fixed order, separated by blanks.
 *
 * The reader takes the line, where to begin, and a row of its own to write into where one is there already.
 * It throws a {@link ParseError} that says which column is missing or wrong: a shifted
 * column would pass for data. Numbers above 2^53 lose their last digits, as every JavaScript number
 * does; a rate over them is right to some bytes per second.
 *
 * @param required the columns every kernel prints.
 * @param optional the columns newer kernels add behind them; further columns are ignored.
 *
 * @example
 * const read = columns(['reads', 'writes'], ['flushes']);
 * read(' 7 9'); // { reads: 7, writes: 9, flushes: undefined }
 */
export function columns<const R extends readonly string[], const O extends readonly string[] = []>(
  required: R,
  optional?: O,
): ReadColumns<R[number], O[number]> {
  type Made = Row<R[number], O[number]>;
  const names: readonly string[] = [...required, ...(optional ?? [])];
  const empty: Readonly<Record<string, number | undefined>> = Object.fromEntries(
    names.map((name) => [name, undefined]),
  );
  let Kept: (new () => Numbered) | undefined;

  /** The same of a line that is as the kernel prints most of them; whether it is. */
  function plainly(
    text: string,
    row: Record<string, number | undefined>,
    numbers: Float64Array | undefined,
  ) {
    if (!PLAIN.test(text)) return false;
    const words = text.split(' ');
    let found = 0;
    for (let i = 0; i < words.length && found < names.length; i += 1) {
      const word = words[i] as string;
      const digits = word.length;
      if (digits === 0) continue;
      if (digits > WIDEST) return false;
      if (numbers === undefined) row[names[found] as string] = Number(word);
      else numbers[found] = Number(word);
      found += 1;
    }
    if (numbers !== undefined) numbers.fill(Number.NaN, found);
    else for (let i = found; i < names.length; i += 1) row[names[i] as string] = undefined;
    return found >= required.length;
  }

  const read = (line: string, from = 0, into: Made = { ...empty } as Made): Made => {
    const row: Record<string, number | undefined> = into;
    const numbers = (into as Partial<Numbered>)[NUMBERS];
    if (!many && plainly(from === 0 ? line : line.slice(from), row, numbers)) return into;
    const end = line.length;
    let at = from;
    for (let i = 0; i < names.length; i += 1) {
      while (at < end && line.charCodeAt(at) <= 32) at += 1;
      const start = at;
      let value = 0;
      for (; at < end; at += 1) {
        const code = line.charCodeAt(at);
        if (code < ZERO || code > NINE) break;
        value = value * 10 + (code - ZERO);
      }
      // From 2^53 on the sum above would gather errors.
      if (at - start > EXACT) value = Number(line.slice(start, at));
      const ended = at === end || line.charCodeAt(at) <= 32;
      if (!ended || at - start > WIDEST || (at === start && (at < end || i < required.length))) {
        throw wrongColumn(line, start, i, names);
      }
      if (numbers !== undefined) numbers[i] = at > start ? value : Number.NaN;
      else row[names[i] as string] = at > start ? value : undefined;
    }
    return into;
  };
  const row = (): Made => {
    Kept ??= rowsOf(names, required.length);
    return new Kept() as Numbered & Made;
  };
  return Object.assign(read, { row });
}

function wrongColumn(line: string, start: number, i: number, names: readonly string[]): ParseError {
  const where = `column ${i + 1} of ${names.length} (${names[i]})`;
  const word = /^[^\s]*/.exec(line.slice(start, start + 80))?.[0] ?? '';
  return new ParseError(
    word === '' ? `${where} is missing` : `${where} is "${word}", not a whole number`,
  );
}

/**
 * Parses a file line by line, each by itself: a bad line costs what it describes and comes back as
 * the {@link ParseError} that says where it stands; its siblings are kept.
 *
 * @param file the path to name in errors, such as `/proc/net/dev`.
 * @param parse one line to one value; `undefined` leaves the line out.
 * @param skip header lines.
 */
export function parseLines<T>(
  file: string,
  text: string,
  parse: (line: string) => T | undefined,
  { skip = 0 }: { readonly skip?: number } = {},
): (T | ParseError)[] {
  const parsed: (T | ParseError)[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '' && lines.length >= skip) parsed.push(cutOff(file, lines.length));
  for (let i = skip; i < lines.length; i += 1) {
    const line = lines[i] as string;
    if (line === '') continue;
    try {
      const value = parse(line);
      if (value !== undefined) parsed.push(value);
    } catch (error) {
      parsed.push(placed(error, file, i));
    }
  }
  return parsed;
}

/**
 * The same as {@link parseLines}, one after the other: of a file with a thousand lines what each becomes
 * need not live until the last. What was cut off comes last. Of few lines a list is made sooner.
 */
export function* eachLine<T>(
  file: string,
  text: string,
  parse: (line: string) => T | undefined,
  { skip = 0 }: { readonly skip?: number } = {},
): Generator<T | ParseError> {
  const long = text.length > LONG;
  let from = 0;
  let i = 0;
  for (; ; i += 1) {
    const until = text.indexOf('\n', from);
    if (until < 0) break;
    const line = text.slice(from, until);
    from = until + 1;
    if (i < skip || line === '') continue;
    let value: T | ParseError | undefined;
    many = long;
    try {
      value = parse(line);
    } catch (error) {
      value = placed(error, file, i);
    } finally {
      many = false;
    }
    if (value !== undefined) yield value;
  }
  if (from < text.length && i >= skip) yield cutOff(file, i);
}

/** The kernel ends every line: what stands behind the last end was cut off somewhere. @param lines before it. */
const cutOff = (file: string, lines: number): ParseError =>
  new ParseError(`${file} line ${lines + 1}: it ends in the middle of the line`);

/** An error with the line where it was. @throws what is a bug. */
function placed(error: unknown, file: string, index: number): ParseError {
  if (!(error instanceof ParseError)) throw error;
  return new ParseError(`${file} line ${index + 1}: ${error.message}`);
}

/**
 * A name out of /proc or /sys as readable text. Files are read one character per byte, so that no
 * byte is lost; a name that is valid UTF-8 becomes its characters, and of any other name each byte
 * beyond ASCII becomes `\xNN`, so that two names never become one.
 */
export function nameOf(raw: string): string {
  if (!NOT_ASCII.test(raw)) return raw;
  try {
    return UTF8.decode(Buffer.from(raw, 'latin1'));
  } catch {
    return raw.replace(EACH_NOT_ASCII, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
  }
}
const NOT_ASCII = /[\x80-\xff]/;
const EACH_NOT_ASCII = /[\x80-\xff]/g;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
