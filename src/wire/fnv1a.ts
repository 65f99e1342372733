/**
 * FNV-1a: a small, even hash of a text's UTF-8 bytes, no defence against who wants two to be the same.
 *
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */

const OFFSET_32 = 0x811c9dc5;
const PRIME_32 = 0x01000193;
const OFFSET_64 = 14_695_981_039_346_656_037n;
const PRIME_64 = 1_099_511_628_211n;

/** 0 to 2^32 - 1. */
export function fnv1a32(text: string): number {
  let hash = OFFSET_32;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, PRIME_32);
  return hash >>> 0;
}

/** 0 to 2^64 - 1. */
export function fnv1a64(text: string): bigint {
  let hash = OFFSET_64;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME_64);
  return hash;
}
