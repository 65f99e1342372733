import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodeProtobuf } from 'cullinan/wire/protobuf';
import { freePort } from './carbon.ts';

/** An event as it arrived. */
export interface Arrived {
  readonly service: string;
  readonly host: string;
  readonly time: number;
  readonly metric: number;
}

const OK = Buffer.from('000000021001', 'hex');

/**
 * A server that speaks Riemann's protocol, because Debian has none: it takes events and says ok to
 * each message, or refuses it.
 */
export class RiemannServer implements AsyncDisposable {
  readonly port: number;
  readonly events: Arrived[] = [];
  /** The messages as they came. */
  readonly messages: Buffer[] = [];
  /** What it answers with instead of ok. */
  refusal: string | undefined;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  static async listen(): Promise<RiemannServer> {
    const server = createServer();
    server.listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    return new RiemannServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket));
  }

  async restart(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.resetAndDestroy();
    await closed;
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('error', () => {
      // A client that gives up resets.
    });
    let rest = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
        const length = rest.readUInt32BE();
        this.#take(rest.subarray(4, 4 + length));
        rest = rest.subarray(4 + length);
        socket.write(this.#answer());
      }
    });
  }

  #answer(): Buffer {
    if (this.refusal === undefined) return OK;
    const why = Buffer.from(this.refusal);
    const message = Buffer.concat([Buffer.from([0x10, 0, 0x1a, why.length]), why]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(message.length);
    return Buffer.concat([head, message]);
  }

  #take(message: Buffer): void {
    this.messages.push(Buffer.from(message));
    if (this.refusal !== undefined) return;
    for (const { field, value } of decodeProtobuf(message) ?? []) {
      if (field !== 6 || !Buffer.isBuffer(value)) throw new Error(`field ${field} in a message`);
      const fields = new Map(decodeProtobuf(value)?.map((each) => [each.field, each.value]));
      this.events.push({
        service: String(fields.get(3)),
        host: String(fields.get(4)),
        time: Number(fields.get(10)) / 1e6,
        metric: Number(fields.get(14)),
      });
    }
  }
}
