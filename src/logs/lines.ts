import { isAscii } from 'node:buffer';
import type { Line } from '../plugin/index.ts';

const NEWLINE = 10;
const RETURN = 13;

/** A line with its newline that takes more bytes than this is passed over, and counted. */
export const LONGEST_LINE = 1024 * 1024;

/** The line that is being offered: one object for all of them, decoded only when it is asked. */
class FoundLine implements Line {
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  private decoded: string | undefined;
  /** Whether everything in the buffer is ASCII; `undefined` until somebody wants to know. */
  private ascii: boolean | undefined;

  within(buffer: Buffer): void {
    this.buffer = buffer;
    this.ascii = undefined;
  }

  set(start: number, end: number): void {
    this.start = start;
    this.end = end;
    this.decoded = undefined;
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(this.start, this.end);
  }

  /** One string of its own, and no slice of a larger one: who keeps a word of it keeps one line alive. */
  get text(): string {
    if (this.decoded !== undefined) return this.decoded;
    this.ascii ??= isAscii(this.buffer);
    this.decoded = this.buffer.toString(this.ascii ? 'latin1' : 'utf8', this.start, this.end);
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
  /** In a line that is too long, and counted already: up to the next newline nothing is one. */
  skipping = false;
  private readonly needles: readonly Buffer[];
  /** Where each needle is found next. */
  private readonly next: number[];
  private readonly line = new FoundLine();
  private readonly offer: (line: Line) => void;

  /**
   * @param offer is given each line, which holds until it returns.
   * @param needles only lines with one of them are offered; all are, where there is none.
   */
  constructor(offer: (line: Line) => void, needles: readonly string[] = []) {
    this.offer = offer;
    this.needles = needles.map((needle) => Buffer.from(needle));
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
    this.line.within(view);
    return this.needles.length === 0 ? this.offerAll(view, start) : this.offerSome(view, start);
  }

  /** The line that the buffer is full of has not ended: it is one that is too long. */
  skip(): void {
    this.skipping = true;
    this.lines += 1;
    this.tooLong += 1;
  }

  private offerAll(view: Buffer, from: number): number {
    let start = from;
    for (;;) {
      const end = view.indexOf(NEWLINE, start);
      if (end === -1) return start;
      this.give(view, start, end);
      start = end + 1;
    }
  }

  private offerSome(view: Buffer, from: number): number {
    this.next.fill(-1);
    let start = from;
    let hit = this.seek(view, start);
    for (;;) {
      const end = view.indexOf(NEWLINE, start);
      if (end === -1) return start;
      if (hit < end) {
        this.give(view, start, end);
        hit = this.seek(view, end + 1);
      } else {
        this.lines += 1;
      }
      start = end + 1;
    }
  }

  /** Where, from an offset on, the first of the needles is. */
  private seek(view: Buffer, from: number): number {
    const { needles, next } = this;
    let first = Number.POSITIVE_INFINITY;
    for (let i = 0; i < needles.length; i += 1) {
      let at = next[i] as number;
      if (at < from) {
        at = view.indexOf(needles[i] as Buffer, from);
        if (at === -1) at = Number.POSITIVE_INFINITY;
        next[i] = at;
      }
      if (at < first) first = at;
    }
    return first;
  }

  private give(view: Buffer, start: number, end: number): void {
    this.lines += 1;
    const crlf = end > start && view[end - 1] === RETURN;
    this.line.set(start, crlf ? end - 1 : end);
    this.offer(this.line);
  }
}
