/**
 * Reading lines of logs four bytes at a time, through a view of them: for parsers of which millions of lines
 * a second are asked. For each byte that a loop looks at V8 checks which kind of array it is, how long it is,
 * and whether the loop is to be interrupted, which is many times the work itself. Pure.
 */
import { encoded } from './bytes.ts';

const DOT = 46;
const ZERO = 48;
/** Of four bytes each is 1, or has its highest bit. */
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/** Where a byte below 128 is found next; `to` if it is not found before. */
export function indexIn(view: DataView, byte: number, from: number, to: number): number {
  const four = Math.imul(byte, ONES);
  let at = from;
  for (; at < to - 3; at += 4) {
    // 0 is where the byte stands; the lowest of these is the first to get its highest bit.
    const other = view.getInt32(at, true) ^ four;
    const zeros = (other - ONES) & ~other & HIGHS;
    if (zeros !== 0) return at + ((31 - Math.clz32(zeros & -zeros)) >> 3);
  }
  while (at < to && view.getUint8(at) !== byte) at += 1;
  return at;
}

/** A word of four bytes or more that is looked for in lines. */
export class Word {
  /** In bytes. */
  readonly length: number;
  readonly #fours: Int32Array;
  /** Its last four bytes, which may have been among those before. */
  readonly #last: number;

  /** @throws RangeError if it has less than four bytes. */
  constructor(text: string) {
    const { buffer, length } = encoded(text);
    const view = new DataView(buffer);
    this.length = length;
    this.#last = view.getInt32(length - 4, true);
    this.#fours = Int32Array.from({ length: (length - 1) >> 2 }, (_, i) =>
      view.getInt32(i * 4, true),
    );
  }

  /** Whether it stands at a place, and ends before `to`. */
  standsAt(view: DataView, at: number, to: number): boolean {
    const end = at + this.length;
    if (end > to || view.getInt32(end - 4, true) !== this.#last) return false;
    const fours = this.#fours;
    for (let i = 0; i < fours.length; i += 1) {
      if (view.getInt32(at + i * 4, true) !== fours[i]) return false;
    }
    return true;
  }

  /** Where it begins next; -1 if it is not found before `to`. */
  indexIn(view: DataView, from: number, to: number): number {
    for (let at = from; at + this.length <= to; at += 1) {
      if (this.standsAt(view, at, to)) return at;
    }
    return -1;
  }

  /** Where stands what is behind it: mostly it is the next thing, else it is looked for. -1 if it is not found. */
  behind(view: DataView, from: number, to: number): number {
    return this.standsAt(view, from, to) ? from + this.length : this.#further(view, from, to);
  }

  #further(view: DataView, from: number, to: number): number {
    const at = this.indexIn(view, from, to);
    return at < 0 ? -1 : at + this.length;
  }
}

/** Digits beyond which a number would lose some. */
const MOST_DIGITS = 15;

/** A number as it is written: `0.25` is 25, with two of its digits behind the point. */
export class Decimal {
  digits = 0;
  places = 0;

  /**
   * Reads the one that begins at a place and goes on for as long as it can.
   *
   * @returns where it ends; -1 where none begins, or one of more than 15 digits.
   */
  read(view: DataView, from: number, to: number): number {
    let at = from;
    let digits = 0;
    let byte = 0;
    for (; at < to; at += 1) {
      byte = view.getUint8(at) - ZERO;
      if (byte < 0 || byte > 9) break;
      digits = digits * 10 + byte;
    }
    let length = at - from;
    let places = 0;
    if (at < to && byte === DOT - ZERO) {
      const point = at;
      for (at += 1; at < to; at += 1) {
        byte = view.getUint8(at) - ZERO;
        if (byte < 0 || byte > 9) break;
        digits = digits * 10 + byte;
      }
      places = at - point - 1;
      length += places;
    }
    this.digits = digits;
    this.places = places;
    return length > 0 && length <= MOST_DIGITS ? at : -1;
  }
}
