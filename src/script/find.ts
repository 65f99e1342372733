import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../plugin/index.ts';
import { isScript } from './compile.ts';

/** Where plugins may be. */
export interface Places {
  /** Folders with one file for each. */
  readonly folders: readonly string[];
  /** Folders of npm packages: those are plugins that are called `cullinan-…`. */
  readonly packages: readonly string[];
}

/** A file that may be a plugin, and what it is called before anybody has looked into it. */
export interface Candidate {
  readonly path: string;
  readonly name: string;
  /** Why it cannot even be looked at. */
  readonly problem?: string;
}

/** The files that may be plugins, in order; folders that are not there have none. */
export function find({ folders, packages }: Places): readonly Candidate[] {
  return [...folders.map(readable(filesIn)), ...packages.map(readable(packagesIn))].flat();
}

/** A folder that may not be read is said, and costs itself. */
const readable =
  (look: (folder: string) => Candidate[]) =>
  (folder: string): Candidate[] => {
    try {
      return look(folder);
    } catch (error) {
      return [{ path: folder, name: folder, problem: (error as Error).message }];
    }
  };

/** What begins with a dot or an underscore, tests and declarations of types are none. */
const isPlugin = (name: string): boolean =>
  isScript(name) && !/^[._]|\.d\.[cm]?ts$|\.(test|spec)\.[cm]?[jt]s$/.test(name);

function filesIn(folder: string): Candidate[] {
  const names = list(folder).filter(isPlugin).sort();
  return names.map((file) => ({ path: join(folder, file), name: file.replace(/\.[^.]+$/, '') }));
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function packagesIn(folder: string): Candidate[] {
  const scoped = list(folder).filter((name) => name.startsWith('@'));
  const all = [folder, ...scoped.map((scope) => join(folder, scope))].flatMap((parent) =>
    list(parent)
      .filter((name) => name.startsWith('cullinan-'))
      .map((name) => join(parent, name)),
  );
  return all.sort().map((path) => {
    const name = path.slice(path.lastIndexOf('/cullinan-') + '/cullinan-'.length);
    try {
      return {
        name,
        path: join(path, entryOf(JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')))),
      };
    } catch (error) {
      return {
        name,
        path,
        problem: `${path}: its package.json cannot be read: ${(error as Error).message}`,
      };
    }
  });
}

/** The file that a package's description says is the package. */
function entryOf({ exports, module, main }: Readonly<Record<string, unknown>>): string {
  const at = (value: unknown): string | undefined => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null) return undefined;
    const all = value as Readonly<Record<string, unknown>>;
    for (const key of ['.', 'cullinan', 'node', 'import', 'module', 'require', 'default']) {
      const found = key in all ? at(all[key]) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return at(exports) ?? at(module) ?? at(main) ?? 'index.js';
}
