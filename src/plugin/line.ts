import type { Line, Piece } from './parser.ts';

const UTF8 = new TextDecoder();

class Bytes implements Line {
  readonly bytes: Uint8Array;
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get text(): string {
    this.#text ??= UTF8.decode(this.bytes);
    return this.#text;
  }
}

/** A line of these bytes, which have no line's end. */
export const lineOf = (bytes: Uint8Array): Line => new Bytes(bytes);

/** Lines as a piece, for who reads them in place. */
export const pieceOf = (bytes: Uint8Array): Piece => {
  const { buffer, byteOffset, byteLength } = bytes;
  const same = Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, byteLength);
  // The view comes first: V8 takes objects for of one kind that begin with the same name, and `bytes` is a number in others.
  return {
    view: new DataView(buffer, byteOffset, byteLength),
    bytes: same,
    characters: same.toString('latin1'),
  };
};
