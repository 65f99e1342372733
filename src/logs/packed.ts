import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { codeOf, Foreseen } from '../plugin/index.ts';
import type { Reading } from './files.ts';
import { type Position, PRINT_BYTES, printOf, type Recognised } from './identity.ts';

/** Bytes from a place on, in order. */
export interface Source {
  /** 0 at the end. */
  read(into: Buffer, at: number, length: number): Promise<number>;
  close(): Promise<void>;
}

/** What unpacks a file, by the end of its name; Node itself unpacks gzip. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  '.zst': ['zstd', '-dcq'],
  '.xz': ['xz', '-dcq'],
  '.bz2': ['bzip2', '-dcq'],
  '.lz4': ['lz4', '-dcq'],
};

/** Ends of names that tell how a file is packed. */
const PACKINGS: readonly string[] = ['.gz', ...Object.keys(PROGRAMS)];

/** How a file of this name is packed; `undefined` where it is not. */
export const packingOf = (name: string): string | undefined =>
  PACKINGS.find((end) => name.endsWith(end));

/** What comes out of a packed file. */
export interface Unpacked extends Source {
  /** Gives back bytes, which are read again. */
  unread(bytes: Buffer): void;
}

const PIECE = 64 * 1024;

/** The bytes of an open file, from a position on. */
export function plain(file: Reading, position: number): Source {
  let next = position;
  return {
    async read(into, at, length) {
      const bytes = await file.read(into, at, length, next);
      next += bytes;
      return bytes;
    },
    close: () => file.close(),
  };
}

/** What is packed in an open file; it is closed with it. */
export function unpacked(file: Reading, packing: string): Unpacked {
  const packed = Readable.from(pieces(file), { objectMode: false });
  const program = PROGRAMS[packing];
  const bytes = program === undefined ? gunzipped(packed) : piped(packed, program);
  let rest: Buffer = Buffer.alloc(0);
  return {
    async read(into, at, length) {
      while (rest.length === 0) {
        const { done, value } = await bytes.next();
        if (done) return 0;
        rest = value;
      }
      const taken = rest.copy(into, at, 0, length);
      rest = rest.subarray(taken);
      return taken;
    },
    unread(bytes) {
      rest = Buffer.concat([bytes, rest]);
    },
    async close() {
      try {
        await bytes.return(undefined);
      } finally {
        await file.close();
      }
    },
  };
}

async function* pieces(file: Reading): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const piece = Buffer.allocUnsafe(PIECE);
    const bytes = await file.read(piece, 0, PIECE, position);
    if (bytes === 0) return;
    position += bytes;
    yield piece.subarray(0, bytes);
  }
}

async function* gunzipped(packed: Readable): AsyncGenerator<Buffer> {
  // The error arrives where the bytes are read.
  yield* pipeline(packed, createGunzip({ chunkSize: PIECE }), () => {});
}

async function* piped(
  packed: Readable,
  [program = '', ...args]: readonly string[],
): AsyncGenerator<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => {});
  // Whoever has read enough closes the pipe: that is no error.
  pipeline(packed, child.stdin, () => {});
  try {
    yield* child.stdout;
    const [code] = await ended;
    if (code !== 0) throw new Foreseen(`${program} ends with ${code}: what it unpacks is damaged`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new Foreseen(`the program ${program} is not there, which unpacks it. Install it.`, {
      cause: error,
    });
  } finally {
    child.kill('SIGKILL');
  }
}

/**
 * Goes on in a packed file after a position, if it holds what was read up to there.
 *
 * @throws what unpacking says of a damaged file, or of a program that is not there.
 */
export async function resume(
  source: Unpacked,
  { head, tail, offset }: Position,
): Promise<Recognised | undefined> {
  const start = Buffer.alloc(head.bytes);
  for (let have = 0; have < start.length; ) {
    const bytes = await source.read(start, have, start.length - have);
    if (bytes === 0) return undefined;
    have += bytes;
  }
  if (printOf(start).hash !== head.hash) return undefined;
  source.unread(start);
  const piece = Buffer.allocUnsafe(PIECE);
  let last: Buffer = Buffer.alloc(0);
  for (let at = 0; at < offset; ) {
    const bytes = await source.read(piece, 0, Math.min(PIECE, offset - at));
    if (bytes === 0) return undefined;
    last = lastOf(last, piece.subarray(0, bytes));
    at += bytes;
  }
  const end = last.subarray(last.length - tail.bytes);
  return printOf(end).hash === tail.hash ? { head: start, tail: end } : undefined;
}

/** The last bytes, as many as make a print, of what came before and what came now. */
export function lastOf(before: Buffer, now: Buffer): Buffer {
  if (now.length >= PRINT_BYTES) return Buffer.from(now.subarray(-PRINT_BYTES));
  return Buffer.concat([before, now]).subarray(-PRINT_BYTES);
}
