import {
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AccessDenied, type Host, NoData, type Statfs, Unresponsive } from '../plugin/index.ts';
import { codeOf } from './failures.ts';
import { bytewise, native } from './paths.ts';
import { type Answer, LISTED_ONLY, type Question, type TreeName } from './recording.ts';
import { mayBeRecorded, scrubbed } from './scrub.ts';

/** As many as the kernel follows before it says ELOOP. */
const LINKS = 40;

/** Writes down what a host says at one moment. The last answer to a question stands. */
export interface MomentWriter {
  file(tree: TreeName, path: string, text: string): void;
  names(tree: TreeName, path: string, names: readonly string[]): void;
  link(tree: TreeName, path: string, target: string): void;
  failed(question: Question, tree: TreeName, path: string, error: unknown): void;
  statfs(mountpoint: string, answer: Statfs): void;
  statfsFailed(mountpoint: string, error: unknown): void;
}

/**
 * @param directory of the moment; what is there is replaced.
 * @param host asked for the links on the way to a file, so that the recording has the same ones.
 */
export function momentWriter(directory: string, host: Host): MomentWriter {
  rmSync(directory, { recursive: true, force: true });
  const base = bytewise(directory);
  const answers: Record<string, Answer> = {};
  const errors: Record<Question, Record<string, string>> = { read: {}, list: {}, link: {} };
  const whole = (tree: TreeName, path: string) => native(`${base}/${tree}/${path}`);
  const look = (tree: TreeName, path: string): Stats | undefined =>
    lstatSync(whole(tree, path), { throwIfNoEntry: false });

  function linkTarget(tree: TreeName, path: string): string | undefined {
    const stat = look(tree, path);
    if (stat?.isSymbolicLink()) {
      const target = readlinkSync(whole(tree, path), { encoding: 'latin1' });
      if (target !== LISTED_ONLY) return target;
    } else if (stat !== undefined) return undefined;
    // self, thread-self and net lead to the agent's own number, which would only hide the files.
    if (tree === 'proc' && /^(self|thread-self|net)$/.test(path)) return undefined;
    let target: string;
    try {
      target = host[tree].link(path);
    } catch {
      return undefined;
    }
    makeLink(tree, path, target);
    return target;
  }

  /**
   * Where a path leads when the links on its way are followed, as the kernel does it.
   *
   * @returns `undefined` if it leads out of the tree: then it cannot be recorded.
   */
  function place(tree: TreeName, path: string): string | undefined {
    let todo = path.split('/');
    const done: string[] = [];
    for (let links = 0; todo.length > 0; ) {
      const name = todo.shift() ?? '';
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (done.pop() === undefined) return undefined;
        continue;
      }
      done.push(name);
      const target = linkTarget(tree, done.join('/'));
      if (target === undefined) continue;
      links += 1;
      if (target.startsWith('/') || links > LINKS) return undefined;
      done.pop();
      todo = [...target.split('/'), ...todo];
    }
    return done.join('/');
  }

  function makeDirectory(tree: TreeName, path: string): void {
    if (look(tree, path)?.isDirectory()) return;
    if (path === '') {
      mkdirSync(whole(tree, ''), { recursive: true });
      return;
    }
    makeDirectory(tree, parent(path));
    clear(tree, path);
    mkdirSync(whole(tree, path));
  }

  const clear = (tree: TreeName, path: string): void =>
    rmSync(whole(tree, path), { recursive: true, force: true });

  function makeLink(tree: TreeName, path: string, target: string): void {
    makeDirectory(tree, parent(path));
    clear(tree, path);
    symlinkSync(native(target), whole(tree, path));
  }

  function writeJson(name: string, value: object): void {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), `${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** What failed before, earlier in this moment, has an answer now. */
  function settle(question: Question, tree: TreeName, path: string): void {
    const key = `${tree}/${path}`;
    if (errors[question][key] === undefined) return;
    delete errors[question][key];
    writeJson('errors.json', errors);
  }

  return {
    file(tree, path, text) {
      const kept = scrubbed(tree, path, text);
      const at = kept === undefined ? undefined : place(tree, path);
      if (kept === undefined || at === undefined) return;
      makeDirectory(tree, parent(at));
      if (!look(tree, at)?.isFile()) clear(tree, at);
      writeFileSync(whole(tree, at), kept, 'latin1');
      settle('read', tree, path);
    },
    names(tree, path, names) {
      if (!mayBeRecorded(tree, path)) return;
      const at = place(tree, path);
      if (at === undefined) return;
      makeDirectory(tree, at);
      for (const name of names) {
        const entry = within(at, name);
        if (look(tree, entry) === undefined) makeLink(tree, entry, LISTED_ONLY);
      }
      settle('list', tree, path);
    },
    link(tree, path, target) {
      if (!mayBeRecorded(tree, path)) return;
      const above = place(tree, parent(path));
      if (above === undefined) return;
      const at = within(above, path.slice(path.lastIndexOf('/') + 1));
      // Only self, thread-self and net can be folders here by now.
      if (look(tree, at)?.isDirectory()) return;
      makeLink(tree, at, target);
      settle('link', tree, path);
    },
    failed(question, tree, path, error) {
      if (error instanceof NoData || !mayBeRecorded(tree, path)) return;
      errors[question][`${tree}/${path}`] = codeFor(error);
      writeJson('errors.json', errors);
    },
    statfs(mountpoint, answer) {
      answers[mountpoint] = { ...answer };
      writeJson('statfs.json', answers);
    },
    statfsFailed(mountpoint, error) {
      answers[mountpoint] = { error: codeFor(error) };
      writeJson('statfs.json', answers);
    },
  };
}

const parent = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const within = (folder: string, name: string): string =>
  folder === '' ? name : `${folder}/${name}`;

/** The code of a failed answer, from which a replay makes the same failure. */
function codeFor(error: unknown): string {
  if (error instanceof Unresponsive) return 'hung';
  if (error instanceof NoData) return 'ENOENT';
  if (error instanceof AccessDenied) return 'EACCES';
  return codeOf(error) || 'EIO';
}
