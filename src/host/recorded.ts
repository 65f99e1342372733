import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type Host,
  NoData,
  nameOf,
  type Statfs,
  type Tree,
  Unresponsive,
} from '../plugin/index.ts';
import { codeOf, failureOf } from './failures.ts';
import { native } from './paths.ts';
import {
  type Answer,
  LISTED_ONLY,
  readAnswers,
  readErrors,
  readManifest,
  type TreeName,
} from './recording.ts';
import { directoryTree, type ReadAll, wholeFiles } from './tree.ts';

/**
 * A host as it was at one moment of a recording.
 *
 * What is not in the recording is absent, and so is what a link leads to outside of it: a recording
 * may come from a stranger. Error messages name the files as the host itself would, `/proc/stat`.
 *
 * @param moment the directory of one moment, `DIR/<unix seconds>`; see recording.ts for the layout.
 */
export function recordedHost(moment: string): Host {
  const directory = resolve(moment);
  let base: string;
  try {
    base = realpathSync.native(directory, { encoding: 'latin1' });
  } catch (cause) {
    throw new Error(
      `${directory} cannot be replayed: it does not exist (${codeOf(cause)}). Give the directory of one moment, DIR/<unix seconds>.`,
      { cause },
    );
  }
  const readAll = wholeFiles();
  const errors = readErrors(directory);
  const answers = readAnswers(directory);
  const statfs = (mountpoint: string) => answerOf(mountpoint, answers.get(mountpoint));
  return {
    proc: recordedTree('proc', base, errors, readAll),
    sys: recordedTree('sys', base, errors, readAll),
    root: recordedTree('root', base, errors, readAll),
    foreign: readManifest(dirname(directory))?.foreign ?? false,
    statfs,
    statfsGuarded: async (mountpoint) => statfs(mountpoint),
  };
}

function answerOf(mountpoint: string, answer: Answer | undefined): Statfs {
  const name = nameOf(mountpoint);
  if (answer === undefined) throw new NoData(`statfs of ${name} is not in the recording`);
  if (!('error' in answer)) return answer;
  if (answer.error === 'hung') throw new Unresponsive(`${name} did not answer in time`);
  throw failureOf(answer.error, mountpoint) ?? new Error(`${name}: ${answer.error}`);
}

function recordedTree(
  name: TreeName,
  base: string,
  errors: ReadonlyMap<string, string>,
  readAll: ReadAll,
): Tree {
  const tree = directoryTree(`${base}/${name}`, readAll);
  const shown = (path: string) => (name === 'root' ? `/${path}` : `/${name}/${path}`);

  const failed = (path: string): Error | undefined => {
    const code = errors.get(`${name}/${path}`);
    return code === undefined ? undefined : failureOf(code, shown(path));
  };

  const absent = (path: string, cause?: unknown) =>
    new NoData(`${nameOf(shown(path))} is not in the recording`, { cause });

  function checkInside(path: string): void {
    let real: string;
    try {
      real = realpathSync.native(native(`${base}/${name}/${path}`), { encoding: 'latin1' });
    } catch (cause) {
      throw absent(path, cause);
    }
    if (real !== base && !real.startsWith(`${base}/`)) throw absent(path);
  }

  function ask<T>(path: string, failure: Error | undefined, what: (path: string) => T): T {
    if (failure !== undefined) throw failure;
    checkInside(path);
    try {
      return what(path);
    } catch (error) {
      throw error instanceof NoData ? absent(path, error) : error;
    }
  }

  return {
    read: (path) => ask(path, failed(path), tree.read),
    list: (path) => ask(path, failed(`${path}/`), tree.list),
    link(path) {
      checkInside(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      try {
        const target = tree.link(path);
        if (target !== LISTED_ONLY) return target;
      } catch (error) {
        throw error instanceof NoData ? (failed(path) ?? absent(path, error)) : error;
      }
      throw failed(path) ?? absent(path);
    },
  };
}
