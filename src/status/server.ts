import { once } from 'node:events';
import { link, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { ask } from './client.ts';

/** Milliseconds for somebody who asks to take the answer. */
const PATIENCE = 5000;
/** Askers at a time; others are turned away. */
const MOST = 16;
/** The owner and the group may ask. */
const MODE = 0o660;

/** A socket that answers until it is closed. */
export interface Serving {
  close(): Promise<void>;
}

/**
 * Answers everybody who connects to a local socket, mode 0660, with one line of JSON. What an asker
 * sends is thrown away unread.
 *
 * @param answer is called for each asker.
 * @throws {@link Foreseen} if an agent answers there already, or the system's error.
 */
export async function serve(path: string, answer: () => unknown): Promise<Serving> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    if (open.size >= MOST) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {
      // Somebody who has gone needs no answer.
    });
    socket.setTimeout(PATIENCE, () => socket.destroy());
    socket.resume();
    socket.end(`${JSON.stringify(answer())}\n`);
  });
  await listen(server, path);
  const { ino } = await stat(path);
  // The agent ends when its work does, whoever may still want to ask.
  server.unref();
  return {
    async close() {
      const closed = once(server, 'close');
      await keeping(path, ino, () => void server.close());
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/**
 * Ends what unlinks a path, and keeps what another has put there meanwhile: an agent that takes long to
 * end must not take away the socket of its successor.
 */
async function keeping(path: string, ino: number, end: () => void): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.ino === ino) {
    end();
    return;
  }
  const aside = `${path}.${process.pid}`;
  await link(path, aside).catch(() => undefined);
  end();
  await rename(aside, path).catch(() => undefined);
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await bind(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    const other = await ask(path).catch(() => undefined);
    if (other !== undefined) {
      throw new Foreseen(`${path}: the agent with process number ${other.pid} answers there`);
    }
    if (!(await lstat(path)).isSocket()) {
      throw new Foreseen(`${path}: something that is no socket is there. Name another path.`);
    }
    // Whoever had it was killed.
    await rm(path, { force: true });
    await bind(server, path);
  }
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      server.removeAllListeners('listening').removeAllListeners('error');
      if (error === undefined) resolve();
      else reject(error);
    };
    server.once('error', settle).once('listening', () => settle());
    // The socket is made at once, with this mode: there is no moment at which others could ask.
    const before = process.umask(0o777 & ~MODE);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}
