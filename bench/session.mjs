// What each part of the bench but the fleet begins with, and ends with.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The program as it is installed: started by its first line, which has what Node is to do otherwise. */
export const PROGRAM = fileURLToPath(new URL('../dist/cullinan.cjs', import.meta.url));

/** A folder that goes when the bench ends, however it does. */
export function workFolder() {
  const work = mkdtempSync(`${tmpdir()}/cullinan-bench-`);
  process.on('exit', () => rmSync(work, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
  return work;
}

/** Says how far it is, to whoever waits. */
export const tell = (/** @type {string} */ text) => console.error(`bench: ${text}`);

/** @param {readonly number[]} values */
export const median = (values) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
