import { codeOf, Unresponsive } from '../plugin/index.ts';
import type { Files, Reading, Stat } from './files.ts';
import {
  type Position,
  PRINT_BYTES,
  printOf,
  type Recognised,
  recognise,
  sameOne,
  startOf,
  stretch,
} from './identity.ts';
import type { Loss } from './loss.ts';
import { lastOf, plain, resume, type Source, unpacked } from './packed.ts';
import type { Rotated } from './rotation.ts';

/** A file that holds what was read up to a position, ready to be read on. */
export interface Found {
  /** It is the log itself, which whoever asked has open: `source` is not theirs to close. */
  readonly current: boolean;
  readonly path: string;
  readonly stat: Stat;
  readonly source: Source;
  readonly known: Recognised;
  /** Absent where it is packed, and will not change. */
  readonly file: Reading | undefined;
  readonly packed: boolean;
  /** It was packed after everything had been read. */
  readonly unchanged: boolean;
  /** Where it ends, of one in which there is less than was read. */
  readonly offset?: number;
  /** It lost its end, and may have been written to since; the place where it is read on may be within a line. */
  readonly cut?: 'at a line' | 'within a line';
}

/** A file of which nothing was read yet. */
export interface Start {
  readonly position: Position;
  readonly head: Buffer;
}

const PIECE = 64 * 1024;
const NEWLINE = 10;

/** Files that may be the one that is looked for: opened, unpacked, and looked into. */
export class Candidates {
  readonly #files: Files;
  readonly #lost: (loss: Loss) => void;

  constructor({ files, lost }: { readonly files: Files; readonly lost: (loss: Loss) => void }) {
    this.#files = files;
    this.#lost = lost;
  }

  /** Where it holds what was read up to a position: ready to be read on. */
  open({ path }: Rotated, position: Position): Promise<Found | undefined> {
    return this.#opened(path, async (file, stat) => {
      const known = stat.kind === 'file' ? await recognise(file, stat, position) : undefined;
      if (known === undefined) return undefined;
      const how = { current: false, packed: false, unchanged: false };
      return { path, stat, source: plain(file, position.offset), known, file, ...how };
    });
  }

  /** Where it lost its end: see {@link cutOff}. */
  cutOff({ path, stat: seen }: Rotated, position: Position): Promise<Found | undefined> {
    return this.#opened(path, async (file, stat) => {
      if (!sameOne(stat, seen)) return undefined;
      const head = await stretch(file, 0, PRINT_BYTES);
      return await cutOff({ path, file, stat, head }, position, false);
    });
  }

  /** Looks into a file, which stays open where it is the one. */
  async #opened(
    path: string,
    look: (file: Reading, stat: Stat) => Promise<Found | undefined>,
  ): Promise<Found | undefined> {
    const file = await this.#files.open(path);
    if (file === undefined) return undefined;
    let found: Found | undefined;
    try {
      found = await look(file, await file.stat());
      return found;
    } finally {
      if (found === undefined) await file.close();
    }
  }

  /** The same of one that is packed. */
  async unpack(it: Rotated, position: Position): Promise<Found | undefined> {
    const { path, packing } = it;
    const file = packing === undefined ? undefined : await this.#files.open(path);
    if (file === undefined || packing === undefined) return undefined;
    const source = unpacked(file, packing);
    try {
      const stat = await file.stat();
      // Where nothing was read, nothing tells one that has taken its name meanwhile.
      const may = position.head.bytes > 0 || sameOne(stat, it.stat);
      const known = may ? await resume(source, position) : undefined;
      if (known !== undefined) {
        const unchanged = !position.racy && Math.abs(stat.modified - position.modified) < 1;
        const how = { current: false, file: undefined, packed: true, unchanged };
        return { path, stat, source, known, ...how };
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      // Whatever is in it, nobody will know.
      this.#lost({ path, why: 'damaged', bytes: undefined, error });
    }
    await source.close();
    return undefined;
  }

  /** How long a file is, and its last bytes. */
  async end({ path, packing, stat }: Rotated) {
    const file = await this.#files.open(path);
    if (file === undefined) return undefined;
    const from = packing === undefined ? Math.max(0, stat.bytes - PRINT_BYTES) : 0;
    const source = packing === undefined ? plain(file, from) : unpacked(file, packing);
    try {
      if (!sameOne(await file.stat(), stat)) return undefined;
      const piece = Buffer.allocUnsafe(PIECE);
      let tail: Buffer = Buffer.alloc(0);
      for (let bytes = from; ; ) {
        const more = await source.read(piece, 0, PIECE);
        if (more === 0) return { bytes, tail };
        tail = lastOf(tail, piece.subarray(0, more));
        bytes += more;
      }
    } catch (error) {
      if (packing === undefined || !isDamage(error)) throw error;
      return undefined;
    } finally {
      await source.close();
    }
  }

  /** The start of a file of which nothing was read yet. */
  async start({ path, packing, stat }: Rotated): Promise<Start | 'moved' | undefined> {
    const file = await this.#files.open(path);
    if (file === undefined) return 'moved';
    const source = packing === undefined ? plain(file, 0) : unpacked(file, packing);
    try {
      const now = await file.stat();
      if (!sameOne(now, stat)) return 'moved';
      const head = Buffer.alloc(PRINT_BYTES);
      let have = 0;
      while (have < head.length) {
        const bytes = await source.read(head, have, head.length - have);
        if (bytes === 0) break;
        have += bytes;
      }
      const start = head.subarray(0, have);
      return { position: startOf(path, now, start), head: start };
    } catch (error) {
      if (packing === undefined || !isDamage(error)) throw error;
      this.#lost({ path, why: 'damaged', bytes: undefined, error });
      return undefined;
    } finally {
      await source.close();
    }
  }
}

/**
 * A file that begins as it did and does not go on so: it was cut off, as a power failure does to what was not on
 * disk yet, and may have been written to since. It is read on from where it was left, or from its end.
 */
export async function cutOff(
  { path, file, stat, head }: Pick<Found, 'path' | 'stat'> & { file: Reading; head: Buffer },
  position: Position,
  current: boolean,
): Promise<Found | undefined> {
  const { bytes, hash } = position.head;
  if (bytes < PRINT_BYTES || printOf(head).hash !== hash) return undefined;
  const offset = Math.min(stat.bytes, position.offset);
  const from = Math.max(0, offset - PRINT_BYTES);
  const known = { head, tail: await stretch(file, from, offset - from) };
  const within = stat.bytes > offset && known.tail.at(-1) !== NEWLINE;
  const how = { current, packed: false, unchanged: false, offset };
  const cut = within ? 'within a line' : 'at a line';
  return { path, file, stat, known, source: plain(file, offset), cut, ...how };
}

/** Whether it is about what is packed, and not about the file: that may be readable again. */
export const isDamage = (error: unknown): boolean =>
  !(error instanceof Unresponsive) && !/^E[A-Z]/.test(codeOf(error) ?? '');
