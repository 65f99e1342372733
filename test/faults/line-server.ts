import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../support/carbon.ts';

/** Reads lines over TCP as strictly as Carbon does: what a connection ends in the middle of is no line. */
export class LineServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  static async listen(take: (line: string) => void): Promise<LineServer> {
    const server = new LineServer(await freePort(), take);
    await server.#listen();
    return server;
  }

  private constructor(port: number, take: (line: string) => void) {
    this.port = port;
    this.#server = createServer((socket) => {
      this.#open.add(socket);
      let rest = '';
      socket.setEncoding('utf8');
      socket.on('close', () => this.#open.delete(socket));
      socket.on('error', () => {
        // A client that gives up resets.
      });
      socket.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line);
      });
    });
  }

  async restart(): Promise<void> {
    await this.#close();
    await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.resetAndDestroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}
