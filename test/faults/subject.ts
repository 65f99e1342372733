import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { decodeLine } from 'cullinan/wire/graphite';
import { InfluxDb } from '../support/influxdb.ts';
import type { PeerName } from '../support/peers.ts';
import { RabbitMq } from '../support/rabbitmq.ts';
import { RiemannServer } from '../support/riemann.ts';
import type { Pair } from '../support/tls.ts';

/** Path to time to value. */
export type Points = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A real server that a handler sends to, and what has arrived there for good. */
export interface FaultPeer extends AsyncDisposable {
  readonly port: number;
  received(): Points | Promise<Points>;
  /** Ends it and starts it again, with what it had received. */
  restart(): Promise<void>;
}

/** A handler that has to get every point through. */
export interface Subject {
  readonly name: string;
  /** The program that has to be there. */
  readonly needs?: PeerName;
  peer(): Promise<FaultPeer>;
  /** Its configuration as YAML; names as the archive has them. */
  handler(port: number, more?: string): string;
}

/** A handler whose server can be started at an address, and with a certificate. */
export interface Secured extends Subject {
  readonly needs: PeerName;
  start(wishes: {
    readonly at?: { readonly host: string; readonly port: number };
    readonly pair?: Pair & { readonly ca: string };
  }): Promise<FaultPeer>;
}

/** Reads Carbon's plaintext as strictly as Carbon does: half a line is no point. */
export class LineSink implements FaultPeer {
  readonly port: number;
  readonly #server: Server;
  readonly #host: string;
  readonly #open = new Set<Socket>();
  readonly #points = new Map<string, Map<number, number>>();

  static async listen(host = '127.0.0.1', port = 0): Promise<LineSink> {
    const server = createServer();
    server.listen(port, host);
    await once(server, 'listening');
    return new LineSink(server, host);
  }

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
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
        for (const line of lines) this.#take(line);
      });
    });
  }

  received(): Points {
    return this.#points;
  }

  async restart(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.resetAndDestroy();
    await closed;
    this.#server.listen(this.port, this.#host);
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #take(line: string): void {
    const { path, time, value } = decodeLine(line);
    const points = this.#points.get(path) ?? new Map<number, number>();
    this.#points.set(path, points.set(time, value));
  }
}

/** The pairs of a path and a time are unique, so events need no more. */
class RiemannPeer implements FaultPeer {
  readonly #server: RiemannServer;

  constructor(server: RiemannServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  received(): Points {
    const points = new Map<string, Map<number, number>>();
    for (const { service, time, metric } of this.#server.events) {
      points.set(service, (points.get(service) ?? new Map()).set(time, metric));
    }
    return points;
  }

  restart(): Promise<void> {
    return this.#server.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

export const riemann: Subject = {
  name: 'riemann',
  peer: async () => new RiemannPeer(await RiemannServer.listen()),
  handler: (port, more = '') =>
    `{ type: riemann, host: 127.0.0.1, port: ${port}, service: path, prefix: '', dialect: diamond, timeout: 1s, backoff: { least: 50ms, most: 300ms }${more} }`,
};

/** An InfluxDB that is killed and not asked to stop: what it has acknowledged it has. */
class InfluxPeer implements FaultPeer {
  readonly server: InfluxDb;

  static async start(...wishes: Parameters<typeof InfluxDb.start>): Promise<InfluxPeer> {
    return new InfluxPeer(await InfluxDb.start(...wishes));
  }

  private constructor(server: InfluxDb) {
    this.server = server;
  }

  get port(): number {
    return this.server.port;
  }

  async received(): Promise<Points> {
    const found = await this.server.query('SELECT value FROM /.*/');
    return new Map(
      found.map(({ name, values }) => [
        name,
        new Map(values.map(([time, value]) => [Number(time) / 1000, Number(value)])),
      ]),
    );
  }

  restart(): Promise<void> {
    return this.server.restart();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]();
  }
}

export const http: Secured = {
  name: 'http',
  needs: 'influxdb',
  peer: () => InfluxPeer.start(),
  start: (wishes) => InfluxPeer.start(wishes),
  handler: (port, more = '') =>
    `{ type: http, url: "http://127.0.0.1:${port}/write?db=metrics", format: influx, measurement: path, gzip: false, prefix: '', dialect: diamond, counters: rates, timeout: 1s, backoff: { least: 50ms, most: 300ms }${more} }`,
};

/** A RabbitMQ that is killed and not asked to stop, with a queue that outlives it. */
class RabbitPeer implements FaultPeer {
  readonly #broker: RabbitMq;
  readonly port: number;
  readonly #points = new Map<string, Map<number, number>>();

  static async start({ at, pair }: Parameters<Secured['start']>[0]): Promise<RabbitPeer> {
    const tls = pair && { ...pair, authority: pair.ca };
    const broker = await RabbitMq.start({ ...(at && { at }), ...(tls && { tls }) });
    const model = await broker.connect();
    const channel = await model.createChannel();
    await channel.assertExchange('graphite', 'topic', { durable: true });
    await channel.assertQueue('faults', { durable: true });
    await channel.bindQueue('faults', 'graphite', '#');
    await model.close();
    return new RabbitPeer(broker, tls === undefined ? broker.port : broker.tlsPort);
  }

  private constructor(broker: RabbitMq, port: number) {
    this.#broker = broker;
    this.port = port;
  }

  async received(): Promise<Points> {
    for (const body of await this.#broker.drain('faults')) {
      for (const line of body.toString('utf8').trimEnd().split('\n')) {
        const { path, time, value } = decodeLine(line);
        const points = this.#points.get(path) ?? new Map<number, number>();
        this.#points.set(path, points.set(time, value));
      }
    }
    return this.#points;
  }

  async restart(): Promise<void> {
    await this.#broker.kill('SIGKILL');
    await this.#broker.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#broker[Symbol.asyncDispose]();
  }
}

export const amqp: Secured = {
  name: 'amqp',
  needs: 'rabbitmq',
  peer: () => RabbitPeer.start({}),
  start: (wishes) => RabbitPeer.start(wishes),
  handler: (port, more = '') =>
    `{ type: amqp, host: 127.0.0.1, port: ${port}, samples: 50, prefix: '', dialect: diamond, timeout: 1s, backoff: { least: 50ms, most: 300ms }${more} }`,
};

export const graphite: Subject = {
  name: 'graphite',
  peer: () => LineSink.listen(),
  handler: (port, more = '') =>
    `{ type: graphite, host: 127.0.0.1, port: ${port}, prefix: '', dialect: diamond, timeout: 1s, resend: 20s, backoff: { least: 50ms, most: 300ms }${more} }`,
};
