import type { Metric, Observation } from '../metric/index.ts';
import type * as z from './zod.ts';

/** One line of a log, without its end. It holds until the next one is parsed. */
export interface Line {
  readonly bytes: Uint8Array;
  /** As UTF-8, where what is invalid becomes U+FFFD. Decoded when it is first asked for. */
  readonly text: string;
}

/** Lines of a log, each with its end, where they stand in memory. They hold until the next are read. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The same, each byte as a character: V8 finds one in a string faster than a loop does in bytes. */
  readonly characters: string;
  /** The same, of which four bytes at a time can be compared: `cullinan/wire/fours`. */
  readonly view: DataView;
}

/** A parser at work on one log: it adds up what lines say, and reports it. */
export interface Parsing {
  /**
   * Takes in a line.
   *
   * @returns whether it is one of those that it knows.
   */
  parse(line: Line): boolean;
  /**
   * The same for a line that stands between two places of a piece: for parsers of which a million lines
   * a second are asked, which a view of each line would cost a tenth more. {@link Parsing.parse} must
   * come to the same.
   */
  parseAt?(piece: Piece, from: number, to: number): boolean;
  /**
   * When a line was written, in seconds since the Unix epoch; absent where lines do not say.
   *
   * @param now the time at which it was read, for lines without a year; the clock's where absent.
   */
  timeOf?(line: Line, now?: number): number | undefined;
  /** The same, as {@link Parsing.parseAt} is to {@link Parsing.parse}; it was read now. */
  timeAt?(piece: Piece, from: number, to: number): number | undefined;
  /**
   * What the lines since the report before amount to; what is counted begins anew.
   *
   * @param seconds the real time that these lines are from, more than 0.
   */
  report(seconds: number): Iterable<Observation>;
}

/** A plugin that makes numbers of lines. It knows no file, no offset, no time and no output. */
export interface Parser<O extends z.ZodType = z.ZodType> {
  /** The version of `cullinan/plugin` that it was written for: `'1.0'`; see `API`. Any, where absent. */
  readonly api?: string;
  /** What it is called on the command line and in the configuration: `postfix`, `PostfixLogster`. */
  readonly name: string;
  /** One sentence: which log it reads. */
  readonly summary: string;
  /** Where the format of its lines is described. */
  readonly source: string;
  readonly options: O;
  /** What it can report under these options. */
  metrics(options: z.output<O>): readonly Metric[];
  /**
   * Words of which one stands in every line that it knows, as bytes in the file: other lines are not
   * even given to it. Without any it is given every line.
   */
  needles?(options: z.output<O>): readonly string[];
  /**
   * What is a line to it of an entry of systemd's journal. `message`, and where absent: what was logged,
   * line by line. `syslog`: one line as rsyslog writes it to a file, with the priority in front. Names of
   * fields: one line of JSON as `journalctl -o json` has it, with these fields; without any, with all.
   */
  readonly journal?: 'message' | 'syslog' | readonly string[];
  open(options: z.output<O>): Parsing;
}

/** Declares a parser, which it gives back: for its types. */
export const defineParser = <O extends z.ZodType>(parser: Parser<O>): Parser<O> => parser;
