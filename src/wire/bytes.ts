/**
 * Reading lines of logs as bytes: words and numbers at places, without making a string of them. Pure.
 *
 * Loops instead of `indexOf`: what is looked for stands some bytes away, and calling into V8's own
 * code costs more than that.
 */

const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const UTF8 = new TextDecoder();

/** A word as the bytes that it has in a file. */
export const encoded = (word: string): Uint8Array => new TextEncoder().encode(word);

/** The bytes between two places as text; what is no UTF-8 becomes U+FFFD. */
export const decoded = (bytes: Uint8Array, from = 0, to = bytes.length): string =>
  UTF8.decode(bytes.subarray(from, to));

/** Where a byte is found next; `to` if it is not found. */
export function indexOfByte(bytes: Uint8Array, byte: number, from = 0, to = bytes.length): number {
  let at = from;
  while (at < to && bytes[at] !== byte) at += 1;
  return at;
}

/** Which bytes are among some, by byte: for a loop it is one look instead of several comparisons. */
export function oneOf(characters: string): Uint8Array {
  const known = new Uint8Array(256);
  for (const byte of encoded(characters)) known[byte] = 1;
  return known;
}

/** Whether a word stands at a place. */
export function standsAt(bytes: Uint8Array, word: Uint8Array, at: number): boolean {
  if (at < 0 || at + word.length > bytes.length) return false;
  for (let i = 0; i < word.length; i += 1) {
    if (bytes[at + i] !== word[i]) return false;
  }
  return true;
}

/** Where a word, which has at least one byte, begins next; -1 if it is not found before `to`. */
export function indexOfWord(
  bytes: Uint8Array,
  word: Uint8Array,
  from = 0,
  to = bytes.length,
): number {
  const first = word[0];
  const last = to - word.length;
  for (let at = from; at <= last; at += 1) {
    if (bytes[at] !== first) continue;
    let i = 1;
    while (i < word.length && bytes[at + i] === word[i]) i += 1;
    if (i >= word.length) return at;
  }
  return -1;
}

/**
 * A word that is looked for in line after line of the same bytes, as characters. V8 looks for it, through
 * lines that do not have it, too, and where it was found is remembered: each byte is passed once.
 */
export class Sought {
  readonly length: number;
  readonly #word: string;
  #characters = '';
  /** From where on it was looked for, and where it is. */
  #from = 0;
  #next = -1;

  constructor(word: string) {
    this.#word = Buffer.from(word).toString('latin1');
    this.length = this.#word.length;
  }

  /** Where it begins next; -1 if it is not found before `to`. */
  indexIn(characters: string, from: number, to: number): number {
    if (this.#next < from || from < this.#from || characters !== this.#characters) {
      const found = characters.indexOf(this.#word, from);
      this.#characters = characters;
      this.#next = found < 0 ? characters.length : found;
    }
    this.#from = from;
    return this.#next + this.length <= to ? this.#next : -1;
  }
}

/** The number that the digits between two places are; NaN where there are others, or none. */
export function wholeAt(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to) return Number.NaN;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * The number that begins at a place, such as `12`, `-0.25`, and goes on for as long as it can; NaN
 * where none begins. Digits beyond the fifteenth cost precision, not more.
 */
export function decimalAt(bytes: Uint8Array, from: number, to = bytes.length): number {
  const negative = bytes[from] === MINUS;
  let at = negative ? from + 1 : from;
  let value = 0;
  let digits = 0;
  for (; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) break;
    value = value * 10 + (byte - ZERO);
    digits += 1;
  }
  if (at < to && bytes[at] === DOT) {
    at += 1;
    let divisor = 1;
    for (; at < to && divisor < 1e15; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + (byte - ZERO);
      divisor *= 10;
      digits += 1;
    }
    value /= divisor;
  }
  if (digits === 0 || !Number.isFinite(value)) return Number.NaN;
  return negative ? -value : value;
}
