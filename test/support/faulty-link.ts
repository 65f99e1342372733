import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How a link treats what it is given: `well` carries it both ways; `stalls` takes a connection and never
 * reads from it; `swallows` reads and forgets, as a peer does whose host has lost its power behind a
 * firewall; `crawls` carries a little now and then.
 */
type Manner = 'well' | 'stalls' | 'swallows' | 'crawls';

/** A TCP link between an agent and a real peer, which breaks as it is told. */
export class FaultyLink implements AsyncDisposable {
  readonly port: number;
  /** Where the peer listens; another port is another address. */
  #peer: number;
  #manner: Manner = 'well';
  /** Bytes after which every connection is reset, once. */
  #resetAfter = Number.POSITIVE_INFINITY;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [agent: Socket, peer: Socket]>();

  static async to(peer: number): Promise<FaultyLink> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: false });
    server.listen(0, '127.0.0.1');
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
      else agent.resume();
      if (manner === 'swallows') peer.destroy();
    }
  }

  /** Resets the next connection that has carried so many bytes, in the middle of a batch. */
  resetAfter(bytes: number): void {
    this.#resetAfter = bytes;
  }

  /** Resets every connection. */
  cut(): void {
    for (const [agent, peer] of this.#pairs) {
      agent.resetAndDestroy();
      peer.destroy();
    }
  }

  /** Works again; what was connected is reset, as a router does that knows nothing of it. */
  async repair(peer = this.#peer): Promise<void> {
    this.#peer = peer;
    this.#manner = 'well';
    this.cut();
    if (this.#server.listening) return;
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #carry(agent: Socket): void {
    const peer = connect(this.#peer, '127.0.0.1');
    const pair = [agent, peer] as const;
    this.#pairs.add(pair);
    const gone = () => this.#pairs.delete(pair);
    agent.on('close', gone);
    for (const socket of pair) {
      socket.on('error', () => {
        // Both ends reset and refuse: that is what the link is for.
      });
    }
    agent.on('close', () => peer.destroy());
    peer.on('close', () => {
      // An agent is not told of the end of a peer that has lost its power.
      if (this.#manner !== 'swallows') agent.destroy();
    });
    agent.on('data', (bytes: Buffer) => {
      if (this.#manner === 'swallows') return;
      this.#resetAfter -= bytes.length;
      if (this.#resetAfter <= 0) {
        peer.write(bytes.subarray(0, Math.floor(bytes.length / 2)));
        this.#resetAfter = Number.POSITIVE_INFINITY;
        peer.end();
        agent.resetAndDestroy();
        return;
      }
      const wait = !peer.write(bytes);
      if (this.#manner === 'crawls') {
        agent.pause();
        setTimeout(() => agent.resume(), 20);
      } else if (wait) {
        agent.pause();
        peer.once('drain', () => agent.resume());
      }
    });
    peer.on('data', (bytes: Buffer) => agent.write(bytes));
    if (this.#manner !== 'stalls') agent.resume();
    if (this.#manner === 'swallows') peer.destroy();
  }
}
