import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  Foreseen,
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
  type Errors,
  LISTED_ONLY,
  type Question,
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
    throw new Foreseen(
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
  throw failureOf(answer.error, mountpoint) ?? new Foreseen(`${name}: ${answer.error}`);
}

function recordedTree(name: TreeName, base: string, errors: Errors, readAll: ReadAll): Tree {
  const tree = directoryTree(`${base}/${name}`, readAll);
  const shown = (path: string) => (name === 'root' ? `/${path}` : `/${name}/${path}`);
  const absent = (path: string, cause?: unknown) =>
    new NoData(`${nameOf(shown(path))} is not in the recording`, { cause });

  function isInside(path: string): boolean {
    try {
      const real = realpathSync.native(native(`${base}/${name}/${path}`), { encoding: 'latin1' });
      return real === base || real.startsWith(`${base}/`);
    } catch {
      return false;
    }
  }

  /** @param at the place that must lie in the recording. */
  function ask<Q extends Question>(question: Q, path: string, at: string): ReturnType<Tree[Q]>;
  function ask(question: Question, path: string, at: string): string | readonly string[] {
    const failed = failureOf(errors[question][`${name}/${path}`] ?? '', shown(path));
    if (failed !== undefined) throw failed;
    if (!isInside(at)) throw absent(path);
    try {
      return tree[question](path);
    } catch (error) {
      throw error instanceof NoData ? absent(path, error) : error;
    }
  }

  return {
    read: (path) => ask('read', path, path),
    list: (path) => ask('list', path, path),
    link(path) {
      const target = ask('link', path, path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      if (target === LISTED_ONLY) throw absent(path);
      return target;
    },
  };
}
