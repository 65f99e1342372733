/** Finding the level of a line, such as `ERROR`, among the words that it begins with. Pure. */
import { encoded, indexOfByte } from './bytes.ts';

/** The level stands before the message, and so within this many bytes. */
const NEAR = 128;
const SPACE = 32;
const DOLLAR = 36;
const MINUS = 45;
const SLASH = 47;
const AT = 64;
const OPENING = 91;
const CLOSING = 93;
const UNDERSCORE = 95;

const isPartOfWord = (byte = 0): boolean =>
  (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === UNDERSCORE;

/** What joins a word to others in the name of a thread: `ERROR-handler`, `ERROR.1`. */
const joins = (byte = 0): boolean =>
  (byte >= MINUS && byte <= 57 && byte !== SLASH) || byte === DOLLAR || byte === AT;

/** Looks for one of some words in line after line. */
export class LevelWords {
  /** The place of the word that was found, in the list. */
  level = -1;
  /** Where it ends in the line. */
  end = -1;
  readonly #words: readonly Uint8Array[];

  constructor(words: readonly string[]) {
    this.#words = words.map(encoded);
  }

  /**
   * Looks for the first word that stands by itself. What stands in brackets with others is the name of a
   * thread, unless it comes first there: `[ERROR] `, `[ERROR main]`, but `[on ERROR]`, `[ERROR-handler]`.
   *
   * @param to where the line ends.
   * @returns whether there is one.
   */
  find(bytes: Uint8Array, to: number): boolean {
    const near = Math.min(to, NEAR);
    let at = 0;
    while (at < near) {
      const byte = bytes[at] ?? 0;
      if (byte === OPENING) {
        at += 1;
        while (bytes[at] === SPACE) at += 1;
        const end = wordEnd(bytes, at, near);
        if (!joins(bytes[end]) && this.#isLevel(bytes, at, end)) return true;
        const closing = indexOfByte(bytes, CLOSING, end, near);
        // What is not closed is no name.
        at = closing < near ? closing + 1 : end;
      } else if (isPartOfWord(byte)) {
        const end = wordEnd(bytes, at, near);
        if (this.#isLevel(bytes, at, end)) return true;
        at = end;
      } else at += 1;
    }
    this.level = -1;
    this.end = -1;
    return false;
  }

  #isLevel(bytes: Uint8Array, from: number, to: number): boolean {
    for (let level = 0; level < this.#words.length; level += 1) {
      const word = this.#words[level] as Uint8Array;
      if (to - from !== word.length) continue;
      let i = 0;
      while (i < word.length && bytes[from + i] === word[i]) i += 1;
      if (i < word.length) continue;
      this.level = level;
      this.end = to;
      return true;
    }
    return false;
  }
}

function wordEnd(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && isPartOfWord(bytes[at])) at += 1;
  return at;
}
