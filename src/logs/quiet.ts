import type { Files, Stat } from './files.ts';
import { type Position, sameFile } from './identity.ts';
import type { Place, Reader } from './reader.ts';

/** A log that has not changed, as far as can be seen, is looked at more closely after so many milliseconds. */
const CLOSELY = 3_600_000;
/** A log that is followed. */
export interface Followed {
  readonly path: string;
  readonly reader: Reader;
  /** As it was when it had been read to its end. */
  seen: Stat | undefined;
  /** When it was last looked at closely, on the monotonic clock. */
  closely: number;
  /** What was last said of how far it was read: as text, and itself. */
  said: string;
  last: Place | undefined;
  /** Since when the glob does not find it, on the monotonic clock; `undefined` while it does. */
  gone: number | undefined;
}

/**
 * Whether a log, and what it was rotated to, is as it was when it had been read to its end. This is asked
 * of each log at each tick, and has to be cheap.
 */
export function isQuiet(
  files: Pick<Files, 'glance' | 'mayHang'>,
  followed: Followed | undefined,
  now: number,
): boolean {
  if (followed === undefined || followed.seen === undefined) return false;
  const { path, reader, seen, closely } = followed;
  if (now - closely >= CLOSELY || files.mayHang(path)) return false;
  try {
    const stat = files.glance(path);
    if (stat === undefined || !unchanged(seen, stat)) return false;
    const { positions } = reader;
    // Whoever had a file open that was rotated away may write to it for a while.
    for (let i = 0; i < positions.length - 1; i += 1) {
      if (!isLeftAlone(files, positions[i] as Position)) return false;
    }
    return true;
  } catch {
    // Reading it says why.
    return false;
  }
}

function isLeftAlone(files: Pick<Files, 'glance' | 'mayHang'>, position: Position): boolean {
  const { path, offset, unfinished, modified, packed } = position;
  if (files.mayHang(path)) return false;
  const stat = files.glance(path);
  if (stat === undefined || !sameFile(stat, position)) return false;
  return packed || (stat.bytes === offset + unfinished && stat.modified === modified);
}

const unchanged = (a: Stat, b: Stat): boolean =>
  sameFile(a, b) && a.bytes === b.bytes && a.modified === b.modified;
