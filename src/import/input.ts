import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../plugin/index.ts';
import { InputError } from './problem.ts';

/** Whether it is a folder; what cannot be seen is none, and whoever reads it is told why. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The file of a configuration that may be named by its folder. */
export const fileIn = (path: string, name: string): string =>
  isFolder(path) ? join(path, name) : path;

/** More is no configuration that somebody wrote. */
const MOST_BYTES = 4 * 1024 * 1024;

const WHY: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOENT: ['is not there', 'Name the file as it is called on this host.'],
  EACCES: ['may not be read', 'Run the import as root, or copy the file.'],
  EISDIR: ['is a folder', 'Name a file in it.'],
  ELOOP: ['is a link that leads to itself', 'Name the file itself.'],
};

/**
 * Reads a file that is imported: a regular one, of {@link MOST_BYTES} at most, in UTF-8; a byte order
 * mark is left out. Never blocks on a pipe.
 *
 * @throws {@link InputError} if it is none of that.
 */
export function readInput(file: string): string {
  const bytes = readBytes(file);
  const nul = bytes.indexOf(0);
  if (nul >= 0)
    throw new InputError({ file, ...at(bytes, nul) }, 'this is no text: it has a byte 0');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(
      { file, ...at(bytes, firstInvalid(bytes)) },
      'this is not UTF-8',
      `Convert it: iconv -f latin1 -t utf-8 ${file}`,
    );
  }
}

function readBytes(file: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = fstatSync(descriptor);
    if (facts.isDirectory()) throw new InputError({ file }, ...errorOf('EISDIR'));
    if (!facts.isFile()) throw new InputError({ file }, 'is no regular file');
    const bytes = Buffer.alloc(MOST_BYTES + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got) {
      got = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (length > MOST_BYTES) {
      throw new InputError({ file }, 'has more than 4 MiB, which is no configuration');
    }
    return bytes.subarray(0, length);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError({ file }, ...errorOf(codeOf(error) ?? String(error)));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

const errorOf = (code: string): readonly [string, string?] =>
  WHY[code] ?? [`cannot be read: ${code}`];

/** Line and column, from 1, of a byte. */
function at(bytes: Buffer, offset: number): { line: number; column: number } {
  const before = bytes.subarray(0, Math.max(0, offset));
  let line = 1;
  for (const byte of before) if (byte === 10) line += 1;
  return { line, column: before.length - before.lastIndexOf(10) };
}

/** The first byte at which a text is no UTF-8 any more. */
function firstInvalid(bytes: Buffer): number {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  let offset = 0;
  for (const character of lenient) {
    const length = Buffer.byteLength(character);
    const written = bytes.toString('utf8', offset, offset + length);
    if (written !== character || (character === '\ufffd' && !isWritten(bytes, offset))) {
      return offset;
    }
    offset += length;
  }
  return offset;
}

/** Whether U+FFFD stands there itself. */
const isWritten = (bytes: Buffer, offset: number): boolean =>
  bytes.subarray(offset, offset + 3).equals(Buffer.from('\ufffd'));
