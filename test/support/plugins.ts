import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that is removed with all others when the tests are over. */
export const scratchFolder = (): string => mkdtempSync(join(tmpdir(), 'cullinan-plugins-'));

/** Writes a file, and the folders that it is in. @returns its path. */
export function put(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
