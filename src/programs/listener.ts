import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { Lines } from './lines.ts';

/** Where programs send to. */
export type Place =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'udp' | 'tcp'; readonly host: string; readonly port: number };

/** `unix:/run/it.sock`, `udp:127.0.0.1:8125`, `tcp:[::1]:2003`; why not, for any other text. */
export function placeIn(text: string): Place | string {
  const [, path] = /^unix:(\/.+)$/.exec(text) ?? [];
  if (path !== undefined) {
    return Buffer.byteLength(path) > 107 ? 'be at most 107 bytes long' : { kind: 'unix', path };
  }
  const match = /^(udp|tcp):(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  if (match === null || port > 65_535) {
    return 'be unix:/a/path, udp:127.0.0.1:8125 or tcp:127.0.0.1:2003';
  }
  return { kind: match[1] === 'udp' ? 'udp' : 'tcp', host: match[2] ?? match[3] ?? '', port };
}

const spelled = (place: Place): string =>
  place.kind === 'unix' ? `unix:${place.path}` : `${place.kind}:${place.host}:${place.port}`;

export interface Bounds {
  /** Connections at once; more are closed when they come. */
  readonly connections: number;
  /** Bytes that one tick takes in, of all connections to this place together. */
  readonly bytes: number;
  /** Permissions of a unix socket. */
  readonly mode: number;
}

/** Milliseconds after which a connection without a word is closed. */
const IDLE = 600_000;
/** Bytes of answers that a client has not read; one with more is no longer answered, but closed. */
const UNREAD = 256 * 1024;

/** What one line is answered; `undefined` for nothing. */
export type Answer = (line: string) => string | undefined;

/** Listens at one place. Whatever comes is bounded: lines, connections, bytes of a tick, answers that nobody reads. */
export class Listener {
  readonly place: Place;
  readonly #answer: Answer;
  readonly #bounds: Bounds;
  readonly #idle: number;
  readonly #connections = new Set<Socket>();
  #server: Server | undefined;
  #datagrams: Datagrams | undefined;
  #bytes = 0;
  /** Connections that were turned away, datagrams that were left out, and lines that were too long. */
  readonly #lost = { connections: 0, datagrams: 0, lines: 0 };

  private constructor(place: Place, answer: Answer, bounds: Bounds, idle: number) {
    this.place = place;
    this.#answer = answer;
    this.#bounds = bounds;
    this.#idle = idle;
  }

  /** @throws Foreseen if it is taken, or not ours to take. */
  static async open(place: Place, answer: Answer, bounds: Bounds, idle = IDLE): Promise<Listener> {
    const it = new Listener(place, answer, bounds, idle);
    try {
      if (place.kind === 'udp') await it.#bind(place.host, place.port);
      else await it.#listen(place);
    } catch (cause) {
      await it.close();
      const why = codeOf(cause) ?? (cause as Error).message;
      throw new Foreseen(`cannot listen at ${spelled(place)} (${why})`, { cause });
    }
    return it;
  }

  /** A tick: what waited may go on. @returns what was lost since the one before. */
  *turn(): Generator<Error> {
    this.#bytes = 0;
    for (const connection of this.#connections) connection.resume();
    const { connections, datagrams, lines } = this.#lost;
    const at = spelled(this.place);
    if (connections > 0) {
      yield new Foreseen(
        `${at}: ${connections} connections beyond ${this.#bounds.connections} were closed`,
      );
    }
    if (datagrams > 0) {
      yield new Foreseen(
        `${at}: ${datagrams} datagrams beyond ${this.#bounds.bytes} bytes a tick were left out`,
      );
    }
    if (lines > 0) yield new Foreseen(`${at}: ${lines} lines were too long to be read`);
    Object.assign(this.#lost, { connections: 0, datagrams: 0, lines: 0 });
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server?.listening) {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    }
    const datagrams = this.#datagrams;
    this.#datagrams = undefined;
    if (datagrams !== undefined) {
      await new Promise<void>((resolve) => {
        datagrams.close(() => resolve());
      });
    }
  }

  async #bind(host: string, port: number): Promise<void> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    this.#datagrams = socket;
    socket.on('error', () => {
      // What one datagram did to it is over with the datagram.
    });
    socket.on('message', (datagram) => {
      this.#bytes += datagram.length;
      if (this.#bytes > this.#bounds.bytes) {
        this.#lost.datagrams += 1;
        return;
      }
      for (const line of datagram.toString('utf8').split('\n')) {
        if (line !== '') this.#answer(line.endsWith('\r') ? line.slice(0, -1) : line);
      }
    });
  }

  async #listen(place: Place): Promise<void> {
    if (place.kind === 'unix') await forsaken(place.path);
    const server = createServer((socket) => this.#serve(socket));
    if (place.kind === 'unix') server.listen(place.path);
    else server.listen(place.port, place.host);
    await once(server, 'listening');
    this.#server = server;
    server.on('error', () => {
      // Nothing can be accepted for a moment, as when there are no descriptors left.
    });
    if (place.kind === 'unix') await chmod(place.path, this.#bounds.mode);
  }

  #serve(socket: Socket): void {
    if (this.#connections.size >= this.#bounds.connections) {
      this.#lost.connections += 1;
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    const lines = new Lines((line) => {
      const answer = this.#answer(line);
      if (answer === undefined || !socket.writable) return;
      if (socket.writableLength > UNREAD) socket.destroy();
      else socket.write(`${answer}\n`);
    });
    socket.setTimeout(this.#idle, () => socket.destroy());
    socket.on('error', () => {
      // The client is gone; what it had said is kept.
    });
    socket.on('data', (piece: Buffer) => {
      this.#bytes += piece.length;
      lines.push(piece);
      if (this.#bytes > this.#bounds.bytes) socket.pause();
    });
    socket.once('end', () => lines.end());
    socket.once('close', () => {
      this.#lost.lines += lines.tooLong;
      this.#connections.delete(socket);
    });
  }
}

/** Takes away a socket at which nobody listens any more. */
async function forsaken(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  // A connection to somebody's file is refused, too.
  if (there?.isSocket() !== true) return;
  const probe = connect(path);
  const answered = await new Promise<string | undefined>((resolve) => {
    probe.once('connect', () => resolve('EADDRINUSE'));
    probe.once('error', (error) => resolve(codeOf(error)));
  });
  probe.destroy();
  if (answered === 'ECONNREFUSED') await unlink(path);
}
