import { decimalAt, wholeAt } from './bytes.ts';

const SPACE = 32;
const SLASH = 47;

/**
 * Where the columns of a line of squid's native access log stand: `time elapsed client code/status
 * bytes method URL user peer type`. One object reads line after line.
 *
 * @see https://wiki.squid-cache.org/Features/LogFormat
 */
export class SquidLine {
  /** Milliseconds. */
  elapsed = Number.NaN;
  /** Where the result stands, such as `TCP_MISS`. */
  result = 0;
  resultEnd = 0;
  /** 0 where nothing was answered. */
  status = Number.NaN;
  /** Bytes sent to the client. */
  size = Number.NaN;
  method = 0;
  methodEnd = 0;
  /** Where `HIER_DIRECT/192.0.2.1` begins; the line's end where it is missing. */
  peer = 0;
  peerEnd = 0;
  readonly #from = new Int32Array(9);
  readonly #to = new Int32Array(9);

  /** @returns whether it is such a line. */
  read(bytes: Uint8Array): boolean {
    const end = bytes.length;
    let at = 0;
    let column = 0;
    for (; column < 9 && at < end; column += 1) {
      while (at < end && bytes[at] === SPACE) at += 1;
      this.#from[column] = at;
      while (at < end && bytes[at] !== SPACE) at += 1;
      this.#to[column] = at;
    }
    if (column < 7 || !(decimalAt(bytes, 0) > 0)) return false;
    const from = (i: number) => this.#from[i] ?? 0;
    const to = (i: number) => this.#to[i] ?? 0;
    let slash = from(3);
    while (slash < to(3) && bytes[slash] !== SLASH) slash += 1;
    this.elapsed = decimalAt(bytes, from(1), to(1));
    this.result = from(3);
    this.resultEnd = slash;
    this.status = wholeAt(bytes, slash + 1, to(3));
    this.size = wholeAt(bytes, from(4), to(4));
    this.method = from(5);
    this.methodEnd = to(5);
    this.peer = column > 8 ? from(8) : end;
    this.peerEnd = column > 8 ? to(8) : end;
    return this.status <= 999 && slash > from(3) && this.size >= 0 && !Number.isNaN(this.elapsed);
  }
}
