import { lineOf } from './line.ts';
import type { Line, Parser, Parsing } from './parser.ts';
import type * as z from './zod.ts';

/** Which lines are one record. */
export interface Joining {
  /**
   * Which lines a record begins with: those of which the parser can tell the time, or those that are
   * not indented, or what is asked of each. Unless said, the first if it can tell any times.
   */
  readonly begins?: 'time' | 'indented' | ((line: Line) => boolean);
  /** Bytes of a record that are kept; of what is longer the rest is left out. */
  readonly longest?: number;
}

const SPACE = 32;
const TAB = 9;
const NEWLINE = 10;

const isNotIndented = ({ bytes: [first] }: Line): boolean =>
  first !== undefined && first !== SPACE && first !== TAB;

/**
 * A parser of records that go on over several lines, such as a message with its stack trace: it is
 * given each record as one line, with newlines in it.
 *
 * It has no needles, because lines that have none may belong to one that has. A record ends where the
 * next one begins, or with a report: what of it comes later belongs to no record and is left out, so
 * that none counts twice.
 */
export function joined<O extends z.ZodType>(parser: Parser<O>, joining: Joining = {}): Parser<O> {
  const { needles: _, ...same } = parser;
  return { ...same, open: (options) => join(parser.open(options), joining) };
}

function join(parsing: Parsing, { begins, longest = 64 * 1024 }: Joining): Parsing {
  const how = begins ?? (parsing.timeOf === undefined ? 'indented' : 'time');
  const hasTime = (line: Line) => parsing.timeOf?.(line) !== undefined;
  const isFirst = how === 'time' ? hasTime : how === 'indented' ? isNotIndented : how;
  let record = new Uint8Array(1024);
  let length = 0;
  let open = false;
  let time: number | undefined;

  function append(bytes: Uint8Array): void {
    const more = bytes.length + (length === 0 ? 0 : 1);
    if (length + more > longest) return;
    if (length + more > record.length) {
      const larger = new Uint8Array(Math.max(record.length * 2, length + more));
      larger.set(record);
      record = larger;
    }
    if (length > 0) record[length] = NEWLINE;
    record.set(bytes, length + more - bytes.length);
    length += more;
  }

  function end(): void {
    if (open) parsing.parse(lineOf(record.slice(0, length)));
    open = false;
    length = 0;
  }

  const joined: Parsing = {
    parse(line) {
      const first = isFirst(line);
      if (first) {
        end();
        open = true;
      }
      if (!open) return false;
      const { bytes } = line;
      append(bytes.length > longest ? bytes.subarray(0, longest) : bytes);
      return true;
    },
    *report(seconds) {
      end();
      yield* parsing.report(seconds);
    },
  };
  if (parsing.timeOf === undefined) return joined;
  return {
    ...joined,
    timeOf(line, now) {
      time = parsing.timeOf?.(line, now) ?? time;
      return time;
    },
  };
}
