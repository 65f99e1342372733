// What the program holds with four handlers on: connected, and with every peer gone for an hour.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { ask, unbalanced } from '../../src/status/index.ts';
import type { RabbitMq } from '../../test/support/rabbitmq.ts';
import { Program } from '../accounting.mjs';

const PROGRAM = fileURLToPath(new URL('../../dist/cullinan.cjs', import.meta.url));
const PLAYER = fileURLToPath(new URL('../../bench/simulated-time.cjs', import.meta.url));
const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Seconds of simulated time until the peers go, and until everything ends: a minute later than an hour. */
const MARKS = [10 * MINUTE, 10 * MINUTE + HOUR + MINUTE] as const;
/** Real milliseconds for what peers answer; a broker that is asked for confirms needs some. */
const ANSWER = 50;
/** Ahead of a mark: five timers or so are a tick, which then takes a second. */
const PACE = 200;
const INTERVAL = 10;

/** Memory in MiB, at so many seconds since the start. */
export interface Mark {
  readonly seconds: number;
  readonly rss: number;
  readonly anonymous: number;
}

/** What one program held and what became of its points. */
export interface Held {
  readonly spool: boolean;
  readonly connected: Mark;
  readonly gone: Mark;
  /** Ticks between the two. */
  readonly ticks: number;
  readonly handlers: readonly Ways[];
  /** Points by which books are off, of all handlers and at both moments. */
  readonly off: number;
  /** Bytes on disk for a point that waits there; `undefined` without a spool. */
  readonly spooled: number | undefined;
}

/** A handler's books at the end. */
export interface Ways extends HandlerStatus {
  /** Bytes that its peer was sent for a point that was delivered, without the headers of TCP/IP. */
  readonly wire: number;
}

/** A peer that is there until it is closed. */
interface Peer {
  readonly port: number;
  /** Bytes so far. */
  readonly taken: () => number;
  readonly close: () => void;
}

const HERE = '127.0.0.1';

/** Takes what comes over TCP, and hands it on where there is somebody behind it. */
async function tcpPeer(behind?: number): Promise<Peer> {
  let bytes = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = behind === undefined ? undefined : connect(behind, HERE);
    for (const one of [socket, ...(onward === undefined ? [] : [onward])]) {
      open.add(one);
      one.on('error', () => undefined).on('close', () => open.delete(one));
    }
    socket.on('data', (piece) => {
      bytes += piece.length;
    });
    if (onward !== undefined) socket.pipe(onward).pipe(socket);
  });
  server.listen(0, HERE);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    taken: () => bytes,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Takes datagrams. */
async function udpPeer(): Promise<Peer> {
  let bytes = 0;
  let open = true;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (datagram) => {
    bytes += datagram.length;
  });
  socket.bind(0, HERE);
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    taken: () => bytes,
    close: () => {
      if (open) socket.close();
      open = false;
    },
  };
}

/** One of each kind, of which the broker is a real one. */
async function peersWith(broker: RabbitMq): Promise<Readonly<Record<string, Peer>>> {
  return {
    graphite: await tcpPeer(),
    statsd: await udpPeer(),
    amqp: await tcpPeer(broker.port),
    ganglia: await udpPeer(),
  };
}

/** A program that has played until its first mark, or both. */
class Played {
  readonly spool: boolean;
  readonly #folder: string;
  readonly #peers: Readonly<Record<string, Peer>>;
  readonly #program: Program;
  readonly #marks: AsyncIterator<string>;
  #off = 0;

  private constructor(
    spool: boolean,
    folder: string,
    peers: Readonly<Record<string, Peer>>,
    program: Program,
  ) {
    this.spool = spool;
    this.#folder = folder;
    this.#peers = peers;
    this.#program = program;
    this.#marks = createInterface(program.output)[Symbol.asyncIterator]();
  }

  static async start(spool: boolean, work: string, broker: RabbitMq): Promise<Played> {
    const name = spool ? 'spool' : 'memory';
    const folder = join(work, name);
    mkdirSync(folder);
    const peers = await peersWith(broker);
    const handlers = Object.entries(peers).map(([handler, { port }]) => {
      const path = join(folder, 'spool', handler);
      const queue = spool ? `, queue: { spool: { path: ${path}, size: 256MiB } }` : '';
      return `  ${handler}: { host: ${HERE}, port: ${port}${queue} }\n`;
    });
    const config = join(folder, 'cullinan.yaml');
    writeFileSync(
      config,
      `interval: ${INTERVAL}s\nstatus: { socket: ${join(folder, 'status.sock')} }\n` +
        `handlers:\n${handlers.join('')}`,
    );
    const program = await Program.start(
      name,
      [
        '/usr/bin/env',
        `NODE_OPTIONS=--require "${PLAYER}"`,
        `CULLINAN_BENCH_MARKS=${MARKS.join(',')}`,
        `CULLINAN_BENCH_ANSWER=${ANSWER}`,
        `CULLINAN_BENCH_PACE=${PACE}`,
        ...[PROGRAM, 'run', '--config', config],
      ],
      folder,
    );
    return new Played(spool, folder, peers, program);
  }

  /** Plays on until the next mark. */
  async mark(): Promise<Mark> {
    const line = await this.#marks.next();
    if (line.done === true) throw new Error('the simulated hour ended early');
    for (const books of await this.#books()) this.#off += Math.abs(unbalanced(books));
    return JSON.parse(line.value) as Mark;
  }

  desert(): void {
    for (const peer of Object.values(this.#peers)) peer.close();
  }

  async #books(): Promise<readonly HandlerStatus[]> {
    return (await ask(join(this.#folder, 'status.sock'))).handlers;
  }

  async held(connected: Mark, gone: Mark): Promise<Held> {
    const handlers = (await this.#books()).map((books) => ({
      ...books,
      wire: (this.#peers[books.name]?.taken() ?? 0) / books.delivered,
    }));
    const points = handlers.reduce((sum, { spooled }) => sum + spooled, 0);
    return {
      ...{ spool: this.spool, connected, gone, handlers, off: this.#off },
      ticks: (gone.seconds - connected.seconds) / INTERVAL,
      spooled: this.spool ? sizeOf(join(this.#folder, 'spool')) / points : undefined,
    };
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

/** Bytes of the files in a folder and below. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}

/**
 * Plays the installed program over this host, without a spool and with one, both at the same time.
 *
 * @param broker is killed on the way.
 */
export async function memory(broker: RabbitMq): Promise<readonly Held[]> {
  const model = await broker.connect();
  const channel = await model.createChannel();
  await channel.assertExchange('graphite', 'topic', { durable: true });
  await channel.assertQueue('memory', { durable: true, maxLength: 100 });
  await channel.bindQueue('memory', 'graphite', '#');
  await model.close();

  const work = mkdtempSync(join(tmpdir(), 'cullinan-fleet-'));
  const programs: Played[] = [];
  try {
    for (const spool of [false, true]) programs.push(await Played.start(spool, work, broker));
    const connected = await Promise.all(programs.map((one) => one.mark()));
    for (const one of programs) one.desert();
    await broker.kill('SIGKILL');
    const gone = await Promise.all(programs.map((one) => one.mark()));
    return await Promise.all(
      programs.map((one, i) => one.held(connected[i] as Mark, gone[i] as Mark)),
    );
  } finally {
    for (const one of programs) one.desert();
    await Promise.all(programs.map((one) => one.stop()));
    rmSync(work, { recursive: true, force: true });
  }
}
