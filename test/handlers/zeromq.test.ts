import { getEventListeners, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Connection, z } from 'cullinan/plugin';
import { zmtpFrame } from 'cullinan/wire/zmtp';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import zeromq from '../../handlers/zeromq.ts';
import { freePort } from '../support/carbon.ts';
import { SimulatedClock } from '../support/clock.ts';
import { around, points } from '../support/delivery.ts';
import { connectionsTo, TcpPeer } from '../support/tcp-peer.ts';

const forever = new AbortController().signal;
const sockets: Socket[] = [];
const opened: Connection[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const connection of opened.splice(0)) await connection.close();
});

async function open(given: z.input<typeof zeromq.options>, clock = around.clock) {
  const options = zeromq.options.parse({ host: '127.0.0.1', ...given });
  const connection = await zeromq.open({ options, signal: forever, ...around, clock });
  opened.push(connection);
  return connection;
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** The first bytes of a peer. */
const greeting = (type: string) =>
  Buffer.concat([
    Buffer.from('ff00000000000000017f0301', 'hex'),
    Buffer.from('NULL'.padEnd(52, '\0')),
    zmtpFrame(
      Buffer.from(
        `\u0005READY\u000bSocket-Type\0\0\0${String.fromCharCode(type.length)}${type}`,
        'latin1',
      ),
      { command: true },
    ),
  ]);
/** Those of a subscriber to everything. */
const SUBSCRIBER = Buffer.concat([greeting('SUB'), zmtpFrame(Buffer.from('\u0001'))]);

describe('a peer that is no ZeroMQ', () => {
  test('is told from one', async () => {
    const peer = await TcpPeer.listen('well');
    const opening = open({ port: peer.port });
    opening.catch(() => undefined);
    await expect.poll(() => peer.received.join('')).not.toBe('');
    peer.say('220 mail.example.net ESMTP\r\n');
    await expect(opening).rejects.toThrow(
      `127.0.0.1:${peer.port}: it does not speak ZeroMQ. Check the port.`,
    );
    await peer.close();
  });

  test('that says nothing is given up with the connection', async () => {
    const peer = await TcpPeer.listen('well');
    const options = zeromq.options.parse({ host: '127.0.0.1', port: peer.port });
    const aborter = new AbortController();
    const opening = zeromq.open({ options, signal: aborter.signal, ...around });
    setTimeout(() => aborter.abort(), 20);
    await expect(opening).rejects.toThrow();
    await expect.poll(() => connectionsTo(peer.port)).toBe(0);
    await peer.close();
  });
});

describe('listening', () => {
  test('says who is in the way', async () => {
    const port = await freePort();
    await open({ mode: 'bind', port });
    await expect(open({ mode: 'bind', port })).rejects.toThrow(
      `127.0.0.1:${port} cannot be listened on (EADDRINUSE). Another program listens there`,
    );
  });

  test('gives whoever connects five seconds to introduce himself', async () => {
    const port = await freePort();
    const clock = new SimulatedClock();
    const connection = await open({ mode: 'bind', port }, clock);
    const silent = (await connected(port)).resume();
    const peer = await connected(port);
    peer.write(SUBSCRIBER);
    await expect.poll(() => connection.note).toBe('1 peer');
    await expect.poll(() => clock.pending).toBe(1);
    clock.advance(5000);
    await once(silent, 'close');
    expect(connection.note).toBe('1 peer');
  });

  test('waits for somebody to take it, and for nothing any more once it was taken', async () => {
    const port = await freePort();
    const connection = await open({ mode: 'bind', socket: 'push', port });
    const { signal } = new AbortController();
    for (let time = 0; time < 3; time += 1) {
      const writing = connection.write(points(0, 1), signal);
      const peer = await connected(port);
      peer.write(greeting('PULL'));
      await writing;
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      peer.destroy();
      await expect.poll(() => connection.note).toBe('0 peers');
    }
  });

  test('is told where nobody comes', async () => {
    const connection = await open({ mode: 'bind', socket: 'push', port: await freePort() });
    const aborter = new AbortController();
    const writing = connection.write(points(0, 1), aborter.signal);
    aborter.abort();
    await expect(writing).rejects.toThrow('no peer has come to take it');
  });

  test('takes so many and no more', async () => {
    const port = await freePort();
    await open({ mode: 'bind', port, connections: 1 });
    await connected(port);
    const second = await connected(port);
    await once(second, 'close');
  });

  test('does not wait for a subscriber that is slow, and others miss nothing', async () => {
    const port = await freePort();
    const connection = await open({ mode: 'bind', port, highWaterMark: 100 });
    const [slow, quick] = [await connected(port), await connected(port)];
    let read = 0;
    quick.on('data', (bytes: Buffer) => {
      read += bytes.length;
    });
    slow.pause();
    for (const socket of [slow, quick]) socket.write(SUBSCRIBER);
    await expect.poll(() => connection.note).toBe('2 peers');
    // Their subscriptions come right behind.
    await new Promise(setImmediate);
    const batch = points(0, 1000, 'x'.repeat(1000));
    let sent = 0;
    while (!connection.note?.includes('slow')) {
      const before = read;
      await connection.write(batch, forever);
      sent += 1;
      await expect.poll(() => read - before, { interval: 1 }).toBeGreaterThan(1000 * 1000);
      if (sent > 100) throw new Error('nobody was slow');
    }
    expect(connection.note).toBe('2 peers, 1 of them too slow');
  });

  test('outlives whatever is said to it', async () => {
    const port = await freePort();
    const connection = await open({ mode: 'bind', port, connections: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.nat(SUBSCRIBER.length),
        async (bytes, cut) => {
          const socket = connect(port, '127.0.0.1');
          socket.on('error', () => undefined);
          socket.end(Buffer.concat([SUBSCRIBER.subarray(0, cut), bytes]));
          socket.resume();
          await new Promise((resolve) => socket.once('close', resolve));
        },
      ),
      { numRuns: 50 },
    );
    await expect.poll(() => connection.note).toMatch(/^0 peers/);
    const peer = await connected(port);
    peer.write(SUBSCRIBER);
    await expect.poll(() => connection.note).toMatch(/^1 peer/);
  });
});

test('a login is a name and a password, of at most 255 bytes', () => {
  const taken = (given: object) => zeromq.options.safeParse(given).success;
  expect(taken({ username: 'a', password: 'b' })).toBe(true);
  expect(taken({ username: 'a' })).toBe(false);
  expect(taken({ username: 'é'.repeat(128), password: 'b' })).toBe(false);
});
