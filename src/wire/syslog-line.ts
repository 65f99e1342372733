import { indexOfByte, oneOf, wholeAt } from './bytes.ts';
import { isoTime, syslogTime } from './timestamps.ts';

const SPACE = 32;
const LESS = 60;
const MORE = 62;
const COLON = 58;
const OPEN = 91;
const CLOSE = 93;
const QUOTE = 34;
const BACKSLASH = 92;
const ENDS_PROGRAM = oneOf(':[ ');

/**
 * The head of a line in syslog's forms: as RFC 3164 and RFC 5424 have them, with or without the
 * priority in front (files have none), and as rsyslog writes files, with the time of RFC 3339.
 *
 * One object reads line after line, and holds places in the latest.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3164 https://www.rfc-editor.org/rfc/rfc5424
 */
export class SyslogLine {
  /** Facility × 8 + severity; -1 where the line does not say. */
  priority = -1;
  /** Where the time begins. */
  time = 0;
  host = 0;
  hostEnd = 0;
  program = 0;
  programEnd = 0;
  /** Where the message begins. */
  message = 0;

  /** @returns whether what stands between two places is such a line. */
  read(bytes: Uint8Array, from = 0, end = bytes.length): boolean {
    let at = from;
    this.priority = -1;
    if (bytes[at] === LESS) {
      const close = indexOfByte(bytes, MORE, at + 1, Math.min(end, at + 5));
      this.priority = wholeAt(bytes, at + 1, close);
      if (!(this.priority <= 191)) return false;
      at = close + 1;
      // `1 `: the version that RFC 5424 is.
      if (bytes[at] === 49 && bytes[at + 1] === SPACE) return this.#structured(bytes, at + 2, end);
    }
    this.time = at;
    const first = bytes[at] ?? 0;
    if (first >= 48 && first <= 57) at = indexOfByte(bytes, SPACE, at, end);
    else if (bytes[at + 3] === SPACE && bytes[at + 9] === COLON && bytes[at + 12] === COLON) {
      at += 15;
    } else return false;
    if (at >= end || bytes[at] !== SPACE) return false;
    this.host = at + 1;
    this.hostEnd = indexOfByte(bytes, SPACE, this.host, end);
    this.program = this.hostEnd + 1;
    at = this.program;
    while (at < end && ENDS_PROGRAM[bytes[at] as number] === 0) at += 1;
    this.programEnd = at;
    if (at < end && bytes[at] === OPEN) at = indexOfByte(bytes, CLOSE, at, end) + 1;
    if (at >= end || bytes[at] !== COLON || this.programEnd === this.program) return false;
    this.message = bytes[at + 1] === SPACE ? at + 2 : at + 1;
    return true;
  }

  /** When the latest line was written; see {@link syslogTime} for `now`. */
  timeOf(bytes: Uint8Array, now: number): number {
    const first = bytes[this.time] ?? 0;
    return first >= 48 && first <= 57
      ? isoTime(bytes, this.time)
      : syslogTime(bytes, this.time, now);
  }

  #structured(bytes: Uint8Array, from: number, end: number): boolean {
    this.time = from;
    this.host = indexOfByte(bytes, SPACE, from, end) + 1;
    this.hostEnd = indexOfByte(bytes, SPACE, this.host, end);
    this.program = this.hostEnd + 1;
    this.programEnd = indexOfByte(bytes, SPACE, this.program, end);
    const process = indexOfByte(bytes, SPACE, this.programEnd + 1, end);
    let at = indexOfByte(bytes, SPACE, process + 1, end) + 1;
    if (at >= end || this.programEnd <= this.program) return false;
    if (bytes[at] === OPEN) {
      let quoted = false;
      for (; at < end; at += 1) {
        const byte = bytes[at];
        if (byte === BACKSLASH) at += 1;
        else if (byte === QUOTE) quoted = !quoted;
        else if (byte === CLOSE && !quoted && bytes[at + 1] !== OPEN) break;
      }
    }
    this.message = Math.min(end, indexOfByte(bytes, SPACE, at, end) + 1);
    return true;
  }
}
