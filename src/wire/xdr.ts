/**
 * XDR: big-endian words of four bytes, and whatever is shorter is filled up to one with zeros. What Ganglia's
 * packets and libvirt's remote procedure calls are written in.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4506
 */

const WORD = 4;

/** The bytes that fill a length up to whole words. */
const padding = (length: number): number => -length & 3;

/** What may be read at most, so that a length from outside costs nothing. */
const UNBOUNDED = 0xffff_ffff;

/**
 * Reads one value after the other. Every read throws a SyntaxError where the bytes end before the value
 * does, or where a length is beyond what the caller allows; nothing is allocated before that is known.
 */
export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  /** @param bytes are read in place: texts are copies, opaque data is a view of them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint(): number {
    return this.#bytes.readUInt32BE(this.#take(WORD));
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#take(WORD));
  }

  /** Whatever is not 0 is true, as every C library reads it. */
  bool(): boolean {
    return this.uint() !== 0;
  }

  /** An integer of 64 bits. */
  hyper(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(2 * WORD));
  }

  /** An unsigned integer of 64 bits. */
  uhyper(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(2 * WORD));
  }

  /** An integer of 64 bits, as the nearest number: exact up to 2^53. */
  hyperNumber(): number {
    const at = this.#take(2 * WORD);
    return this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + WORD);
  }

  /** An unsigned integer of 64 bits, as the nearest number: exact up to 2^53. */
  uhyperNumber(): number {
    const at = this.#take(2 * WORD);
    return this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + WORD);
  }

  float(): number {
    return this.#bytes.readFloatBE(this.#take(WORD));
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#take(2 * WORD));
  }

  /** Whether the next bytes are these, which are read then; otherwise nothing is. */
  match(expected: Uint8Array): boolean {
    const { length } = expected;
    if (length > this.left) return false;
    const bytes = this.#bytes;
    const at = this.#at;
    // From the end, where fields of one group differ.
    for (let i = length - 1; i >= 0; i -= 1) if (bytes[at + i] !== expected[i]) return false;
    this.#at = at + length;
    return true;
  }

  /** The next bytes, which are not read yet. */
  peek(length: number): Buffer {
    const at = this.#take(length);
    this.#at = at;
    return this.#bytes.subarray(at, at + length);
  }

  /** Bytes of a length that both sides know. What fills them up is not looked at. */
  fixed(length: number): Buffer {
    const at = this.#take(length + padding(length));
    return this.#bytes.subarray(at, at + length);
  }

  /** Bytes behind their length, which is `most` at most. */
  opaque(most = UNBOUNDED): Buffer {
    return this.fixed(this.#length('bytes', most, 1));
  }

  /** A text of `most` bytes at most. What is no UTF-8 becomes U+FFFD. */
  string(most = UNBOUNDED): string {
    return this.opaque(most).toString();
  }

  /**
   * How many elements an array has: `most` at most, and no more than there are bytes for.
   *
   * @param least bytes of the shortest element.
   */
  count(most: number, least: number): number {
    return this.#length('elements', most, least);
  }

  #length(of: string, most: number, least: number): number {
    const length = this.uint();
    if (length > most) throw new SyntaxError(`${length} ${of}, and ${most} are allowed`);
    if (length * least > this.left) throw new SyntaxError(`${length} ${of}, and the message ends`);
    return length;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.left) {
      throw new SyntaxError(`byte ${at}: ${length} more expected, ${this.left} are left`);
    }
    this.#at = at + length;
    return at;
  }
}

/** Writes one value after the other. An integer that is out of its range throws a RangeError. */
export class XdrWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  /** What was written so far. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  uint(value: number): this {
    const at = this.#room(WORD);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  int(value: number): this {
    const at = this.#room(WORD);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  bool(value: boolean): this {
    return this.uint(value ? 1 : 0);
  }

  hyper(value: bigint): this {
    const at = this.#room(2 * WORD);
    this.#bytes.writeBigInt64BE(value, at);
    return this;
  }

  uhyper(value: bigint): this {
    const at = this.#room(2 * WORD);
    this.#bytes.writeBigUInt64BE(value, at);
    return this;
  }

  float(value: number): this {
    const at = this.#room(WORD);
    this.#bytes.writeFloatBE(value, at);
    return this;
  }

  double(value: number): this {
    const at = this.#room(2 * WORD);
    this.#bytes.writeDoubleBE(value, at);
    return this;
  }

  /** Bytes of a length that both sides know. */
  fixed(value: Uint8Array): this {
    const fill = padding(value.length);
    const at = this.#room(value.length + fill);
    this.#bytes.set(value, at);
    this.#bytes.fill(0, at + value.length, at + value.length + fill);
    return this;
  }

  /** Bytes behind their length. */
  opaque(value: Uint8Array): this {
    return this.uint(value.length).fixed(value);
  }

  string(value: string): this {
    return this.opaque(Buffer.from(value));
  }

  /** Where the next so many bytes go; `#bytes` may be another afterwards. */
  #room(more: number): number {
    const at = this.#length;
    if (at + more > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(at + more, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#length = at + more;
    return at;
  }
}
