import { fnv1a32 } from '../wire/fnv1a.ts';

/**
 * The place of a host within a window, in whole milliseconds: spread evenly over hosts, the same at every
 * start.
 *
 * @param window milliseconds.
 */
export function stagger(window: number, host: string): number {
  if (window < 1) return 0;
  let hash = fnv1a32(host);
  // The last bytes hardly reach FNV's upper bits; one more round mixes them in.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % Math.floor(window);
}
