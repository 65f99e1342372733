import { execFile } from 'node:child_process';

/** Bytes that a program may say. */
const MOST = 256 * 1024 ** 2;

/** What a program of the system writes to its standard output, within so many milliseconds. Rejects if it fails. */
export const output = (program: string, words: readonly string[], ms: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const settings = { encoding: 'buffer', timeout: ms, maxBuffer: MOST } as const;
    execFile(program, [...words], settings, (error, stdout) => {
      // What it had said by then may be of use, too.
      if (error === null) resolve(stdout);
      else reject(Object.assign(error, { stdout }));
    });
  });
