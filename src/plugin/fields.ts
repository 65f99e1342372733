import { ParseError } from './errors.ts';

/** What a reader of {@link fields} found. */
export interface Fields<N extends string> {
  /** A field that is absent, or whose line is malformed, is `undefined`. */
  readonly values: Readonly<Record<N, number | undefined>>;
  /** One for each malformed line. */
  readonly errors: readonly ParseError[];
}

/**
 * Makes a reader of files that hold a name, blanks and a whole number per line, such as
 * /proc/vmstat: it finds the lines it was made for, and looks at no other. Further numbers on a line
 * are ignored, so it reads the sums in /proc/stat, too.
 *
 * The search for a name goes on where the one before was found, so names in the kernel's order cost
 * one pass through the text, and in any other order as many as are out of place.
 *
 * The reader takes the path to name in errors, and the text.
 *
 * @example
 * const read = fields(['ctxt', 'processes']);
 * read('/proc/stat', 'ctxt 12\nbtime 9\n').values; // { ctxt: 12, processes: undefined }
 */
export function fields<const N extends readonly string[]>(
  names: N,
): (file: string, text: string) => Fields<N[number]> {
  const starts = names.map((name) => `\n${name} `);
  return (file, text) => {
    const values: Record<string, number | undefined> = {};
    const errors: ParseError[] = [];
    let from = 0;
    for (let i = 0; i < names.length; i += 1) {
      const name = names[i] as string;
      const start = starts[i] as string;
      let found = text.indexOf(start, from);
      if (found < 0 && from > 0) found = text.indexOf(start);
      if (found >= 0) from = found;
      else if (!text.startsWith(`${name} `)) {
        values[name] = undefined;
        continue;
      }
      const value = numberAt(text, found + 1 + name.length);
      values[name] = value;
      if (value === undefined) errors.push(malformed(file, text, found + 1));
    }
    return { values: values as Record<N[number], number | undefined>, errors };
  };
}

/** Behind a name: the kernel ends every line, so a number that nothing stands behind was cut off somewhere. */
const NUMBER = /[\0-\t\v-\x20]*(\d{1,20})[\0-\x20]/y;

function numberAt(text: string, from: number): number | undefined {
  NUMBER.lastIndex = from;
  const digits = NUMBER.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function malformed(file: string, text: string, start: number): ParseError {
  const line = text.slice(0, start).split('\n').length;
  const said = text.slice(start, start + 80).split('\n', 1)[0];
  return new ParseError(`${file} line ${line}: "${said}" is not "NAME NUMBER"`);
}
