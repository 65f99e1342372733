/** What reaches real sockets of libzmq, and what they and we say of what does not fit. */
import type { Connection, Point, z } from 'cullinan/plugin';
import { afterEach, describe, expect, test, vi } from 'vitest';
import zeromq from '../../handlers/zeromq.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler } from '../../src/plugin/index.ts';
import { freePort } from '../support/carbon.ts';
import { around, delivery, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';
import { ZeroMq } from '../support/zeromq.ts';

const forever = new AbortController().signal;
const opened: Connection[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
});
async function open(given: z.input<typeof zeromq.options>): Promise<Connection> {
  const options = zeromq.options.parse({ host: '127.0.0.1', ...given });
  const connection = await zeromq.open({ options, signal: forever, ...around });
  opened.push(connection);
  return connection;
}
const messages = (path: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => [`${path} ${from + i} 1000000000`]);
const within = { timeout: 5000 };

/** Publishes until whoever has just connected is heard of: a subscription takes its time. */
async function untilHeard(connection: Connection, subscriber: ZeroMq, some: Point[]) {
  await vi.waitFor(async () => {
    await connection.write(some, forever);
    expect(subscriber.messages.length).toBeGreaterThan(0);
  }, within);
}

describeWithPeer('libzmq', 'with real sockets of libzmq', () => {
  describe('PUB', () => {
    test('reaches a subscriber that listens, with all of it from the first message on', async () => {
      await using subscriber = await ZeroMq.start({ type: 'SUB', subscribe: [''] });
      const connection = await open({ port: subscriber.port });
      await connection.write(points(0, 500), forever);
      await expect.poll(() => subscriber.messages, within).toEqual(messages('a', 0, 500));
    });

    test('reaches a proxy (XSUB)', async () => {
      await using proxy = await ZeroMq.start({ type: 'XSUB' });
      const connection = await open({ port: proxy.port });
      await connection.write(points(0, 1), forever);
      // It has not subscribed: nothing is sent.
      expect(proxy.messages).toEqual([]);
    });

    test('sends to each subscriber what it is subscribed to, and says how many there are', async () => {
      const port = await freePort();
      const connection = await open({ port, mode: 'bind' });
      await using all = await ZeroMq.start({ type: 'SUB', connect: port, subscribe: [''] });
      await using some = await ZeroMq.start({
        type: 'SUB',
        connect: port,
        subscribe: ['web01.cpu', 'web01.cpu', 'web02'],
      });
      await untilHeard(connection, all, points(0, 1, 'web01.load'));
      await untilHeard(connection, some, points(0, 1, 'web02'));
      await connection.write(points(7, 8, 'web01.cpu.user'), forever);
      await expect
        .poll(() => some.messages.at(-1), within)
        .toEqual(messages('web01.cpu.user', 7, 8)[0]);
      expect(some.messages.filter(([text]) => text?.startsWith('web01.load'))).toEqual([]);
      await expect.poll(() => all.messages.at(-1), within).toEqual(some.messages.at(-1));
      expect(connection.note).toBe('2 peers');
      await some[Symbol.asyncDispose]();
      await expect.poll(() => connection.note).toBe('1 peer');
    });

    test('sends JSON in two parts', async () => {
      await using subscriber = await ZeroMq.start({ type: 'SUB', subscribe: ['web01'] });
      const connection = await open({ port: subscriber.port, payload: 'json' });
      await connection.write([...points(1, 2, 'web01.load'), ...points(1, 2, 'x')], forever);
      await connection.write(points(2, 3, `web01.${'long'.repeat(20_000)}`), forever);
      await expect.poll(() => subscriber.messages.length, within).toBe(2);
      const [[topic, json] = [], [longer] = []] = subscriber.messages;
      expect(topic).toBe('web01.load');
      expect(JSON.parse(`${json}`)).toMatchObject({ name: 'test.number', value: 1, host: 'h' });
      expect(longer).toHaveLength(80_006);
    });

    test('answers pings, and is not given up in silence', async () => {
      await using subscriber = await ZeroMq.start({ type: 'SUB', subscribe: [''], heartbeat: 50 });
      const connection = await open({ port: subscriber.port });
      let ended = false;
      connection.ended?.then(() => {
        ended = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(ended).toBe(false);
      await connection.write(points(0, 1), forever);
      await expect.poll(() => subscriber.messages, within).toEqual(messages('a', 0, 1));
    });

    test('notices that its subscriber has gone, and delivers to the one that comes after it', async () => {
      const first = await ZeroMq.start({ type: 'SUB', subscribe: [''] });
      const { delivery: it, notes } = delivery(systemClock, {
        handler: zeromq as unknown as Handler,
        options: zeromq.options.parse({ host: '127.0.0.1', port: first.port }),
        backoff: { least: 0.05, most: 0.1 },
      });
      it.offer(points(0, 3));
      it.flush();
      await expect.poll(() => first.messages.length, within).toBe(3);
      await first[Symbol.asyncDispose]();
      await vi.waitFor(() => expect(it.status().connected).toBe(false));
      it.offer(points(3, 6));
      it.flush();
      await using second = await ZeroMq.start({ type: 'SUB', subscribe: [''], bind: first.port });
      await expect.poll(() => second.messages, within).toEqual(messages('a', 3, 6));
      expect(await it.stop('shutdown', 1000)).toEqual({ left: 0 });
      expect(it.status()).toMatchObject({ observed: 6, delivered: 6 });
      expect(notes.said[0]).toContain(`127.0.0.1:${first.port}`);
    });
  });

  describe('PUSH', () => {
    test('reaches one that pulls', async () => {
      await using puller = await ZeroMq.start({ type: 'PULL' });
      const connection = await open({ port: puller.port, socket: 'push' });
      await connection.write(points(0, 500), forever);
      await expect.poll(() => puller.messages, within).toEqual(messages('a', 0, 500));
    });

    test('waits for one to come, and then takes turns', async () => {
      const port = await freePort();
      const connection = await open({ port, socket: 'push', mode: 'bind' });
      const waiting = connection.write(points(0, 5), forever);
      await using one = await ZeroMq.start({ type: 'PULL', connect: port });
      await waiting;
      await expect.poll(() => one.messages.length, within).toBe(5);
      await using other = await ZeroMq.start({ type: 'PULL', connect: port });
      await expect.poll(() => connection.note).toBe('2 peers');
      for (let i = 0; i < 4; i += 1) await connection.write(points(i * 5, i * 5 + 5), forever);
      await expect
        .poll(() => [one, other].map(({ messages }) => messages.length), within)
        .toEqual([15, 10]);
    });

    test('gives up waiting at the deadline, so that what waits is counted', async () => {
      const aborter = new AbortController();
      const options = zeromq.options.parse({
        host: '127.0.0.1',
        port: await freePort(),
        socket: 'push',
        mode: 'bind',
      });
      const connection = await zeromq.open({ options, signal: aborter.signal, ...around });
      const waiting = connection.write(points(0, 5), aborter.signal);
      aborter.abort();
      await expect(waiting).rejects.toThrow('no peer has come to take it');
      await connection.ended;
    });
  });

  describe('a login (PLAIN)', () => {
    const login = ['agent', 'secret'] as const;
    const [username, password] = login;

    test('is given to a peer that wants one', async () => {
      await using puller = await ZeroMq.start({ type: 'PULL', login });
      const given = { port: puller.port, socket: 'push' } as const;
      const connection = await open({ ...given, username, password });
      await connection.write(points(0, 2), forever);
      await expect.poll(() => puller.messages, within).toEqual(messages('a', 0, 2));
      await expect(open({ ...given, username, password: 'wrong' })).rejects.toThrow(
        `127.0.0.1:${puller.port}: it refuses us with "400". Check "username" and "password"; its log may know more.`,
      );
      await expect(open(given)).rejects.toThrow(
        /its security is "PLAIN", and ours is "NULL"|closed the connection before it had introduced itself. Check the port, and the security there/,
      );
    });

    test('is wanted of those who connect', async () => {
      const port = await freePort();
      const connection = await open({ port, socket: 'push', mode: 'bind', username, password });
      await using stranger = await ZeroMq.start({
        type: 'PULL',
        connect: port,
        login: ['agent', 'wrong'],
      });
      await expect
        .poll(() => connection.note, within)
        .toBe(
          '0 peers; the latest that was turned away: 127.0.0.1: it logs in with another name or password',
        );
      await using friend = await ZeroMq.start({ type: 'PULL', connect: port, login });
      await connection.write(points(0, 2), forever);
      await expect.poll(() => friend.messages, within).toEqual(messages('a', 0, 2));
      expect(stranger.messages).toEqual([]);
    });
  });

  test('a socket of the wrong type is named', async () => {
    await using publisher = await ZeroMq.start({ type: 'PUB' });
    await expect(open({ port: publisher.port })).rejects.toThrow(
      `127.0.0.1:${publisher.port}: its socket is "PUB", and a PUB sends to SUB and XSUB only. Change "socket" here or the socket there.`,
    );
  });

  test('the program publishes what it observes', async () => {
    await using subscriber = await ZeroMq.start({ type: 'SUB', subscribe: [''] });
    await using agent = new RunningAgent({
      subject: `{ type: zeromq, host: 127.0.0.1, port: ${subscriber.port}, prefix: '' }`,
    });
    await agent.ticks(3);
    const { observed, delivered } = (await agent.stop()).get('subject') ?? {};
    expect(delivered).toBe(observed);
    await expect.poll(() => subscriber.messages.length, within).toBe(observed);
    const loads = [...agent.archived()].filter(([path]) => path.endsWith('.loadavg.01'));
    const sent = loads.flatMap(([path, of]) => [...of.keys()].map((time) => [path, `${time}`]));
    const received = subscriber.messages.map(([text = '']) => text.split(' '));
    expect(sent.length).toBeGreaterThanOrEqual(2);
    for (const [path, time] of sent) {
      expect(received).toContainEqual([path, expect.any(String), time]);
    }
  });
});
