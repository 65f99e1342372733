import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock/index.ts';
import { type Batch, type Connection, codeOf, Foreseen, within } from '../plugin/index.ts';
import { type ZmtpOptions, ZmtpSession } from '../wire/zmtp.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { failed, type Stream } from './stream.ts';
import { endOf, openTcp, written } from './tcp.ts';

/** A peer that speaks ZMTP. */
export interface ZeroMqOptions extends ZmtpOptions, Pick<Endpoint, 'host' | 'port'> {
  /** With PUB: a subscriber that is so many messages behind misses the next batch. */
  readonly highWaterMark: number;
  /** Peers that may connect to us at a time. */
  readonly connections: number;
  /** A batch as messages. */
  readonly encode: (batch: Batch) => readonly ZeroMqMessage[];
}

interface Circumstances {
  readonly clock: Clock;
  /** Gives everything up. */
  readonly signal: AbortSignal;
}

/** A message as it goes over the wire, and what it begins with. */
export interface ZeroMqMessage {
  readonly topic: string;
  readonly bytes: Buffer;
}

/** Seconds of silence after which the kernel probes whether the peer is still there. */
const KEEPALIVE = 60;
/** Milliseconds in which a peer that connects to us has to introduce itself. */
const PATIENCE = 5000;
/** Milliseconds that a peer has to say what it subscribes to; what is published before, it misses. */
const SUBSCRIBING = 250;

/** A peer with which hands are shaken. */
class Peer {
  readonly #session: ZmtpSession;
  readonly #stream: Stream;
  /** Messages that the kernel has not taken yet. */
  #behind = 0;

  constructor(session: ZmtpSession, stream: Stream) {
    this.#session = session;
    this.#stream = stream;
  }

  get behind(): number {
    return this.#behind;
  }

  /** Sends what it is subscribed to. Resolves when the kernel has it. */
  async send(messages: readonly ZeroMqMessage[]): Promise<void> {
    const wanted = messages.filter(({ topic }) => this.#session.wants(topic));
    if (wanted.length === 0) return;
    this.#behind += wanted.length;
    try {
      await this.#stream.write(wanted.map(({ bytes }) => bytes));
    } finally {
      this.#behind -= wanted.length;
    }
  }

  close(): Promise<void> {
    return this.#stream.close();
  }
}

/** What a session of a connection throws is foreseen: it says what is wrong with the peer. */
function reading(session: ZmtpSession, heard: () => void): (bytes: Buffer) => void {
  return (bytes) => {
    try {
      session.receive(bytes);
    } catch (error) {
      throw error instanceof SyntaxError ? new Foreseen(error.message, { cause: error }) : error;
    }
    heard();
  };
}

/** A promise that somebody else resolves. */
function bell(): { readonly rung: Promise<void>; readonly ring: () => void } {
  let ring = () => {};
  const rung = new Promise<void>((resolve) => {
    ring = resolve;
  });
  return { rung, ring };
}

const nothing = () => {};

/** libzmq ends a connection without a word where the security is not its own. */
const UNHEARD =
  'Check the port, and the security there: with PLAIN "username" and "password" must be set, with NULL neither may be.';

/** Connects to a peer that listens. */
export async function connectZeroMq(
  options: ZeroMqOptions,
  { clock, signal }: Circumstances,
): Promise<Connection> {
  const early: Buffer[] = [];
  let stream: Stream | undefined;
  const session = new ZmtpSession(options, (bytes) => {
    if (stream === undefined) early.push(bytes);
    else stream.write([bytes]).catch(nothing); // The stream says itself that it has ended.
  });
  const [ready, subscribed] = [bell(), bell()];
  const received = reading(session, () => {
    if (session.ready) ready.ring();
    if (session.subscriptions > 0) subscribed.ring();
  });
  const { host, port } = options;
  stream = await openTcp({ host, port, keepalive: KEEPALIVE, peer: 'the peer', received }, signal);
  const lost = stream.ended.then((error) => Promise.reject(error));
  lost.catch(nothing); // Told through `ended`, and to whoever waits.
  await stream.write(early);
  try {
    await Promise.race([ready.rung, lost]);
  } catch (error) {
    if (error instanceof Foreseen || signal.aborted) throw error;
    throw new Foreseen(`${(error as Error).message} before it had introduced itself. ${UNHEARD}`, {
      cause: error,
    });
  }
  if (options.type === 'PUB') {
    await Promise.race([within(subscribed.rung, SUBSCRIBING, clock), lost]);
  }
  const peer = new Peer(session, stream);
  return {
    ended: stream.ended,
    write: (batch) => peer.send(options.encode(batch)),
    close: stream.close,
  };
}

/** A connection that a peer has made to us. */
function streamOf(socket: Socket, received: (bytes: Buffer) => void): Stream {
  // Without its port: that is another each time, and would make another sentence of the same.
  const where = socket.remoteAddress ?? 'a peer';
  socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE * 1000);
  socket.on('data', (bytes) => {
    try {
      received(bytes);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return {
    ended: new Promise((resolve) => {
      socket.once('error', (error) => resolve(failed(where, error)));
      socket.once('close', () => resolve(failed(where, 'the peer closed the connection')));
    }),
    write: (bytes) => written(socket, bytes, (error) => failed(where, error)),
    close: () => endOf(socket),
  };
}

/** Listens for peers. What goes wrong with one of them is nothing to the others. */
class Listener implements Connection {
  readonly #options: ZeroMqOptions;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #peers = new Set<Peer>();
  readonly ended: Promise<unknown>;
  #arrived = bell();
  #slow = 0;
  #trouble = '';

  constructor(options: ZeroMqOptions, { clock, signal }: Circumstances) {
    this.#options = options;
    this.#clock = clock;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.connections;
    this.ended = new Promise((resolve) => this.#server.once('close', resolve));
    signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  get note(): string {
    const slow = this.#slow === 0 ? '' : `, ${this.#slow} of them too slow`;
    const { size } = this.#peers;
    return `${size} ${size === 1 ? 'peer' : 'peers'}${slow}${this.#trouble}`;
  }

  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        const code = codeOf(error) ?? 'EIO';
        const remedy =
          code === 'EADDRINUSE'
            ? 'Another program listens there: stop it, or change "port".'
            : 'Change "host" or "port", or let the agent\'s user listen there.';
        reject(
          new Foreseen(`${spoken({ host, port })} cannot be listened on (${code}). ${remedy}`),
        );
      });
      this.#server.listen(port, host, resolve);
    });
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const messages = this.#options.encode(batch);
    if (this.#options.type === 'PUSH') await this.#push(messages, signal);
    else this.#publish(messages);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers].map((peer) => peer.close().catch(nothing)));
    this.#stop();
  }

  /** To all, and whoever is slow misses it: a subscriber must not hold up the others. */
  #publish(messages: readonly ZeroMqMessage[]): void {
    this.#slow = 0;
    for (const peer of this.#peers) {
      if (peer.behind >= this.#options.highWaterMark) this.#slow += 1;
      else peer.send(messages).catch(nothing); // Then it has gone.
    }
  }

  /** To one, in turn; to the next where one has gone. */
  async #push(messages: readonly ZeroMqMessage[], signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const [peer] = this.#peers;
      if (peer === undefined) {
        await this.#somebody(signal);
        continue;
      }
      this.#peers.delete(peer);
      this.#peers.add(peer);
      try {
        return await peer.send(messages);
      } catch {
        this.#peers.delete(peer);
      }
    }
  }

  /** Waits until a peer has come. The signal is that of the connection, and outlives many of them. */
  async #somebody(signal: AbortSignal): Promise<void> {
    let abort = nothing;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(new Error('no peer has come to take it'));
      signal.addEventListener('abort', abort, { once: true });
    });
    try {
      await Promise.race([this.#arrived.rung, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let peer: Peer | undefined;
    const late = this.#clock.after(PATIENCE, () => socket.destroy());
    const session = new ZmtpSession(this.#options, (bytes) => socket.write(bytes));
    const stream = streamOf(
      socket,
      reading(session, () => {
        if (!session.ready || peer !== undefined) return;
        late.cancel();
        peer = new Peer(session, stream);
        this.#peers.add(peer);
        this.#arrived.ring();
        this.#arrived = bell();
      }),
    );
    void stream.ended.then((error) => {
      late.cancel();
      this.#sockets.delete(socket);
      if (peer !== undefined) this.#peers.delete(peer);
      if (error instanceof Foreseen)
        this.#trouble = `; the latest that was turned away: ${error.message}`;
    });
  }

  #stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Listens for peers to connect. */
export async function bindZeroMq(
  options: ZeroMqOptions,
  circumstances: Circumstances,
): Promise<Connection> {
  const listener = new Listener(options, circumstances);
  await listener.listen();
  return listener;
}
