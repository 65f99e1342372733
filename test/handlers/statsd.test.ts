import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import statsd from '../../handlers/statsd.ts';
import type { Connection } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { around, points } from '../support/delivery.ts';
import { describeHandler } from '../support/handler.ts';
import { point } from '../support/points.ts';

const forever = new AbortController().signal;

describeHandler({
  handler: statsd,
  options: (port) => ({ host: '127.0.0.1', port, protocol: 'tcp' as const }),
  paths: (received) =>
    received
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.slice(0, line.indexOf(':'))),
});

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function gone(socket: Socket): Promise<void> {
  socket.close();
  await once(socket, 'close');
}

const open = (port: number, given: object = {}, more: object = {}): Promise<Connection> =>
  statsd.open({
    options: statsd.options.parse({ host: '127.0.0.1', port, ...given }),
    signal: forever,
    ...around,
    ...more,
  });

/** A port of this host and what it was sent. */
async function listen() {
  const socket = await bound();
  onTestFinished(() => gone(socket));
  const received: string[] = [];
  socket.on('message', (datagram) => datagram.length > 0 && received.push(datagram.toString()));
  return { received, port: socket.address().port };
}

test('has statsd on this host, over UDP, for a default', () => {
  expect(statsd.options.parse({})).toMatchObject({
    host: 'localhost',
    port: 8125,
    protocol: 'udp',
    datagram: 1432,
  });
});

test("fills datagrams up to the path's MTU, and never beyond it", async () => {
  const { received, port } = await listen();
  const connection = await open(port);
  await connection.write(points(0, 200, 'servers.web01.loadavg.01'), forever);
  await vi.waitFor(() => expect(received.join('\n').split('\n')).toHaveLength(200));
  const lengths = received.map(({ length }) => length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1432);
  expect(lengths).toHaveLength(Math.ceil(lengths.reduce((sum, n) => sum + n) / 1432));
  await connection.close();
});

test('leaves statsd the time to read a few datagrams before it sends more', async () => {
  const { received, port } = await listen();
  const clock = new SimulatedClock();
  const opening = open(port, { datagram: '1000B' }, { clock });
  await vi.waitFor(() => expect(clock.pending).toBe(1));
  clock.advance(100);
  const connection = await opening;
  const batch = points(0, 100, `a.${'long'.repeat(245)}`);
  const writing = connection.write(batch, forever);
  for (const sent of [32, 64, 96]) {
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    await vi.waitFor(() => expect(received).toHaveLength(sent));
    clock.advance(5);
  }
  await writing;
  await vi.waitFor(() => expect(received).toHaveLength(100));
  const next = connection.write(points(0, 1), forever);
  await vi.waitFor(() => expect(clock.pending).toBe(1));
  clock.advance(5);
  await next;
  clock.advance(5);
  await connection.write(points(0, 1), forever);
  await connection.close();
});

test('speaks of tags and of counters that stand still as it is told to', async () => {
  const { received, port } = await listen();
  const connection = await open(port, { tagFormat: 'dogstatsd', zeros: false });
  const grew = (value: number) =>
    point('io', { kind: 'counter', reading: 'growth', path: 'io;device=sda', value });
  await connection.write([grew(0), grew(5)], forever);
  await vi.waitFor(() => expect(received).toEqual(['io:5|c|#device:sda']));
  await connection.write([grew(0)], forever);
  await connection.close();
});

test('over UDP, spends no points on finding out that nobody listens', async () => {
  const socket = await bound();
  const { port } = socket.address();
  await gone(socket);
  await expect(open(port)).rejects.toMatchObject({
    message: expect.stringMatching(`^127.0.0.1:${port}: .*ECONNREFUSED`),
    code: 'ECONNREFUSED',
  });
});

test('over UDP, notices that nobody listens any more', async () => {
  const socket = await bound();
  const connection = await open(socket.address().port);
  await gone(socket);
  await connection.write(points(0, 1), forever);
  expect(await connection.ended).toMatchObject({ code: 'ECONNREFUSED' });
  await expect(connection.write(points(0, 1), forever)).rejects.toThrow('the socket is closed');
});

test.each(['63B', '65508B'])('refuses datagrams of %s', (datagram) => {
  expect(statsd.options.safeParse({ datagram }).error?.issues).toMatchObject([
    { path: ['datagram'], message: 'must be between 64B and 65507B' },
  ]);
});
