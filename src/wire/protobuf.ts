/**
 * The little of Protocol Buffers that a message of scalars, texts and messages needs: fields with a
 * tag, variable-length integers, and what is as long as it says.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** A varint of 64 bits takes so many bytes at most. */
const LONGEST = 10;

/** Writes one message; fields in the order they are given. */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  /** What was written so far. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** A field of type bool, int32, int64 or an enum; a whole number from -2^53 to 2^53. */
  integer(field: number, value: number): this {
    this.#tag(field, VARINT);
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  double(field: number, value: number): this {
    this.#tag(field, FIXED64);
    this.#room(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, FIXED32);
    this.#room(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  /** A field of bytes, or of another message. */
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, BYTES);
    this.#small(value.length);
    return this.fields(value);
  }

  /** Fields that were written before. */
  fields(written: Uint8Array): this {
    this.#room(written.length);
    this.#bytes.set(written, this.#length);
    this.#length += written.length;
    return this;
  }

  #tag(field: number, type: number): void {
    this.#small(field * 8 + type);
  }

  /** A varint of up to 32 bits; most are lengths, for which a bigint is a detour. */
  #small(value: number): void {
    this.#room(LONGEST);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) {
      this.#bytes[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  #varint(value: bigint): void {
    this.#room(LONGEST);
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) {
      this.#bytes[this.#length] = Number(rest & 0x7fn) | 0x80;
      this.#length += 1;
    }
    this.#bytes[this.#length] = Number(rest);
    this.#length += 1;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#length + more, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** One field of a message that was read: a number for every scalar, bytes for all else. */
export interface ProtobufField {
  readonly field: number;
  readonly value: number | Buffer;
}

/**
 * Reads the fields of one message. Integers are read as unsigned, and lose their last digits from 2^53 on.
 *
 * @returns `undefined` where the bytes are no message: cut short, or of a type that nobody writes.
 */
export function decodeProtobuf(bytes: Buffer): readonly ProtobufField[] | undefined {
  const fields: ProtobufField[] = [];
  let at = 0;

  function varint(): number | undefined {
    let value = 0n;
    for (let i = 0; i < LONGEST && at < bytes.length; i += 1) {
      const byte = bytes[at] as number;
      at += 1;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return Number(BigInt.asUintN(64, value));
    }
    return undefined;
  }

  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag < 8 || tag > 0xffff_ffff) return undefined;
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT: {
        const value = varint();
        if (value === undefined) return undefined;
        fields.push({ field, value });
        break;
      }
      case FIXED64:
        if (at + 8 > bytes.length) return undefined;
        fields.push({ field, value: bytes.readDoubleLE(at) });
        at += 8;
        break;
      case FIXED32:
        if (at + 4 > bytes.length) return undefined;
        fields.push({ field, value: bytes.readFloatLE(at) });
        at += 4;
        break;
      case BYTES: {
        const length = varint();
        if (length === undefined || at + length > bytes.length) return undefined;
        fields.push({ field, value: bytes.subarray(at, at + length) });
        at += length;
        break;
      }
      default:
        return undefined;
    }
  }
  return fields;
}
