import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Finding } from './problem.ts';

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
    const bytes = Buffer.alloc(most + 1);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, null);
      if (read === 0) return bytes.subarray(0, length);
      length += read;
    }
    if (length <= most) return bytes.subarray(0, length);
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
