import type { Observation } from '../metric/index.ts';
import type { Line, Parsing } from '../plugin/index.ts';
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
}

/** A parser at its work: it is given lines, and asked what they amount to. */
export class Run {
  /** Lines that the parser knew. */
  known = 0;
  /** Lines that the parser broke on; and what it said of the first of them. */
  failed = 0;
  error: unknown;
  readonly found: Found[] = [];
  /** When the lines were written that are offered, in seconds since the Unix epoch, where their source says. */
  time: number | undefined;
  readonly #parsing: Parsing;
  readonly #backfill: Backfill | undefined;
  /** The interval that lines are in, as a number of intervals since the Unix epoch. */
  #interval: number | undefined;

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

  /** Reports what has not been reported. @param now in seconds since the Unix epoch. */
  end(now: number, seconds: number): void {
    const interval = this.#backfill?.interval;
    if (interval === undefined) {
      this.#report(now, seconds);
    } else if (this.#interval === undefined) {
      // Nobody knows when they were written: they are of now.
      if (this.known > 0) this.#report(now, seconds);
    } else {
      // Of the interval that is not over, only what is over counts.
      const start = this.#interval * interval;
      const end = start + interval;
      const over = now > start && now < end;
      this.#report(over ? now : end, over ? now - start : interval);
    }
  }

  /** @returns whether the line is one to be counted. */
  #attribute(line: Line, { since, interval, until }: Backfill): boolean {
    const time = this.time ?? this.#parsing.timeOf?.(line);
    // The lines of a stack trace are of the time of the one above them.
    if (time === undefined || time > until) return this.#interval !== undefined || since === 0;
    if (time < since) return false;
    const its = Math.floor(time / interval);
    // One that is a little late counts with those that it stands among.
    if (this.#interval !== undefined && its > this.#interval) {
      this.#report((this.#interval + 1) * interval, interval);
    }
    this.#interval = Math.max(its, this.#interval ?? its);
    return true;
  }

  #report(time: number, seconds: number): void {
    this.found.push({ time, seconds, observations: observed(this.#parsing, seconds) });
  }
}

/** What a parser reports, but for what is no number. */
export function observed(parsing: Parsing, seconds: number): readonly Observation[] {
  return [...parsing.report(seconds)].filter(({ value }) => Number.isFinite(value));
}
