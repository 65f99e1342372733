import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A request as it arrived, its body as it was before it was compressed. */
export interface Asked extends Pick<IncomingMessage, 'headers' | 'method' | 'url'> {
  readonly body: Buffer;
}

type Answer = (asked: Asked, response: ServerResponse) => void;

/** A real HTTP server that answers as it is told, at first with 204. */
export class HttpServer implements AsyncDisposable {
  readonly port: number;
  readonly asked: Asked[] = [];
  /** Connections so far. */
  accepted = 0;
  answer: Answer = (_, response) => response.writeHead(204).end();
  readonly #server;
  readonly #open = new Set<Socket>();

  static async listen(port = 0, host = '127.0.0.1'): Promise<HttpServer> {
    const server = createServer();
    server.listen(port, host);
    await once(server, 'listening');
    return new HttpServer(server);
  }

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.accepted += 1;
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
    });
    server.on('request', async (request, response) => {
      try {
        const bytes = Buffer.concat(await request.toArray());
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
        const { headers, method, url } = request;
        const asked = { headers, method, url, body };
        this.asked.push(asked);
        this.answer(asked, response);
      } catch {
        // A client that gives up resets in mid-request.
      }
    });
  }

  /** Answers every request with this status from now on. */
  say(status: number, body = '', headers: Readonly<Record<string, string>> = {}): void {
    this.answer = (_, response) => response.writeHead(status, headers).end(body);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Ends every connection, as a server does that finds them idle. */
  end(): void {
    for (const socket of this.#open) socket.end();
  }

  /** Resets every connection and listens again. */
  async restart(): Promise<void> {
    const { port } = this;
    await this[Symbol.asyncDispose]();
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.resetAndDestroy();
    await closed;
  }
}
