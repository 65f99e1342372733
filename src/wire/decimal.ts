/** Numbers as decimal text, byte by byte: the same text as `formatValue` in graphite.ts. */
import { formatValue } from './graphite.ts';

const ZERO = 48;
const POINT = 46;
const POWERS = [1, 10, 100, 1000, 1e4, 1e5, 1e6];
/** The most digits after the point that {@link writeFixed} takes. */
export const MOST_PLACES = POWERS.length - 1;
/** Up to here a number times a power of ten is off by less than {@link NEAR}: by half of what its last bit counts. */
const EXACT = 1e11;
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
  return precision !== undefined && precision <= MOST_PLACES
    ? writeFixed(value, precision, into)
    : writeText(formatValue(value, precision, significant), into);
}

/**
 * The same of a number whose digits after the point are known.
 *
 * @param places at most {@link MOST_PLACES}.
 */
export function writeFixed(value: number, places: number, into: Uint8Array): number {
  let at = WIDEST;
  /** Where the point stands; without one, the end. */
  const point = places === 0 ? at : at - places - 1;
  let left = value;
  if (value >= 0 && Number.isSafeInteger(value)) {
    while (at > point + 1) {
      at -= 1;
      into[at] = ZERO;
    }
    if (at > point) {
      at -= 1;
      into[at] = POINT;
    }
  } else {
    const scaled = value * (POWERS[places] as number);
    left = Math.floor(scaled);
    const off = scaled - left - 0.5;
    if (value < 0 || scaled > EXACT || (off < NEAR && off > -NEAR)) {
      return writeText(formatValue(value, places), into);
    }
    if (off > 0) left += 1;
  }
  while (left > SMALL) {
    const next = Math.floor(left / 10);
    at -= 1;
    into[at] = ZERO + (left - 10 * next);
    left = next;
    if (at === point + 1) {
      at -= 1;
      into[at] = POINT;
    }
  }
  let small = left | 0;
  do {
    const next = (small / 10) | 0;
    at -= 1;
    into[at] = ZERO + (small - 10 * next);
    small = next;
    if (at === point + 1) {
      at -= 1;
      into[at] = POINT;
    }
  } while (small > 0 || at >= point);
  return at;
}

/** The same of any text. */
function writeText(text: string, into: Uint8Array): number {
  const from = WIDEST - text.length;
  for (let i = 0; i < text.length; i += 1) into[from + i] = text.charCodeAt(i);
  return from;
}
