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

/** A line by itself as a piece, for who reads lines in place. */
export const pieceOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Piece => {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return { bytes, characters: bytes.toString('latin1') };
};
