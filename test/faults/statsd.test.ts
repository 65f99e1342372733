/**
 * What a fault costs with statsd over TCP. It acknowledges nothing and adds up what it gets, so nothing
 * that the kernel took is ever sent again: what was under way when a connection broke is lost, and
 * booked as delivered. Whatever was not under way arrives, once.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { FaultyLink } from '../support/faulty-link.ts';
import { RunningAgent } from '../support/running.ts';

/** Counts what statsd would read: whole lines, of one point each. */
class LineCounter implements AsyncDisposable {
  lines = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  static async listen(): Promise<LineCounter> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LineCounter(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#open.add(socket);
      let rest = '';
      socket.on('close', () => this.#open.delete(socket));
      socket.on('error', () => {
        // A client that gives up resets.
      });
      socket.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) expect(line).toMatch(/^[^:|]+:-?[\d.]+\|[cg]$/);
        this.lines += lines.length;
      });
    });
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
}

interface Scene {
  readonly sink: LineCounter;
  readonly link: FaultyLink;
  readonly agent: RunningAgent;
}

const observed = (agent: RunningAgent): number =>
  [...agent.archived().values()].reduce((sum, points) => sum + points.size, 0);

/** Waits until everything observed so far has arrived: nothing is under way. */
const quiet = ({ agent, sink }: Scene): Promise<void> =>
  vi.waitFor(() => expect(sink.lines).toBe(observed(agent)), { timeout: 20_000, interval: 10 });

/** Runs a fault in the life of an agent; `lossless` tells whether everything has to arrive. */
async function during(fault: (scene: Scene) => Promise<void>, lossless: boolean): Promise<void> {
  await using sink = await LineCounter.listen();
  await using link = await FaultyLink.to(sink.port);
  await using agent = new RunningAgent({
    subject: `{ type: statsd, protocol: tcp, host: 127.0.0.1, port: ${link.port}, prefix: '', timeout: 1s, backoff: { least: 50ms, most: 300ms } }`,
  });
  const scene = { sink, link, agent };
  await agent.ticks(2);
  await quiet(scene);
  await fault(scene);
  const before = { lines: sink.lines, observed: observed(agent) };
  await agent.ticks(3);
  if (lossless) await quiet(scene);
  else {
    const ticks = (2 / 3) * (observed(agent) - before.observed);
    await vi.waitFor(() => expect(sink.lines - before.lines).toBeGreaterThan(ticks), 10_000);
  }
  const books = (await agent.stop()).get('subject');
  if (books === undefined) throw new Error('it has no books of it');
  const { observed: all, delivered, queued, dropped } = books;
  expect(all).toBe(delivered + queued + Object.values(dropped).reduce((sum, n) => sum + n, 0));
  expect(sink.lines).toBeLessThanOrEqual(delivered);
  if (lossless) expect(delivered).toBe(all);
}

describe('statsd loses nothing by', () => {
  test.concurrent('a port where nobody listens', { timeout: 60_000 }, () =>
    during(async ({ link, agent }) => {
      await link.refuse();
      await agent.ticks(2);
      await link.repair();
    }, true),
  );

  test.concurrent('a peer that reads slowly', { timeout: 60_000 }, () =>
    during(async ({ link, agent }) => {
      link.turn('crawls');
      await agent.ticks(2);
      link.turn('well');
    }, true),
  );

  test.concurrent(
    'a peer that restarts ten times while nothing is under way',
    { timeout: 60_000 },
    () =>
      during(async (scene) => {
        for (let i = 0; i < 10; i += 1) {
          // Right after a tick the next is far.
          if (i % 3 === 0) {
            await scene.agent.ticks(1);
            await quiet(scene);
          }
          await scene.sink.restart();
        }
      }, true),
  );
});

describe('statsd loses what is under way, counts nothing twice and goes on after', () => {
  test.concurrent('a peer that takes connections and never reads', { timeout: 60_000 }, () =>
    during(async ({ link, agent }) => {
      link.turn('stalls');
      link.cut();
      await agent.ticks(2);
      await link.repair();
    }, false),
  );

  test.concurrent('a connection whose other end has gone without a word', { timeout: 60_000 }, () =>
    during(async ({ link, agent }) => {
      link.turn('swallows');
      await agent.ticks(2);
      await link.repair();
    }, false),
  );

  test.concurrent('a reset in the middle of a batch', { timeout: 60_000 }, () =>
    during(async ({ link, agent }) => {
      for (let i = 0; i < 3; i += 1) {
        link.resetAfter(2000);
        await agent.ticks(1);
      }
    }, false),
  );
});
