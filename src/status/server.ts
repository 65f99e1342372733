import { once } from 'node:events';
// What would be asynchronous costs every start four more of Node's modules; these are files in memory.
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { ask } from './client.ts';
import { decodeRequest, MOST_REQUEST, type Request } from './request.ts';
import { type Flow, pour } from './stream.ts';

/** Milliseconds for somebody who asks to take the answer. */
const PATIENCE = 5000;
/** Milliseconds for somebody who asks to say what; who says nothing is told the status. */
const SAYING = 1000;
/** Askers at a time; others are turned away. */
const MOST = 16;
/** The owner and the group may ask. */
const MODE = 0o660;

/** A socket that answers until it is closed. */
export interface Serving {
  close(): Promise<void>;
}

/** What the agent says to a request. What it throws is said to whoever asks. */
export interface Answers {
  /** One object, or a promise of one. */
  answer(request: Exclude<Request, { ask: 'tap' }>): unknown;
  /** What flows until whoever asks has enough. Absent, nothing does. */
  tap?(request: Extract<Request, { ask: 'tap' }>): Promise<Flow>;
}

/**
 * Answers everybody who connects to a local socket, mode 0660: one line of JSON, the request, which
 * may be left out; then one line of JSON, or for a tap as many as there are. Whoever asks waits for the
 * agent, never the other way round: each is one object in memory, and gone when it is slow.
 *
 * @throws {@link Foreseen} if an agent answers there already, or the system's error.
 */
export async function serve(path: string, answers: Answers): Promise<Serving> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const open = new Set<Socket>();
  // Half open: `echo '{"ask":"status"}' | socat - UNIX:…` ends its half before it is answered.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
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
    hear(socket, (line) => void reply(socket, line, answers));
  });
  await listen(server, path);
  const { ino } = statSync(path);
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

/** Reads the first line that is sent, and throws away what follows; '' where none is. */
function hear(socket: Socket, heard: (line: string) => void): void {
  let got = Buffer.alloc(0);
  let done = false;
  const finish = (line: string) => {
    if (done) return;
    done = true;
    clearTimeout(late);
    got = Buffer.alloc(0);
    heard(line);
  };
  // Who has said half of it in time never will: what it is refuses itself as no JSON.
  const late = setTimeout(() => finish(got.toString('utf8')), SAYING);
  socket.once('close', () => {
    done = true;
    clearTimeout(late);
  });
  socket.on('data', (bytes: Buffer) => {
    if (done) return;
    got = Buffer.concat([got, bytes.subarray(0, MOST_REQUEST + 1 - got.length)]);
    const end = got.indexOf(0x0a);
    if (end >= 0) finish(got.toString('utf8', 0, end));
    else if (got.length > MOST_REQUEST) finish('too long');
  });
  socket.once('end', () => finish(got.toString('utf8')));
}

async function reply(socket: Socket, line: string, answers: Answers): Promise<void> {
  const say = (answer: unknown) => {
    if (!socket.destroyed) socket.end(`${JSON.stringify(answer)}\n`);
  };
  try {
    const request = line.trim() === '' ? ({ ask: 'status' } as const) : decodeRequest(line);
    if (request.ask !== 'tap') return say(await answers.answer(request));
    if (answers.tap === undefined) throw new Foreseen('nothing can be tapped here');
    pour(socket, await answers.tap(request));
  } catch (error) {
    say({ error: error instanceof Foreseen ? error.message : 'the agent could not answer' });
  }
}

/**
 * Takes a socket away, and not what another has put there meanwhile: an agent that takes long to end must
 * not take away the socket of its successor.
 */
async function remove(path: string, ino: number): Promise<void> {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.ino === ino) rmSync(path, { force: true });
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
    if (!lstatSync(path).isSocket()) {
      throw new Foreseen(`${path}: something that is no socket is there. Name another path.`);
    }
    // Whoever had it was killed.
    rmSync(path, { force: true });
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
  const apart = mkdtempSync(`${dirname(path)}/.`);
  try {
    const made = join(apart, 's');
    server.listen(made);
    await once(server, 'listening');
    chmodSync(made, MODE);
    linkSync(made, path);
  } catch (error) {
    if (server.listening) await new Promise((closed) => server.close(closed));
    throw error;
  } finally {
    rmSync(apart, { recursive: true, force: true });
  }
}
