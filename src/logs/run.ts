import type { Observation } from '../metric/index.ts';
import type { Parsing } from '../plugin/index.ts';
import type { FoundLine } from './lines.ts';
import type { Found } from './state.ts';

/** What a backfill reports: the lines since a moment, one report for each interval of their own times. */
export interface Backfill {
  /** Seconds since the Unix epoch; lines before it are left out. */
  readonly since: number;
  /** Seconds. */
  readonly interval: number;
  /** Lines that say they are from later do not know when they are from. */
  readonly until: number;
  /** So many observations are enough for now; all there are, where absent. */
  readonly most?: number | undefined;
  /** Leaves a line, and what is behind it, for later: it begins an interval, and there is enough. */
  leave(line: FoundLine): void;
}

/** A parser at its work: it is given lines, and asked what they amount to. */
export class Run {
  /** Lines that the parser knew. */
  known = 0;
  /** Lines that the parser broke on; and what it said of the first of them. */
  failed = 0;
  error: unknown;
  found: Found[] = [];
  /** What was found is to be handed over before more is: {@link Run.handed}. */
  full = false;
  /** When the lines were written that are offered, in seconds since the Unix epoch, where their source says. */
  time: number | undefined;
  readonly #parsing: Parsing;
  readonly #backfill: Backfill | undefined;
  /** The interval that lines are in, as a number of intervals since the Unix epoch. */
  #interval: number | undefined;
  /** Observations that were found. */
  #count = 0;
  /** Lines that were known when it was handed over. */
  #handed = 0;

  constructor(parsing: Parsing, backfill: Backfill | undefined) {
    this.#parsing = parsing;
    this.#backfill = backfill;
  }

  readonly offer = (line: FoundLine): void => {
    const parsing = this.#parsing;
    try {
      if (this.#backfill !== undefined && !this.#attribute(line, this.#backfill)) return;
      const known =
        parsing.parseAt === undefined
          ? parsing.parse(line)
          : parsing.parseAt(line.piece, line.from, line.to);
      if (known) this.known += 1;
    } catch (error) {
      this.failed += 1;
      this.error ??= error;
    }
  };

  /** What was found is in other hands: it goes on with the line that was left. */
  handed(): void {
    this.found = [];
    this.full = false;
    this.#count = 0;
    this.#interval = undefined;
    this.#handed = this.known;
  }

  /** Reports what has not been reported. @param now in seconds since the Unix epoch. */
  end(now: number, seconds: number): void {
    const interval = this.#backfill?.interval;
    if (interval === undefined) {
      this.#report(now, seconds);
    } else if (this.#interval === undefined) {
      // Nobody knows when they were written: they are of now.
      if (this.known > this.#handed) this.#report(now, seconds);
    } else {
      // Of the interval that is not over, only what is over counts.
      const start = this.#interval * interval;
      const end = start + interval;
      const over = now > start && now < end;
      this.#report(over ? now : end, over ? now - start : interval);
    }
  }

  /** @returns whether the line is one to be counted. */
  #attribute(line: FoundLine, { since, interval, until, most, leave }: Backfill): boolean {
    if (this.full) return false;
    const time = this.time ?? this.#timeOf(line);
    // The lines of a stack trace are of the time of the one above them.
    if (time === undefined || time > until) return this.#interval !== undefined || since === 0;
    if (time < since) return false;
    const its = Math.floor(time / interval);
    // One that is a little late counts with those that it stands among.
    if (this.#interval !== undefined && its > this.#interval) {
      this.#report((this.#interval + 1) * interval, interval);
      this.full = most !== undefined && this.#count >= most;
      if (this.full) {
        leave(line);
        return false;
      }
    }
    this.#interval = Math.max(its, this.#interval ?? its);
    return true;
  }

  #timeOf(line: FoundLine): number | undefined {
    const parsing = this.#parsing;
    if (parsing.timeAt === undefined) return parsing.timeOf?.(line);
    return parsing.timeAt(line.piece, line.from, line.to);
  }

  #report(time: number, seconds: number): void {
    const observations = observed(this.#parsing, seconds);
    this.#count += observations.length;
    this.found.push({ time, seconds, observations });
  }
}

/** What a parser reports, but for what is no number. */
export function observed(parsing: Parsing, seconds: number): readonly Observation[] {
  return [...parsing.report(seconds)].filter(({ value }) => Number.isFinite(value));
}
