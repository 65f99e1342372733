/** Numbers as decimal text, byte by byte: the same text as `formatValue` in graphite.ts. */
import { formatValue } from './graphite.ts';

const ZERO = 48;
const POINT = 46;
const POWERS = [1, 10, 100, 1000, 1e4, 1e5, 1e6];
/** Up to here a number times a power of ten is off by less than {@link NEAR}. */
const EXACT = 4e9;
/** So near to the middle between two numbers it is left to V8 which one to round to. */
const NEAR = 1e-5;
/** Below it V8 reckons with whole numbers of 31 bits. */
const SMALL = 0x3fffffff;

/** The most that a number takes: 309 digits, a sign, a point, and 100 behind that. */
export const WIDEST = 512;

/**
 * Writes a number's text so that it ends where `into` does.
 *
 * @param value finite.
 * @param precision see `formatValue`, as for `significant`.
 * @param into of {@link WIDEST} bytes.
 * @returns where it begins.
 */
export function writeDecimal(
  value: number,
  precision: number | undefined,
  significant: number | undefined,
  into: Uint8Array,
): number {
  const places = precision ?? 0;
  const power = POWERS[places];
  if (value < 0 || power === undefined || (precision === undefined && significant !== undefined)) {
    return writeText(formatValue(value, precision, significant), into);
  }
  let left = value;
  let at = WIDEST;
  if (Number.isSafeInteger(value)) {
    for (let i = 0; i < places; i += 1) {
      at -= 1;
      into[at] = ZERO;
    }
  } else {
    const scaled = value * power;
    left = Math.floor(scaled);
    const off = scaled - left - 0.5;
    if (precision === undefined || scaled > EXACT || (off < NEAR && off > -NEAR)) {
      return writeText(formatValue(value, precision), into);
    }
    if (off > 0) left += 1;
    for (let i = 0; i < places; i += 1) {
      const next = Math.floor(left / 10);
      at -= 1;
      into[at] = ZERO + (left - 10 * next);
      left = next;
    }
  }
  if (places > 0) {
    at -= 1;
    into[at] = POINT;
  }
  while (left > SMALL) {
    const next = Math.floor(left / 10);
    at -= 1;
    into[at] = ZERO + (left - 10 * next);
    left = next;
  }
  let small = left | 0;
  do {
    const next = (small / 10) | 0;
    at -= 1;
    into[at] = ZERO + (small - 10 * next);
    small = next;
  } while (small > 0);
  return at;
}

function writeText(text: string, into: Uint8Array): number {
  const from = WIDEST - text.length;
  for (let i = 0; i < text.length; i += 1) into[from + i] = text.charCodeAt(i);
  return from;
}
