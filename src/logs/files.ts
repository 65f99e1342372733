import { constants, statSync } from 'node:fs';
import { type FileHandle, open, readdir, realpath, rename, stat } from 'node:fs/promises';
import { codeOf } from '../plugin/index.ts';

/** What is known of a file without reading it. */
export interface Stat {
  readonly device: number;
  /** Beyond 2^53 it is rounded; fingerprints tell apart what that makes equal. */
  readonly inode: number;
  readonly bytes: number;
  /** When it was last written, in milliseconds since the Unix epoch. */
  readonly modified: number;
  /** When it was made, likewise; something else where the file system does not know. */
  readonly born: number;
  readonly kind: 'file' | 'folder' | 'FIFO' | 'device' | 'socket';
}

/** A file that is open for reading. */
export interface Reading {
  stat(): Promise<Stat>;
  /** Reads from a position of the file to a place in a buffer; 0 at the end. */
  read(into: Buffer, at: number, length: number, position: number): Promise<number>;
  close(): Promise<void>;
}

/** What this room asks of a file system. */
export interface Files {
  /** Follows symbolic links; `undefined` if there is nothing. */
  stat(path: string): Promise<Stat | undefined>;
  /** The same at once, for what cannot hang: it costs a tenth. */
  glance(path: string): Stat | undefined;
  /** Whether asking for it may wait for a server or another program. */
  mayHang(path: string): boolean;
  /** `undefined` if there is nothing. Whatever it is, opening it does not wait. */
  open(path: string): Promise<Reading | undefined>;
  /** Where symbolic links lead; the path itself if there is nothing. */
  real(path: string): Promise<string>;
  /** The names in a folder; none if there is no folder. */
  list(folder: string): Promise<readonly string[]>;
  /** A whole small file; `undefined` if there is nothing. */
  load(path: string): Promise<string | undefined>;
  /** Writes a file whole, and has it on disk. */
  store(path: string, text: string): Promise<void>;
  /** Adds to a file that is there; with `sync`, it is on disk then. */
  append(path: string, text: string, sync: boolean): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Has on disk what names a folder holds. */
  sync(folder: string): Promise<void>;
}

/** The files of this machine. */
export const liveFiles: Files = {
  stat: (path) => absentAs(undefined, async () => told(await stat(path))),
  glance(path) {
    try {
      const it = statSync(path, { throwIfNoEntry: false });
      return it === undefined ? undefined : told(it);
    } catch (error) {
      if (codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  },
  mayHang: () => false,
  open: (path) =>
    absentAs(undefined, async () => {
      return reading(await open(path, constants.O_RDONLY | constants.O_NONBLOCK));
    }),
  real: (path) => absentAs(path, () => realpath(path)),
  list: (folder) => absentAs([], () => readdir(folder)),
  load: (path) =>
    absentAs(undefined, async () => {
      await using file = await open(path, 'r');
      return await file.readFile('utf8');
    }),
  async store(path, text) {
    await using file = await open(path, 'w', 0o640);
    await file.writeFile(text);
    await file.sync();
  },
  async append(path, text, sync) {
    await using file = await open(path, constants.O_WRONLY | constants.O_APPEND);
    await file.writeFile(text);
    if (sync) await file.datasync();
  },
  rename,
  async sync(folder) {
    await using file = await open(folder, 'r');
    await file.sync();
  },
};

const reading = (file: FileHandle): Reading => ({
  stat: async () => told(await file.stat()),
  read: async (into, at, length, position) =>
    (await file.read(into, at, length, position)).bytesRead,
  close: () => file.close(),
});

/** As this room speaks of it. */
export function told(it: {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly birthtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}): Stat {
  const kind = it.isFile()
    ? 'file'
    : it.isDirectory()
      ? 'folder'
      : it.isFIFO()
        ? 'FIFO'
        : it.isSocket()
          ? 'socket'
          : 'device';
  const { dev: device, ino: inode, size: bytes, mtimeMs: modified, birthtimeMs: born } = it;
  return { device, inode, bytes, modified, born, kind };
}

async function absentAs<T>(absent: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
    throw error;
  }
}
