import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';

/** A folder, or a file, that is this process's own until it lets go. */
export interface Hold {
  release(): Promise<void>;
}

/** What this process holds, by its lock: whoever wants the same next waits here. */
const held = new Map<string, Promise<void>>();

/** Milliseconds for a holder to say who it is; that it can be reached says that it lives. */
const PATIENCE = 1000;

/**
 * Makes a folder if it is not there, and takes it for this process alone: by a socket in it, on which it
 * listens. A process that died without letting go (kill -9, power loss) does not answer any more, however
 * its number may have been given to another since, or in another container. Within one process the next
 * waits.
 *
 * @throws {@link Foreseen} if another process that lives has it.
 */
export async function holdFolder(folder: string): Promise<Hold> {
  const said = (by: string, lock: string) =>
    `${lock}: ${by} is using this folder. Give each agent its own.`;
  return await hold(folder, 'lock', said, async () => false);
}

/**
 * Takes a file for this process alone, whether or not it is there, as {@link holdFolder} takes a folder.
 *
 * @param wait is called each time that another process is found to have it, and resolves to whether to
 *   try again.
 * @throws {@link Foreseen} if another process that lives has it, and is not waited for.
 */
export async function holdFile(file: string, wait: () => Promise<boolean>): Promise<Hold> {
  const said = (by: string, lock: string) =>
    `${lock}: ${by} is at work on it. Wait until it has ended, or end it.`;
  return await hold(dirname(file), `${basename(file)}.lock`, said, wait);
}

async function hold(
  path: string,
  name: string,
  said: (by: string, lock: string) => string,
  wait: () => Promise<boolean>,
): Promise<Hold> {
  await makeFolder(path);
  const folder = await realpath(path);
  const lock = join(folder, name);
  for (let other = held.get(lock); other !== undefined; other = held.get(lock)) await other;
  let letGo = () => {};
  held.set(
    lock,
    new Promise((resolve) => {
      letGo = resolve;
    }),
  );
  const end = () => {
    held.delete(lock);
    letGo();
  };
  try {
    let taken = await take(folder, name);
    for (; typeof taken === 'string'; taken = await take(folder, name)) {
      const by = taken === '' ? 'another process' : `process ${taken}`;
      if (!(await wait())) throw new Foreseen(said(by, lock));
    }
    const release = taken;
    let released = false;
    return {
      async release() {
        if (released) return;
        released = true;
        await release();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** As `mkdir -p`. Node's own goes round in circles for ever where a folder cannot be made in one that is there. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o750 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o750 });
  }
}

/** @returns what lets go; or the number of the process that has it, '' if it does not say. */
async function take(folder: string, name: string): Promise<(() => Promise<void>) | string> {
  // A socket's path must be short, and a folder's may be long.
  const handle = await open(folder, 'r');
  try {
    const linux = process.platform === 'linux';
    const within = (file: string) =>
      linux ? `/proc/self/fd/${handle.fd}/${file}` : join(folder, file);
    for (;;) {
      const server = await listen(within(name)).catch((error: unknown) => {
        throw unwritable(folder, error);
      });
      if (server !== undefined) {
        return async () => {
          // It unlinks the path that it was given, which leads through the descriptor.
          await new Promise((closed) => server.close(closed));
          await handle.close();
        };
      }
      const holder = await holderOf(within(name));
      if (holder !== undefined) {
        await handle.close();
        return holder;
      }
      await discard(within(name), within(`${name}.${process.pid}`));
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** In the system's words it would be the path that leads through the descriptor. */
function unwritable(folder: string, error: unknown): Error {
  const why = codeOf(error);
  if (why === undefined) return error instanceof Error ? error : new Error(String(error));
  const said = `${folder} cannot be written to (${why}). Let this user write there, or name another folder.`;
  return new Foreseen(said, { cause: error });
}

/** @returns `undefined` if there is a lock already. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {
        // Whoever asked has gone.
      });
      socket.end(String(process.pid));
    });
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Who holds a lock, '' if it does not say; `undefined` if nobody does. */
function holderOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(path);
    const late = setTimeout(() => socket.destroy(), PATIENCE);
    let answered = false;
    socket.on('connect', () => {
      answered = true;
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      said = (said + text).slice(0, 20);
    });
    socket.on('error', () => {
      // Nobody listens any more.
    });
    socket.on('close', () => {
      clearTimeout(late);
      resolve(answered ? said.replaceAll(/\D/g, '') : undefined);
    });
  });
}

/** Takes a stale lock away; one that somebody else has put there meanwhile is put back. */
async function discard(lock: string, aside: string): Promise<void> {
  try {
    await rename(lock, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await holderOf(aside)) === undefined) await rm(aside, { force: true });
  else await rename(aside, lock);
}
