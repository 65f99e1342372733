/**
 * What other programs say of themselves and of the host, in the forms that were there before us. Pure.
 *
 * Each form has a codec beside this file, which makes readings of it. All of them take any bytes: what is no
 * line of theirs is a SyntaxError that shows it, and costs that line.
 */
import type { Kind, Labels, Origin, Unit } from '../../metric/index.ts';
import { printable } from '../printable.ts';

/** One number that another program said. */
export interface Reading {
  /** Dotted, not empty. */
  readonly name: string;
  readonly labels: Labels;
  /** Finite, in `unit`. */
  readonly value: number;
  readonly kind: Kind;
  readonly unit: Unit;
  /** Seconds since the Unix epoch, where the program says when. */
  readonly time?: number | undefined;
  /** Whom it speaks for, where the program says so; "" is nobody else. */
  readonly host?: string | undefined;
  readonly help?: string | undefined;
  readonly origin?: Origin | undefined;
}

/** What was read. */
export interface Said {
  readonly readings: Reading[];
  /** What a person should know, though no number is wrong. */
  readonly notes: string[];
}

/** Reads a form line by line; it may remember what earlier lines declared. */
export interface LineReader {
  /**
   * @param line without its end.
   * @throws SyntaxError if it is no line of the form; what it had to say is lost.
   */
  read(line: string, said: Said): void;
  /** What was said is complete: a run has ended, or a file. */
  end?(said: Said): void;
}

/** Texts longer than this are not names. */
const LONGEST_NAME = 1024;
/** Characters of a line that an error shows. */
const SHOWN = 120;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const NO_NUMBER = /^[+-]?(?:nan|inf|infinity|u)$/i;

/** A decimal number; NaN for what is none, and for one beyond what a double holds. */
export function numberIn(text: string): number {
  if (text.length > 64 || !NUMBER.test(text)) return Number.NaN;
  const number = Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** Whether a program says that it has no number: `U`, `NaN`, `+Inf`. */
export const isNoNumber = (text: string): boolean => NO_NUMBER.test(text);

/** Whether a text can be a name or a label's value. */
export const isName = (text: string): boolean => text !== '' && text.length <= LONGEST_NAME;

/** An error that shows the line and what was expected of it. */
export function refused(form: string, line: string, what: string): SyntaxError {
  const shown = printable(line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line);
  return new SyntaxError(`${form}: "${shown}" ${what}`);
}

/** Seconds since the Unix epoch that nobody means: the agent takes no such time, its peers keep them in 32 bits. */
export const END_OF_TIME = 2 ** 32;

/** A time that another clock gives, if it is one: seconds, milliseconds, microseconds or nanoseconds. */
export function timeIn(value: number): number | undefined {
  let time = value;
  for (let i = 0; i < 3 && Math.abs(time) >= 1e11; i += 1) time /= 1000;
  return time > 0 && time < END_OF_TIME ? time : undefined;
}

export const NO_LABELS: Labels = Object.freeze({});
