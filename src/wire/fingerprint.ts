/** Factors of the four lanes, after MurmurHash3's. */
const FACTORS = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const;

const turned = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function mixed(word: number): number {
  let it = word;
  it = Math.imul(it ^ (it >>> 16), 0x85ebca6b);
  it = Math.imul(it ^ (it >>> 13), 0xc2b2ae35);
  return it ^ (it >>> 16);
}

/**
 * 32 hexadecimal digits that tell bytes from others: 128 bits, of which each depends on all bytes. It is no
 * defence against who wants two to be the same, and loads nothing: a start of Node's own costs more than all else
 * that a short run does.
 */
export function fingerprint(bytes: Uint8Array): string {
  // Words of four bytes, in whole rows of four.
  const words = new Uint32Array(Math.ceil(bytes.length / 16) * 4);
  new Uint8Array(words.buffer).set(bytes);
  const lanes = FACTORS.map((factor) => factor ^ bytes.length);
  for (let row = 0; row < words.length; row += 4) {
    for (let i = 0; i < 4; i += 1) {
      const word = Math.imul(words[row + i] as number, FACTORS[i] as number);
      const lane =
        (lanes[i] as number) ^ Math.imul(turned(word, 15), FACTORS[(i + 1) % 4] as number);
      lanes[i] = (Math.imul(turned(lane, 19) + (lanes[(i + 1) % 4] as number), 5) + 0x561ccd1b) | 0;
    }
  }
  // Each lane comes to hold something of all the others.
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 4; i += 1) {
      lanes[i] = mixed(((lanes[i] as number) + (lanes[(i + 3) % 4] as number)) | 0);
    }
  }
  return lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}
