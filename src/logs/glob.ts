import { join } from 'node:path';
import type { Files } from './files.ts';
import { PACKINGS } from './packed.ts';
import { rotatedName } from './rotation.ts';

const SPECIAL = /[*?[]/;

/** Whether a path stands for any number of files. */
export const isGlob = (path: string): boolean => SPECIAL.test(path);

/**
 * The logs that a path stands for: `*`, `?` and `[a-z]` within a level, as the shell has them. What a log
 * among them was rotated to is none: it is read as a part of that log.
 */
export class Glob {
  readonly #levels: readonly (string | RegExp)[];
  readonly #files: Pick<Files, 'list'>;
  readonly #known = new Map<string, { readonly names: string; readonly logs: readonly string[] }>();

  /** @param path absolute. */
  constructor(path: string, files: Pick<Files, 'list'>) {
    this.#files = files;
    this.#levels = path
      .split('/')
      .filter((level) => level !== '')
      .map((level) => (isGlob(level) ? pattern(level) : level));
  }

  /** Sorted. A path that is no glob is given whether it is there or not. */
  async paths(): Promise<readonly string[]> {
    let found = ['/'];
    for (const [i, level] of this.#levels.entries()) {
      const last = i === this.#levels.length - 1;
      if (typeof level === 'string') found = found.map((folder) => join(folder, level));
      else {
        const matched = await Promise.all(found.map((folder) => this.#in(folder, level, last)));
        found = matched.flat();
      }
    }
    return found;
  }

  async #in(folder: string, level: RegExp, last: boolean): Promise<readonly string[]> {
    const all = await this.#files.list(folder);
    const matched = all.filter((name) => level.test(name)).sort();
    if (!last) return matched.map((name) => join(folder, name));
    const names = matched.join('\n');
    const known = this.#known.get(folder);
    if (known?.names === names) return known.logs;
    const logs = withoutRotated(matched).map((name) => join(folder, name));
    this.#known.set(folder, { names, logs });
    return logs;
  }
}

const withoutRotated = (names: readonly string[]): readonly string[] =>
  names.filter((name) => {
    if (PACKINGS.some((end) => name.endsWith(end))) return false;
    return !names.some((log) => log !== name && rotatedName(log, name) !== undefined);
  });

/** A name that begins with a dot is matched only by a pattern that does. */
function pattern(level: string): RegExp {
  const source = level.replace(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[\\^$.|+()[\]{}]/, '\\$&');
  });
  return new RegExp(`^${level.startsWith('.') ? '' : '(?!\\.)'}${source}$`, 's');
}
