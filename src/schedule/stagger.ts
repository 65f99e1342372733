/**
 * The place of a host (and, where given, of one of its collectors) within a window, in whole
 * milliseconds: spread evenly over hosts, the same at every start.
 *
 * @param window milliseconds.
 */
export function stagger(window: number, ...identity: readonly string[]): number {
  if (window < 1) return 0;
  // FNV-1a, 32 bits: short, well spread for short texts, and no secret is kept with it.
  let hash = 0x811c9dc5;
  const text = identity.join('\0');
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // The last bytes hardly reach FNV's upper bits; one more round mixes them in.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % Math.floor(window);
}
