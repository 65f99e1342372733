import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Finding } from './problem.ts';

/** Bytes that are read at once. */
const PIECE = 16 * 1024;

/**
 * A regular file's bytes, or why there are none, as the rest of a sentence that begins with its
 * path. Never blocks on a pipe, and never reads more than `most` bytes.
 */
export function readBounded(path: string, most: number): Buffer | (Finding & { code: string }) {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return { code: 'EISDIR', message: 'is a directory, not a file' };
    if (!stat.isFile() && !stat.isCharacterDevice()) {
      return { code: 'EINVAL', message: 'is not a regular file' };
    }
    // In pieces: nearly every file is small, and not every one that is not tells its size.
    const pieces: Buffer[] = [];
    let length = 0;
    while (length <= most) {
      const piece = Buffer.alloc(PIECE);
      const read = readSync(fd, piece, 0, PIECE, null);
      if (read === 0) return Buffer.concat(pieces, length);
      pieces.push(piece.subarray(0, read));
      length += read;
    }
    return {
      code: 'EFBIG',
      message: `is larger than ${most / 1024} KiB`,
      remedy: 'is it the right file?',
    };
  } catch (error) {
    return excuse(error as NodeJS.ErrnoException);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Why the system refused a path, as the rest of a sentence that begins with the path. */
export function excuse({
  code = 'EIO',
  message,
}: NodeJS.ErrnoException): Finding & { code: string } {
  switch (code) {
    case 'ENOENT':
      return { code, message: 'does not exist' };
    case 'EACCES':
    case 'EPERM':
      return {
        code,
        message: 'may not be read by the user the agent runs as',
        remedy: 'allow it to read the file and to enter the folders above it',
      };
    case 'ENOTDIR':
      return { code, message: 'does not exist: a part of the path is no directory' };
    default:
      return { code, message: `cannot be read: ${message}` };
  }
}
