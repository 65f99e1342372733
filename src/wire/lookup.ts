import { encoded, indexOfWord, standsAt } from './bytes.ts';

/**
 * A pattern in which `*` stands for any bytes, none included, made to match between two places. The time
 * it takes grows with the length of what is matched, whatever the pattern.
 */
export function glob(pattern: string): (bytes: Uint8Array, from: number, to: number) => boolean {
  const parts = pattern.split('*').map(encoded);
  const first = parts[0] as Uint8Array;
  const last = parts.at(-1) as Uint8Array;
  const between = parts.slice(1, -1).filter((part) => part.length > 0);
  if (parts.length === 1) {
    return (bytes, from, to) => to - from === first.length && standsAt(bytes, first, from);
  }
  return (bytes, from, to) => {
    let at = from + first.length;
    const end = to - last.length;
    if (at > end || !standsAt(bytes, first, from) || !standsAt(bytes, last, end)) return false;
    for (const part of between) {
      at = indexOfWord(bytes, part, at, end);
      if (at < 0) return false;
      at += part.length;
    }
    return true;
  };
}
