import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { Foreseen, NoData, nameOf, type Tree } from '../plugin/index.ts';
import { codeOf, failure } from './failures.ts';
import { native } from './paths.ts';

const MiB = 1024 * 1024;
/** Larger than any file of /proc on the largest machines; what is larger is the wrong file. */
const LIMIT = 64 * MiB;
const INITIAL = 64 * 1024;
/** After a file larger than this the buffer is given back. */
const KEPT = 4 * MiB;
const DESCRIPTORS = 64;
/** A kept descriptor that says this has outlived what it was opened for. */
const OUTLIVED = new Set(['ESTALE', 'ENODEV', 'EBADF', 'ESRCH']);
/**
 * The kernel fills a page with whole lines (or other pieces) of a file at a time, so a shorter read
 * than this was the last: the next piece would have had as much room again. Of all files only those
 * of mounts have longer lines.
 */
const HALF_A_PAGE = 2048;
const LONG_LINES = /mount(s|info|stats)$/;
const QUIETLY = { throwIfNoEntry: false } as const;
/** An object: of a word Node would make one for every file. */
const AT_ONCE = { encoding: 'utf8', flag: 'r' } as const;
const never = (): boolean => false;
// Without O_NONBLOCK, opening a FIFO under a wrong `host.proc` would stop the agent for ever.
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads a whole open file, one character per byte.
 *
 * @param enough a first read of fewer bytes has read the whole file.
 */
export type ReadAll = (fd: number, path: string, enough: number) => string;

/**
 * Makes a reader with one buffer that is reused and grows. It reads on until the kernel says that
 * the end is reached: files of /proc come a page at a time, however much is asked for.
 */
export function wholeFiles(limit = LIMIT): ReadAll {
  let buffer = Buffer.allocUnsafeSlow(INITIAL);
  return (fd, path, enough) => {
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, length);
      if (read === 0) break;
      length += read;
      if (length < enough) break;
      if (length > limit) {
        throw new Foreseen(
          `${nameOf(path)} is larger than ${limit} bytes and was not read: check host.proc, host.sys and host.root`,
        );
      }
      if (length === buffer.length) {
        const larger = Buffer.allocUnsafeSlow(length * 2);
        buffer.copy(larger);
        buffer = larger;
      }
    }
    const text = buffer.toString('latin1', 0, length);
    if (buffer.length > KEPT) buffer = Buffer.allocUnsafeSlow(INITIAL);
    return text;
  };
}

export interface DirectoryTree extends Tree {
  /** Gives back the descriptors that are kept open. */
  close(): void;
}

/** A file that stays open between two readings. */
interface Kept {
  readonly fd: number;
  /** The turn of its last reading. */
  turn: number;
  /** What it said, as long as that turn lasts. */
  text: string;
}

/**
 * The files below a directory.
 *
 * What stays open is read once per turn of the event loop: collectors that run one after the other
 * see the same text of a file that several of them read.
 *
 * @param base its path without a slash at the end, one character per byte.
 * @param readAll shared by the trees of a host, as nothing reads two files at once.
 * @param kernel whether it is a procfs or sysfs: then every file in it can be read without
 *   waiting, and need not be looked at first.
 * @param keep which files stay open between two readings, at most 64 of them: never those of a
 *   plain directory, where a new file may take the place of the one that is open.
 */
export function directoryTree(
  base: string,
  readAll: ReadAll,
  {
    kernel = false,
    keep = never,
  }: { readonly kernel?: boolean; readonly keep?: ((path: string) => boolean) | undefined } = {},
): DirectoryTree {
  const kept = new Map<string, Kept>();
  const absent = new Map<string, Error>();
  let turn = 0;
  let turning = false;

  function open(path: string): number {
    const fd = openSync(native(path), FLAGS);
    if (kernel) return fd;
    const stat = fstatSync(fd);
    if (stat.isFile()) return fd;
    closeSync(fd);
    throw Object.assign(new Foreseen(), {
      code: stat.isDirectory() ? 'EISDIR' : 'not a regular file',
    });
  }

  const readFrom = (fd: number, path: string): string =>
    readAll(fd, path, kernel && !LONG_LINES.test(path) ? HALF_A_PAGE : 0);

  function readOnce(path: string): string {
    if (kernel) {
      // UTF-8 is what Node opens, reads and closes in one call, for half of what the three cost. With
      // as many bytes as characters it is all ASCII, and the same one character per byte.
      const text = readFileSync(native(path), AT_ONCE);
      if (Buffer.byteLength(text) === text.length) return text;
    }
    const fd = open(path);
    try {
      return readFrom(fd, path);
    } finally {
      closeSync(fd);
    }
  }

  function forget(path: string, { fd }: Kept): void {
    kept.delete(path);
    try {
      closeSync(fd);
    } catch (error) {
      // Somebody else has closed it.
      if (codeOf(error) !== 'EBADF') throw error;
    }
  }

  /** The turn of the event loop under way: it ends when nothing runs any more. */
  function currentTurn(): number {
    if (!turning) {
      turning = true;
      queueMicrotask(() => {
        turning = false;
        turn += 1;
        for (const file of kept.values()) file.text = '';
      });
    }
    return turn;
  }

  function readKept(path: string): string {
    const before = kept.get(path);
    if (before !== undefined) {
      const now = currentTurn();
      if (before.turn === now) return before.text;
      try {
        before.text = readFrom(before.fd, path);
        before.turn = now;
        return before.text;
      } catch (error) {
        // A number that is not open any more may be somebody else's by now: that is not closed.
        if (codeOf(error) === 'EBADF') kept.delete(path);
        else forget(path, before);
        if (!OUTLIVED.has(codeOf(error))) throw error;
      }
    }
    const fd = open(path);
    try {
      const text = readFrom(fd, path);
      kept.set(path, { fd, text, turn: currentTurn() });
      if (kept.size > DESCRIPTORS) forgetLongestUnread();
      return text;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  function forgetLongestUnread(): void {
    const [oldest] = [...kept].sort(([, a], [, b]) => a.turn - b.turn);
    if (oldest !== undefined) forget(...oldest);
  }

  const attempt = <T>(path: string, what: (whole: string) => T): T => {
    const whole = `${base}/${path}`;
    try {
      return what(whole);
    } catch (error) {
      throw failure(error, whole);
    }
  };

  /** Reads a file that stays open. One that this kernel does not have is asked for in vain at every tick. */
  function readOrMiss(path: string): string {
    const before = absent.get(path);
    if (before !== undefined) {
      // An error with its stack takes ten times as long as this look.
      if (statSync(native(`${base}/${path}`), QUIETLY) === undefined) throw before;
      absent.delete(path);
    }
    try {
      return attempt(path, readKept);
    } catch (error) {
      if (error instanceof NoData && absent.size < DESCRIPTORS) absent.set(path, error);
      throw error;
    }
  }

  return {
    read: (path) => (keep(path) ? readOrMiss(path) : attempt(path, readOnce)),
    list: (path) =>
      attempt(path, (whole) => readdirSync(native(whole), { encoding: 'latin1' }).sort()),
    link: (path) => attempt(path, (whole) => readlinkSync(native(whole), { encoding: 'latin1' })),
    close() {
      for (const [path, file] of kept) forget(path, file);
    },
  };
}
