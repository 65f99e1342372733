import { fingerprint } from '../wire/fingerprint.ts';
import type { Reading, Stat } from './files.ts';

/** So many bytes tell a file from others, at its start and before the place up to which it was read. */
export const PRINT_BYTES = 1024;

/** What a stretch of a file held. */
export interface Print {
  /** How long the stretch is; 0 where there was nothing, and then it tells nothing. */
  readonly bytes: number;
  readonly hash: string;
}

/**
 * A file, and how far it was read. The inode finds it quickly; what its first bytes were, and the last
 * ones that were read, decide whether it is still the one: inodes are used again, files are copied,
 * truncated and packed.
 */
export interface Position {
  readonly device: number;
  readonly inode: number;
  /** Where it was seen last. */
  readonly path: string;
  /** When it was last written, as far as was seen, in milliseconds since the Unix epoch. */
  readonly modified: number;
  /** When it was made: of files in which nothing was read, it tells apart those with one inode. */
  readonly born: number;
  /** It may have been written once more at what counts as the same time. */
  readonly racy: boolean;
  /** Its first bytes. A file that was shorter may have grown since: only so many are compared. */
  readonly head: Print;
  /** The bytes before the offset. */
  readonly tail: Print;
  /** Everything before it was read: the start of a line, unless `skipping`. */
  readonly offset: number;
  /** Bytes behind the offset that were seen, and are no line yet. */
  readonly unfinished: number;
  /** The offset is within a line that is passed over: it is too long, or stands where the log was cut off. */
  readonly skipping: boolean;
  /** It was read through its compression, and will not grow. */
  readonly packed: boolean;
}

const NOTHING: Print = { bytes: 0, hash: '' };

export const printOf = (bytes: Uint8Array): Print =>
  bytes.length === 0 ? NOTHING : { bytes: bytes.length, hash: fingerprint(bytes) };

/** The start of a file of which nothing was read. */
export const startOf = (path: string, stat: Stat, head: Uint8Array): Position => ({
  device: stat.device,
  inode: stat.inode,
  path,
  modified: stat.modified,
  born: stat.born,
  racy: true,
  head: printOf(head),
  tail: NOTHING,
  offset: 0,
  unfinished: 0,
  skipping: false,
  packed: false,
});

export const sameFile = (
  a: Pick<Stat, 'device' | 'inode'>,
  b: Pick<Stat, 'device' | 'inode'>,
): boolean => a.device === b.device && a.inode === b.inode;

/** Whether it is the same file, and not another one that has its inode by now. */
export const sameOne = (a: Pick<Stat, 'device' | 'inode' | 'born'>, b: typeof a): boolean =>
  sameFile(a, b) && a.born === b.born;

/** The bytes by which a file was recognised. */
export interface Recognised {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/** Reads a stretch of a file; shorter where the file is. */
export async function stretch(file: Reading, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let have = 0;
  while (have < length) {
    const more = await file.read(bytes, have, length - have, position + have);
    if (more === 0) break;
    have += more;
  }
  return bytes.subarray(0, have);
}

/** Whether a file holds what was read up to a position. Where nothing was read, it is the same file. */
export async function recognise(
  file: Reading,
  stat: Stat,
  position: Position,
): Promise<Recognised | undefined> {
  const { head, tail, offset } = position;
  if (head.bytes === 0 && !sameOne(stat, position)) return undefined;
  const headBytes = await stretch(file, 0, head.bytes);
  if (printOf(headBytes).hash !== head.hash) return undefined;
  const tailBytes = await stretch(file, offset - tail.bytes, tail.bytes);
  if (printOf(tailBytes).hash !== tail.hash) return undefined;
  return { head: headBytes, tail: tailBytes };
}
