import { readdirSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { globSource } from '../plugin/index.ts';

/** fnmatch(3), of the name alone. */
export function fits(path: string, filter: string): boolean {
  return new RegExp(globSource(filter), 'su').test(basename(path));
}

/** What a pattern with wildcards leads to, in order; of one without, itself. */
export function expand(pattern: string): string[] {
  const [first = '', ...parts] = pattern.split('/');
  let found = [first];
  for (const part of parts) {
    found = found.flatMap((folder) => {
      if (!/[*?[]/.test(part)) return [`${folder}/${part}`];
      return entriesOf(folder === '' ? '/' : folder)
        .filter((name) => (part.startsWith('.') || !name.startsWith('.')) && fits(name, part))
        .map((name) => `${folder}/${name}`);
    });
  }
  return found.filter(existing);
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function existing(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
