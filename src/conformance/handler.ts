import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../clock/index.ts';
import { type Connection, gauge, type Handler, type Point, type z } from '../plugin/index.ts';
import { type Check, inTime, Unfit } from './check.ts';
import { idleAgent } from './collector.ts';

type Manner = 'reads' | 'is slow' | 'never reads' | 'closes' | 'resets';

/** A listener on the loopback that treats connections in a manner. */
class Peer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  bytes = 0;
  ended = 0;

  static async listen(manner: Manner): Promise<Peer> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Peer(server, manner);
  }

  private constructor(server: Server, manner: Manner) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {
        // It may well be reset, as it resets itself.
      });
      socket.on('close', () => {
        this.ended += 1;
        this.#sockets.delete(socket);
      });
      if (manner === 'never reads') return;
      socket.on('data', (data) => {
        this.bytes += data.length;
        if (manner === 'closes') socket.destroy();
        else if (manner === 'resets') socket.resetAndDestroy();
        else if (manner === 'is slow') {
          socket.pause();
          setTimeout(() => socket.resume(), 20);
        }
      });
      socket.resume();
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const metric = gauge('test.number', { unit: 'count', help: 'A number.' });

/** Points that can be told apart. */
function points(from: number, count: number, long = ''): Point[] {
  return Array.from({ length: count }, (_, i) => {
    const path = `test.${String(from + i).padStart(6, '0')}${long}`;
    const series = { id: from + i, metric, collector: 'test', host: 'web01', labels: {} };
    return {
      name: { series, path, reading: 'value', precision: undefined },
      value: i,
      time: 1.7e9,
    };
  });
}

/** Longer than what the buffers of two sockets take. */
const LONG = `.${'long'.repeat(500)}`;
const GRACE = 3000;
const ILL: readonly Manner[] = ['is slow', 'never reads', 'closes', 'resets'];

/**
 * What every handler with a peer over TCP passes.
 *
 * @param optionsFor what is written in the configuration for a peer at a port of 127.0.0.1.
 */
export function handlerChecks<O extends z.ZodType>(
  handler: Handler<O>,
  optionsFor: (port: number) => unknown,
): readonly Check[] {
  const open = (port: number, signal: AbortSignal): Promise<Connection> => {
    const options = handler.options.parse(optionsFor(port));
    const around = { agent: idleAgent, host: 'web01', clock: systemClock, interval: 10 };
    return handler.open({ options, signal, ...around });
  };
  const none = () => new AbortController().signal;
  return [
    {
      name: 'hands over a batch, and ends when it is closed',
      async run() {
        await using peer = await Peer.listen('reads');
        const connection = await inTime(open(peer.port, none()), GRACE, 'opening');
        await inTime(connection.write(points(0, 300), none()), GRACE, 'writing');
        await inTime(Promise.resolve(connection.close()), GRACE, 'closing');
        await until(() => peer.ended > 0, 'its connection is still open after it was closed');
        if (peer.bytes === 0) throw new Unfit('nothing arrived of what it said it had written');
      },
    },
    {
      name: 'rejects where nobody listens',
      async run() {
        const peer = await Peer.listen('reads');
        const { port } = peer;
        await peer[Symbol.asyncDispose]();
        const opened = open(port, none()).then(async (connection) => {
          await connection.write(points(0, 1), none());
        });
        const failed = await inTime(failure(opened), GRACE, 'opening');
        if (failed === undefined) throw new Unfit('says that it has written, where nobody listens');
      },
    },
    ...ILL.map(
      (manner): Check => ({
        name: `comes to an end with a peer that ${manner}`,
        async run() {
          await using peer = await Peer.listen(manner);
          const aborter = new AbortController();
          const written = (async () => {
            const connection = await open(peer.port, aborter.signal);
            for (let i = 0; i < 20; i += 1) {
              await connection.write(points(100 * i, 100, LONG), aborter.signal);
              await new Promise(setImmediate);
            }
            return connection;
          })();
          const patient = Promise.race([written, new Promise((done) => setTimeout(done, 500))]);
          await failure(patient);
          aborter.abort(new Error('given up'));
          await inTime(failure(written), GRACE, 'a write that was aborted');
        },
      }),
    ),
    {
      name: 'stops opening when it is aborted',
      async run() {
        await using peer = await Peer.listen('never reads');
        const aborter = new AbortController();
        aborter.abort(new Error('given up'));
        await inTime(failure(open(peer.port, aborter.signal)), GRACE, 'opening that was aborted');
      },
    },
  ];
}

/** Why a promise was rejected; nothing, if it was not. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error ?? new Error('without a reason'),
  );

async function until(isSo: () => boolean, otherwise: string): Promise<void> {
  for (let i = 0; i < 100 && !isSo(); i += 1) await new Promise((done) => setTimeout(done, 20));
  if (!isSo()) throw new Unfit(otherwise);
}
