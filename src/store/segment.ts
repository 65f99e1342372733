import { type FileHandle, open } from 'node:fs/promises';
import type { Batch } from '../metric/index.ts';
import { codeOf } from '../plugin/index.ts';
import {
  DONE,
  decodeHeader,
  decodeRecord,
  findHeader,
  HEADER_BYTES,
  type Header,
  type Names,
  STATE_AT,
} from './record.ts';

/** Where a record stands in its segment. */
export interface Place extends Header {
  readonly offset: number;
  /** Nothing is left to count: its points were delivered, or were given up. */
  settled: boolean;
}

/** One file of a spool. */
export interface Segment {
  readonly path: string;
  bytes: number;
  /** What still waits in it, oldest first. */
  readonly waiting: Place[];
}

/** What a whole segment has, as a process finds it that another one wrote. */
export interface Scanned {
  /** Records that wait. */
  readonly places: readonly Place[];
  /** Records that would wait, had they been written to their end. */
  readonly torn: readonly Place[];
  /** Stretches in which no record can be made out. */
  readonly gaps: number;
}

/** Goes through a segment from header to header. Pure. */
export function scan(bytes: Buffer): Scanned {
  const places: Place[] = [];
  const torn: Place[] = [];
  let gaps = 0;
  let expected = 0;
  // Behind a torn record stands the rest of it.
  let rest = false;
  for (let offset = findHeader(bytes, 0); offset !== -1; offset = findHeader(bytes, expected)) {
    if (offset !== expected && !rest) gaps += 1;
    const header = decodeHeader(bytes, offset) as Header;
    const whole = offset + header.length <= bytes.length;
    const into = whole ? places : torn;
    if (header.state !== DONE) into.push({ ...header, offset, settled: false });
    expected = offset + (whole ? header.length : HEADER_BYTES);
    rest = !whole;
  }
  if (expected < bytes.length && !rest) gaps += 1;
  return { places, torn, gaps };
}

/**
 * Reads a record; `undefined` if it is not there, or not as it was written.
 *
 * @throws the disk's error, where it may be read another time.
 */
export async function readPlace(
  { path }: Segment,
  { offset, length, points }: Place,
  names: Names,
): Promise<Batch | undefined> {
  const record = Buffer.alloc(length);
  try {
    await using file = await open(path, 'r');
    await file.read(record, 0, length, offset);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const batch = decodeRecord(record, names);
  return batch?.length === points ? batch : undefined;
}

/** Marks a record, so that a later process does not send it again. */
export async function markDone({ path }: Segment, { offset }: Place): Promise<void> {
  try {
    await using file = await open(path, 'r+');
    await file.write(Buffer.of(DONE), 0, 1, offset + STATE_AT);
  } catch {
    // The disk cannot be written: at worst a later process sends it once more.
  }
}

/** Writes all of a record where it belongs. */
export async function writeWhole(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
