import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { freePort } from './carbon.ts';
import type { Pair } from './tls.ts';

/**
 * How a link treats what it is given: `well` carries it both ways; `stalls` takes a connection and never
 * reads from it; `swallows` reads and forgets, as a peer does whose host has lost its power behind a
 * firewall; `crawls` carries a little now and then.
 */
type Manner = 'well' | 'stalls' | 'swallows' | 'crawls';

/** What a link that crawls carries: so many bytes, then nothing for so many milliseconds. */
const DRIP = { bytes: 512, ms: 20 } as const;

/** A TCP link between an agent and a real peer, which breaks as it is told. */
export class FaultyLink implements AsyncDisposable {
  readonly port: number;
  #host = '127.0.0.1';
  readonly #peer: number;
  #manner: Manner = 'well';
  /** Bytes after which a connection is reset, once, and whom to tell. */
  #reset = { after: Number.POSITIVE_INFINITY, done: () => {} };
  /** With it, it speaks TLS with whoever connects. */
  #identity: SecureContext | undefined;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [agent: Socket, peer: Socket]>();
  /** Those of which something is still being carried, little by little. */
  readonly #dripping = new Set<Socket>();

  static async to(peer: number): Promise<FaultyLink> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: false });
    server.listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    return new FaultyLink(server, peer);
  }

  private constructor(server: Server, peer: number) {
    this.#server = server;
    this.#peer = peer;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (agent) => this.#carry(agent));
  }

  /** Nobody listens any more, and every connection is reset, until {@link repair}. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Treats everything so from now on, what is connected included. */
  turn(manner: Manner): void {
    this.#manner = manner;
    for (const [agent, peer] of this.#pairs) {
      if (manner === 'stalls') agent.pause();
      else if (!this.#dripping.has(agent)) agent.resume();
      if (manner === 'swallows') peer.destroy();
    }
  }

  /** Resets the next connection that has carried so many bytes, in the middle of a batch; resolves when it has. */
  resetAfter(bytes: number): Promise<void> {
    return new Promise((done) => {
      this.#reset = { after: bytes, done };
    });
  }

  /** Resets every connection. */
  cut(): void {
    for (const [agent, peer] of this.#pairs) {
      reset(agent);
      peer.destroy();
    }
  }

  /** Works again; what was connected is reset, as a router does that knows nothing of it. */
  async repair(): Promise<void> {
    this.#manner = 'well';
    this.cut();
    if (this.#server.listening) return;
    this.#server.listen(this.port, this.#host);
    await once(this.#server, 'listening');
  }

  /** Is at another address from now on, and at the old one no more. */
  async move(host: string): Promise<void> {
    await this.refuse();
    this.#host = host;
    await this.repair();
  }

  /** Speaks TLS with a certificate from now on, as a server does that was restarted with it. */
  present({ cert, key }: Pair): void {
    this.#identity = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #carry(socket: Socket): void {
    const secureContext = this.#identity;
    const agent = secureContext ? new TLSSocket(socket, { isServer: true, secureContext }) : socket;
    const peer = connect(this.#peer, '127.0.0.1');
    const pair = [agent, peer] as const;
    this.#pairs.add(pair);
    for (const end of new Set([socket, ...pair])) {
      end.on('error', () => {
        // Both ends reset and refuse: that is what the link is for.
      });
    }
    agent.on('close', () => {
      this.#pairs.delete(pair);
      peer.destroy();
    });
    peer.on('close', () => {
      // An agent is not told of the end of a peer that has lost its power.
      if (this.#manner !== 'swallows') agent.destroy();
    });
    agent.on('data', (bytes: Buffer) => this.#hand(bytes, agent, peer));
    peer.on('data', (bytes: Buffer) => agent.write(bytes));
    if (this.#manner !== 'stalls') agent.resume();
    if (this.#manner === 'swallows') peer.destroy();
  }

  #hand(bytes: Buffer, agent: Socket, peer: Socket): void {
    if (this.#manner === 'swallows') return;
    this.#reset.after -= bytes.length;
    if (this.#reset.after <= 0) {
      const { done } = this.#reset;
      this.#reset = { after: Number.POSITIVE_INFINITY, done: () => {} };
      peer.end(bytes.subarray(0, Math.floor(bytes.length / 2)));
      reset(agent);
      done();
    } else if (this.#manner === 'crawls') {
      agent.pause();
      this.#dripping.add(agent);
      this.#drip(bytes, agent, peer);
    } else if (!peer.write(bytes)) {
      agent.pause();
      peer.once('drain', () => agent.resume());
    }
  }

  #drip(bytes: Buffer, agent: Socket, peer: Socket): void {
    const most = this.#manner === 'crawls' ? DRIP.bytes : bytes.length;
    if (peer.writable) peer.write(bytes.subarray(0, most));
    if (peer.writable && most < bytes.length) {
      setTimeout(() => this.#drip(bytes.subarray(most), agent, peer), DRIP.ms);
    } else {
      this.#dripping.delete(agent);
      agent.resume();
    }
  }
}

/** Ends a connection as a process does that is killed with something unread. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
