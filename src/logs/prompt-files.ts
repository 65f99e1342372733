import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from '../plugin/index.ts';
import { type Files, liveFiles, type Reading, told } from './files.ts';

/**
 * The files of this machine, for a process that has nothing else to do: each call has its answer when it
 * returns, and no thread is woken for it, which takes as long as reading what is in memory. It must not be
 * asked for what may hang: nothing could give it up.
 */
export const promptFiles: Files = {
  stat: async (path) => liveFiles.glance(path),
  glance: liveFiles.glance,
  mayHang: liveFiles.mayHang,
  open: async (path) =>
    absentAs(undefined, () => reading(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK))),
  real: async (path) => absentAs(path, () => realpathSync.native(path)),
  list: async (folder) => absentAs([], () => readdirSync(folder)),
  load: async (path) => absentAs(undefined, () => readFileSync(path, 'utf8')),
  async store(path, text) {
    held(openSync(path, 'w', 0o640), (file) => {
      writeFileSync(file, text);
      fsyncSync(file);
    });
  },
  async append(path, text, sync) {
    held(openSync(path, constants.O_WRONLY | constants.O_APPEND), (file) => {
      writeFileSync(file, text);
      if (sync) fsyncSync(file);
    });
  },
  rename: async (from, to) => renameSync(from, to),
  async sync(folder) {
    held(openSync(folder, 'r'), fsyncSync);
  },
};

/** So many calls after which timers have their turn, and V8, which gives memory back only then. */
const TURN = 2;

function reading(file: number): Reading {
  let calls = 0;
  return {
    stat: async () => told(fstatSync(file)),
    async read(into, at, length, position) {
      calls += 1;
      if (calls % TURN === 0) await turn();
      return readSync(file, into, at, length, position);
    },
    close: async () => closeSync(file),
  };
}

function held(file: number, use: (file: number) => void): void {
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}

function absentAs<T>(absent: T, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
    throw error;
  }
}
