/**
 * What is said of a guest, without its numbers and its texts: from one tick to the next it is the same, and so it
 * is compared as a whole. For libvirt/stats.ts.
 */

/** The processor's own order of bytes. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** How a number is sent: in two words, or in one with a sign or without. */
export const WIDE = 0;
export const SIGNED = 1;
export const UNSIGNED = 2;

/** Instead of a value's place: what is cut out there is none. */
export const NO_VALUE = 0xffff_ffff;

/** What is the same in what is said of many guests: all of it but numbers and texts. */
export interface Form {
  /** In words of the processor's, with 0 in place of numbers and texts. */
  readonly bytes: Buffer;
  /** For each number: which word it is, how it is sent, and its place among the guest's values. */
  readonly fields: Uint32Array;
  /** For each text: which word it begins with, how many it has, and its place among the guest's values. */
  readonly spans: Uint32Array;
}

/** What is compared with a reply. */
interface Expected {
  readonly form: Form;
  /** Gets the numbers of the reply. */
  readonly numbers: Float64Array;
  /** The words of the texts, one after the other, from `ownAt` on. */
  readonly own: Uint32Array;
  readonly ownAt: number;
}

export const NOTHING: Buffer = Buffer.alloc(0);
/** Bytes that are looked at together, where a guest has fewer. */
const WINDOW = 65_536;

/** A part of a reply, in words of the processor's: numbers and texts are taken out of it. */
export class Window {
  #words = new Uint32Array();
  #bytes: Buffer = NOTHING;
  #payload: Buffer = NOTHING;
  /** Bytes that are looked at: whole words. */
  #length = 0;
  /** Which of them are in the window. */
  #from = 0;
  #to = 0;

  open(payload: Buffer): void {
    this.#payload = payload;
    this.#length = payload.length & ~3;
    this.#to = 0;
  }

  /** Lets go of the reply. */
  close(): void {
    this.open(NOTHING);
    if (this.#bytes.length > WINDOW) this.#resize(WINDOW);
  }

  /**
   * Whether the same is said of a guest as before, but for the numbers: they are those of the reply then, and
   * nonsense if not.
   *
   * @param at where the guest begins, in bytes.
   */
  shows({ form, numbers, own, ownAt }: Expected, at: number): boolean {
    const { bytes, fields, spans } = form;
    const end = at + bytes.length;
    if (end > this.#length) return false;
    if (this.#to < end || this.#from > at) this.#move(at, bytes.length);
    const begin = at - this.#from;
    pickOut(fields, this.#words, begin >> 2, numbers);
    if (
      isCutOut(spans, this.#words, begin >> 2, own, ownAt) &&
      this.#bytes.compare(bytes, 0, bytes.length, begin, begin + bytes.length) === 0
    ) {
      return true;
    }
    // It has to be looked at once more, and some of it is gone.
    this.#to = 0;
    return false;
  }

  #move(at: number, atLeast: number): void {
    if (this.#bytes.length < atLeast) this.#resize(Math.max(WINDOW, atLeast));
    this.#from = at;
    this.#to = Math.min(this.#length, at + this.#bytes.length);
    this.#payload.copy(this.#bytes, 0, at, this.#to);
    if (LITTLE_ENDIAN) this.#bytes.swap32();
  }

  #resize(size: number): void {
    this.#words = new Uint32Array(size >> 2);
    this.#bytes = Buffer.from(this.#words.buffer);
  }
}

/** Words that are cut out of a form. */
export function wordsIn(spans: Uint32Array): number {
  let words = 0;
  for (let i = 0; i < spans.length; i += 3) words += spans[i + 1] as number;
  return words;
}

/** Takes texts out of what is said of a guest, and leaves 0 in their place. */
export function cutOut(spans: Uint32Array, words: Uint32Array): Uint32Array {
  const cut = new Uint32Array(wordsIn(spans));
  let known = 0;
  for (let i = 0; i < spans.length; i += 3) {
    const begin = spans[i] as number;
    const end = begin + (spans[i + 1] as number);
    cut.set(words.subarray(begin, end), known);
    words.fill(0, begin, end);
    known += end - begin;
  }
  return cut;
}

/** The same where the texts are known; whether it is these. */
function isCutOut(
  spans: Uint32Array,
  words: Uint32Array,
  at: number,
  own: Uint32Array,
  ownAt: number,
): boolean {
  let known = ownAt;
  for (let i = 0; i < spans.length; i += 3) {
    const begin = at + (spans[i] as number);
    const end = begin + (spans[i + 1] as number);
    for (let place = begin; place < end; place += 1) {
      if (words[place] !== own[known]) return false;
      words[place] = 0;
      known += 1;
    }
  }
  return true;
}

/** The texts that were cut out, by their places among the guest's values. */
export function textsIn(
  { bytes, spans }: Form,
  own: Uint32Array,
  ownAt: number,
): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let at = ownAt;
  for (let i = 0; i < spans.length; i += 3) {
    const [begin = 0, size = 0, place = NO_VALUE] = spans.subarray(i, i + 3);
    if (place !== NO_VALUE) {
      const text = Buffer.from(own.slice(at, at + size).buffer);
      if (LITTLE_ENDIAN) text.swap32();
      // The word before it says how long it is.
      texts.set(place, text.toString('utf8', 0, words[begin - 1]));
    }
    at += size;
  }
  return texts;
}

/**
 * Takes numbers out of a reply, and leaves 0 in their place. This runs for every value of every guest, in
 * code that V8 does not optimize for long: hence one loop without a call.
 */
export function pickOut(
  fields: Uint32Array,
  words: Uint32Array,
  begin: number,
  numbers: Float64Array,
): void {
  const { length } = fields;
  for (let i = 0; i < length; i += 3) {
    const place = begin + (fields[i] as number);
    const kind = fields[i + 1];
    const high = words[place] as number;
    words[place] = 0;
    if (kind === WIDE) {
      const low = words[place + 1] as number;
      words[place + 1] = 0;
      numbers[fields[i + 2] as number] = high === 0 ? low : (high | 0) * 2 ** 32 + low;
    } else numbers[fields[i + 2] as number] = kind === SIGNED ? high | 0 : high;
  }
}
