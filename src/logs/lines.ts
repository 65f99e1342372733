import { isAscii } from 'node:buffer';
import { type Line, type Piece, pieceOf } from '../plugin/index.ts';

const NEWLINE = 10;
const RETURN = 13;

/** A line with its newline that takes more bytes than this is passed over, and counted. */
export const LONGEST_LINE = 1024 * 1024;

/**
 * Bytes that are gone through at a time: as a string these stay in the young part of V8's heap and in
 * the processor's cache. A line that is longer is a piece by itself.
 */
const PIECE = 96 * 1024;

/** The line that is being offered: one object for all of them, decoded only when it is asked. */
export class FoundLine implements Line {
  piece: Piece = pieceOf(Buffer.alloc(0));
  /** Where it begins in the piece. */
  from = 0;
  /** Where it ends, without its end. */
  to = 0;
  private buffer: Buffer = Buffer.alloc(0);
  private decoded: string | undefined;
  /** Whether everything in the piece is ASCII; `undefined` until somebody wants to know. */
  private ascii: boolean | undefined;

  within(bytes: Buffer): Piece {
    this.buffer = bytes;
    this.piece = pieceOf(bytes);
    this.ascii = undefined;
    return this.piece;
  }

  set(from: number, to: number): void {
    this.from = from;
    this.to = to;
    this.decoded = undefined;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(this.from, this.to);
  }

  /** One string of its own, and no slice of a larger one: who keeps a word of it keeps one line alive. */
  get text(): string {
    if (this.decoded !== undefined) return this.decoded;
    this.ascii ??= isAscii(this.buffer);
    this.decoded = this.buffer.toString(this.ascii ? 'latin1' : 'utf8', this.from, this.to);
    return this.decoded;
  }
}

/**
 * Finds the lines in bytes. What ends with a newline is a line; CRLF ends one, too. NUL bytes and what
 * is no UTF-8 are bytes like all others.
 */
export class LineFinder {
  /** All lines, those included that were not offered. */
  lines = 0;
  /** Lines that were too long to be offered. */
  tooLong = 0;
  /** Within a line that is passed over, such as one that is too long: up to the next newline nothing is one. */
  skipping = false;
  /** What began with a line is left alone: it, and what is behind it, is for the next time. -1 for nothing. */
  private halt = -1;
  private linesBefore = 0;
  /** Each byte as a character. */
  private readonly needles: readonly string[];
  /** Where each needle is found next. */
  private readonly next: number[];
  private readonly line = new FoundLine();
  private readonly offer: (line: FoundLine) => void;

  /**
   * @param offer is given each line, which holds until it returns.
   * @param needles only lines with one of them are offered; all are, where there is none.
   */
  constructor(offer: (line: FoundLine) => void, needles: readonly string[] = []) {
    this.offer = offer;
    this.needles = needles.map((needle) => Buffer.from(needle).toString('latin1'));
    this.next = needles.map(() => -1);
  }

  /**
   * Goes through the lines of a buffer, which begins at the start of a line, or within one that is
   * being skipped.
   *
   * @param bytes how much of the buffer counts.
   * @returns where the line begins that is not yet one.
   */
  scan(buffer: Buffer, bytes: number): number {
    const view = buffer.length === bytes ? buffer : buffer.subarray(0, bytes);
    let start = 0;
    if (this.skipping) {
      const end = view.indexOf(NEWLINE);
      if (end === -1) return bytes;
      this.skipping = false;
      start = end + 1;
    }
    for (;;) {
      const end = pieceEnd(view, start);
      if (end === start) return start;
      const piece = this.line.within(view.subarray(start, end));
      if (this.needles.length === 0) this.offerAll(piece);
      else this.offerSome(piece);
      if (this.halt >= 0) {
        const left = start + this.halt;
        this.halt = -1;
        this.lines = this.linesBefore;
        return left;
      }
      start = end;
    }
  }

  /**
   * Leaves the line that is being offered, and all behind it, to the next scan. Lines that are offered
   * in this one still are to be passed over.
   */
  leave(line: FoundLine): void {
    if (this.halt !== -1) return;
    this.halt = line.from;
    this.linesBefore = this.lines - 1;
  }

  /** The line that the buffer is full of has not ended: it is one that is too long. */
  skip(): void {
    this.skipping = true;
    this.lines += 1;
    this.tooLong += 1;
  }

  private offerAll({ bytes, characters }: Piece): void {
    let from = 0;
    for (;;) {
      const to = characters.indexOf('\n', from);
      if (to === -1) return;
      this.give(bytes, from, to);
      from = to + 1;
    }
  }

  private offerSome({ bytes, characters }: Piece): void {
    this.next.fill(-1);
    let from = 0;
    let hit = this.seek(characters, from);
    for (;;) {
      const to = characters.indexOf('\n', from);
      if (to === -1) return;
      if (hit < to) {
        this.give(bytes, from, to);
        hit = this.seek(characters, to + 1);
      } else {
        this.lines += 1;
      }
      from = to + 1;
    }
  }

  /** Where, from an offset on, the first of the needles is. */
  private seek(characters: string, from: number): number {
    const { needles, next } = this;
    let first = Number.POSITIVE_INFINITY;
    for (let i = 0; i < needles.length; i += 1) {
      let at = next[i] as number;
      if (at < from) {
        at = characters.indexOf(needles[i] as string, from);
        if (at === -1) at = Number.POSITIVE_INFINITY;
        next[i] = at;
      }
      if (at < first) first = at;
    }
    return first;
  }

  private give(bytes: Uint8Array, from: number, to: number): void {
    this.lines += 1;
    const crlf = to > from && bytes[to - 1] === RETURN;
    this.line.set(from, crlf ? to - 1 : to);
    this.offer(this.line);
  }
}

/** Where a piece that begins at a place ends, behind the last newline in it; there, if there is none. */
function pieceEnd(view: Buffer, start: number): number {
  if (start >= view.length) return start;
  const most = Math.min(start + PIECE, view.length) - 1;
  const last = view.lastIndexOf(NEWLINE, most);
  if (last >= start) return last + 1;
  const next = view.indexOf(NEWLINE, most);
  return next === -1 ? start : next + 1;
}
