import { extname, join } from 'node:path';
import type { Files } from './files.ts';
import { packingOf } from './packed.ts';
import { rotatedName } from './rotation.ts';

const SPECIAL = /[*?[]/;

/** Whether a path stands for any number of files. */
export const isGlob = (path: string): boolean => SPECIAL.test(path);

/** A folder as it was when its names were looked at. */
interface Listed {
  /** Its modification time, in milliseconds since the Unix epoch; `undefined` if it may change unseen. */
  readonly modified: number | undefined;
  /** All names that match, and those of them that are logs. */
  readonly names: string;
  readonly paths: readonly string[];
}

/** A folder that was changed so shortly before may change again at what counts as the same time. */
const RACY = 100;

/**
 * The logs that a path stands for: `*`, `?` and `[a-z]` within a level, as the shell has them. What a log
 * among them was rotated to is none: it is read as a part of that log.
 */
export class Glob {
  readonly #levels: readonly (string | RegExp)[];
  readonly #files: Pick<Files, 'list' | 'stat' | 'glance' | 'mayHang'>;
  readonly #now: () => number;
  readonly #isKnown: (path: string) => boolean;
  #listed = new Map<string, Listed>();

  /**
   * @param path absolute.
   * @param now in milliseconds since the Unix epoch.
   * @param isKnown whether something is known to be a log: what it was rotated to is none while it is away.
   */
  constructor(
    path: string,
    files: Pick<Files, 'list' | 'stat' | 'glance' | 'mayHang'>,
    now: () => number,
    isKnown: (path: string) => boolean,
  ) {
    this.#files = files;
    this.#now = now;
    this.#isKnown = isKnown;
    this.#levels = path
      .split('/')
      .filter((level) => level !== '')
      .map((level) => (isGlob(level) ? pattern(level) : level));
  }

  /** Folder by folder, sorted. @param failed is told why a folder could not be read; the others are. */
  async paths(failed: (error: unknown) => void): Promise<readonly string[]> {
    const before = this.#listed;
    this.#listed = new Map();
    let found: readonly string[] = ['/'];
    for (const [i, level] of this.#levels.entries()) {
      const last = i === this.#levels.length - 1;
      if (typeof level === 'string') {
        found = found.map((folder) => join(folder, level));
        continue;
      }
      let matched: readonly string[] = [];
      for (const folder of found) {
        try {
          const listed = await this.#list(folder, level, last, before.get(folder));
          this.#listed.set(folder, listed);
          matched = matched.length === 0 ? listed.paths : [...matched, ...listed.paths];
        } catch (error) {
          failed(error);
        }
      }
      found = matched;
    }
    return typeof this.#levels.at(-1) === 'string' ? await this.#there(found, failed) : found;
  }

  /** Of paths that were not listed, those where something is. */
  async #there(paths: readonly string[], failed: (error: unknown) => void) {
    const files = this.#files;
    const there: string[] = [];
    for (const path of paths) {
      try {
        const stat = files.mayHang(path) ? await files.stat(path) : files.glance(path);
        if (stat !== undefined) there.push(path);
      } catch (error) {
        failed(error);
      }
    }
    return there;
  }

  async #list(
    folder: string,
    level: RegExp,
    last: boolean,
    known: Listed | undefined,
  ): Promise<Listed> {
    const modified = this.#unchanging(folder);
    if (known !== undefined && modified !== undefined && known.modified === modified) return known;
    const all = await this.#files.list(folder);
    const matched = all.filter((name) => level.test(name)).sort();
    const names = matched.join('/');
    if (known?.names === names) return { ...known, modified };
    const isKnown = (name: string) => this.#isKnown(join(folder, name));
    const logs = last ? withoutRotated(matched, isKnown) : matched;
    return { modified, names, paths: logs.map((name) => join(folder, name)) };
  }

  /** When a folder was changed last, where that tells whether it has the same names. */
  #unchanging(folder: string): number | undefined {
    try {
      if (this.#files.mayHang(folder)) return undefined;
      const modified = this.#files.glance(folder)?.modified;
      return modified === undefined || this.#now() - modified < RACY ? undefined : modified;
    } catch {
      // Listing it says why.
      return undefined;
    }
  }
}

/** Where the suffix of a rotated log begins, at the end of a name. */
const SUFFIXES = /[._-](?=\d[\d._:T-]*$)/g;

function withoutRotated(
  names: readonly string[],
  isKnown: (name: string) => boolean,
): readonly string[] {
  const all = new Set(names);
  const isLog = (log: string, name: string): boolean =>
    log !== name && (all.has(log) || isKnown(log)) && rotatedName(log, name) !== undefined;
  return names.filter((name) => {
    if (packingOf(name) !== undefined) return false;
    const extension = extname(name);
    for (const end of new Set(['', extension])) {
      const start = name.slice(0, name.length - end.length);
      for (const { index } of start.matchAll(SUFFIXES)) {
        if (isLog(start.slice(0, index) + end, name)) return false;
      }
    }
    return true;
  });
}

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
