import type { Clock } from '../clock/index.ts';
import type { Parsing } from '../plugin/index.ts';
import type { Files } from './files.ts';
import type { JournalForm } from './journal-lines.ts';
import type { Loss } from './loss.ts';
import type { Found } from './state.ts';

/** Where the first run at a log begins. */
export type First =
  /** Lines that are there already are left out: nothing is reported before the second run. */
  | { readonly from: 'end' }
  /** All that the log holds, in one report; with an interval, one for each at the lines' own times. */
  | { readonly from: 'start'; readonly interval?: number | undefined }
  /**
   * The lines since then, in seconds since the Unix epoch, rotated files included: one report for each
   * interval, in seconds, at the lines' own times.
   */
  | { readonly from: 'since'; readonly since: number; readonly interval: number };

/** What a run of cull is given. */
export interface CullNeeds {
  /** The log, as an absolute path; or the journal, as {@link journalQuery} has it. */
  readonly log: string;
  /** The parser's name, which tells its state from others' at the same log. */
  readonly parser: string;
  /**
   * Where a parser of one's own is, which tells it from others of its name; and whether a state that is kept
   * under its name alone, as it was once, can only be one of its own kind's.
   */
  readonly own?: { readonly file: string; readonly inherits: boolean } | undefined;
  /** Just opened. */
  readonly parsing: Parsing;
  readonly needles?: readonly string[] | undefined;
  /** What the parser is given of the journal's entries; see {@link Parser.journal}. */
  readonly journal?: JournalForm | undefined;
  readonly first?: First | undefined;
  /** {@link STATE_FOLDER} where absent. */
  readonly folder?: string | undefined;
  /** Folders where rotated files may have been put, beside the log's own. */
  readonly archives?: readonly string[] | undefined;
  /** Nothing is kept of the run: it is as if it had not been. */
  readonly dry?: boolean | undefined;
  /** Times are sent in whole seconds: a run that follows another within one waits for the next. */
  readonly whole?: boolean | undefined;
  /** Milliseconds to wait for another process that is at work on the same log; 0 where absent. */
  readonly wait?: number | undefined;
  readonly clock: Clock;
  readonly files?: Files | undefined;
  /**
   * Asks a mount that may hang whether it answers, in another process: a call that hangs in this one
   * keeps it from ending.
   */
  readonly probe?: ((mountpoint: string, signal: AbortSignal) => Promise<unknown>) | undefined;
  /** Sends all of it, or rejects. Of several outputs it tells which has taken what it had not yet. */
  readonly send: (found: readonly Found[], took: Took) => Promise<void>;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Of a past that is counted, so many observations are sent at a time. */
  readonly most?: number | undefined;
}

/** An output has all of what is being sent: it is written down that it need not get it again. */
export type Took = (output: string) => Promise<void>;

/** How far a run is. */
export interface Progress {
  readonly bytes: number;
  readonly lines: number;
  /** Bytes of the log behind the place where the run began, as far as is known. */
  readonly total: number;
}

/** What a run did. */
export interface Culled {
  /** Nothing was known of the log before. */
  readonly first: boolean;
  /** It was there before, and is not now. */
  readonly absent: boolean;
  readonly bytes: number;
  readonly lines: number;
  /** Lines that the parser knew. */
  readonly known: number;
  /** Lines longer than {@link LONGEST_LINE}, which the parser was not given. */
  readonly tooLong: number;
  /** Lines that the parser broke on, and what it said of the first of them. */
  readonly failed: number;
  readonly error: unknown;
  /** The time between the offsets; `undefined` at the first run. */
  readonly seconds: number | undefined;
  readonly lost: readonly Loss[];
  /** What was found now, and sent; of a long past, the last of it. */
  readonly found: readonly Found[];
  /** What runs before had found, and sent now. */
  readonly resent: readonly Found[];
}
