import { once } from 'node:events';
import { chmod, link, lstat, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
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
      server.close();
      await remove(path, ino);
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/**
 * Takes a socket away, and not what another has put there meanwhile: an agent that takes long to end must
 * not take away the socket of its successor.
 */
async function remove(path: string, ino: number): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.ino === ino) await rm(path, { force: true });
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    await bind(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
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

/**
 * Makes a socket in a folder that is nobody else's, and puts it in place once it has its mode: there is no
 * moment at which others could ask. A umask would do it at once, for the whole process: what another
 * thread makes at that moment, such as the folder of a ledger, would be made with it, and be of no use.
 */
async function bind(server: Server, path: string): Promise<void> {
  // Its name is short: that of a socket may have 107 bytes.
  const apart = await mkdtemp(join(dirname(path), '.'));
  try {
    const made = join(apart, 's');
    server.listen(made);
    await once(server, 'listening');
    await chmod(made, MODE);
    await link(made, path);
  } catch (error) {
    if (server.listening) await new Promise((closed) => server.close(closed));
    throw error;
  } finally {
    await rm(apart, { recursive: true, force: true });
  }
}
