import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/**
 * How a peer treats a connection: `well` reads it all, `hangs` accepts and never reads, `closes`
 * ends it after the first bytes, `resets` resets it after the first bytes, `is slow` reads a little now
 * and then.
 */
export type Manner = 'well' | 'hangs' | 'closes' | 'resets' | 'is slow';

/** A real TCP listener on a loopback address that behaves as it is told. */
export class TcpPeer {
  #manner: Manner;
  readonly port: number;
  /** Connections so far. */
  accepted = 0;
  readonly #server: Server;
  readonly #host: string;
  readonly #open = new Set<Socket>();
  readonly #received: Buffer[][] = [];

  static async listen(manner: Manner = 'well', host = '127.0.0.1'): Promise<TcpPeer> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, host);
    await once(server, 'listening');
    return new TcpPeer(server, host, manner);
  }

  constructor(server: Server, host: string, manner: Manner) {
    this.#server = server;
    this.#host = host;
    this.#manner = manner;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** What each connection brought, in the order they came. */
  get received(): readonly Buffer[] {
    return this.#received.map((chunks) => Buffer.concat(chunks));
  }

  /** Nobody listens, and every connection is cut, until {@link listen}. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.port, this.#host);
    await once(this.#server, 'listening');
  }

  /** Treats every connection well from now on, and reads what it has left unread. */
  recover(): void {
    this.#manner = 'well';
    for (const socket of this.#open) socket.resume();
  }

  /** Sends something over every open connection. */
  say(bytes: string): void {
    for (const socket of this.#open) socket.write(bytes);
  }

  /** Ends every connection as a process that exits does. */
  end(): void {
    for (const socket of this.#open) socket.end();
  }

  /** Resets every connection as a process that is killed with unread data does. */
  cut(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const manner = this.#manner;
    const chunks: Buffer[] = [];
    this.accepted += 1;
    this.#received.push(chunks);
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => {
      // A client that gives up resets: part of the game.
    });
    socket.on('data', (bytes: Buffer) => {
      chunks.push(bytes);
      if (manner === 'closes') socket.end();
      if (manner === 'resets') socket.resetAndDestroy();
      if (manner === 'is slow') {
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      }
    });
    if (manner !== 'hangs') socket.resume();
  }
}

/** The client ends of connections to a port of 127.0.0.1 that the kernel still holds memory for. */
export function connectionsTo(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const TIME_WAIT = '06';
  return readFileSync('/proc/self/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/ +/))
    .filter((fields) => fields[2] === remote && fields[3] !== TIME_WAIT).length;
}

const NEVER_ACCEPTS = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.resume());
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData, 0, 0);
  });
`;

/** A port from which no answer comes: the kernel drops every packet that asks for a connection. */
export interface BlackHole extends AsyncDisposable {
  readonly port: number;
}

/**
 * Listens with a thread that sleeps and so never accepts, and fills its backlog: from then on the
 * kernel does not answer any more.
 */
export async function blackHole(): Promise<BlackHole> {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(NEVER_ACCEPTS, { eval: true, workerData: state });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  for (let full = false; !full; ) {
    const filler = connect(port, '127.0.0.1');
    filler.on('error', () => {});
    fillers.push(filler);
    full = await Promise.race([
      once(filler, 'connect').then(() => false),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 100)),
    ]);
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(state, 0, 1);
      Atomics.notify(state, 0);
      await worker.terminate();
    },
  };
}
