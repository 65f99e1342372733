import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openUdp } from '../../src/net/index.ts';
import { Unsendable } from '../../src/plugin/index.ts';

const forever = new AbortController().signal;

async function listen(): Promise<{ socket: Socket; port: number; received: string[] }> {
  const socket = createSocket('udp4');
  const received: string[] = [];
  socket.on('message', (message) => received.push(message.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: (socket.address() as AddressInfo).port, received };
}

test('sends each datagram whole, to a name or an address', async () => {
  const { socket, port, received } = await listen();
  onTestFinished(() => void socket.close());
  for (const host of ['127.0.0.1', 'localhost']) {
    const stream = await openUdp({ host, port }, forever);
    await stream.write([Buffer.from('a 1 1\nb 2 1\n'), Buffer.from('c 3 1\n')]);
    await stream.close();
  }
  await vi.waitFor(() => {
    expect(received.filter((text) => text === 'a 1 1\nb 2 1\n').length).toBeGreaterThan(0);
    expect(received).toContain('c 3 1\n');
  });
});

test('ends when the host answers that nobody listens there', async () => {
  const { socket, port } = await listen();
  const stream = await openUdp({ host: '127.0.0.1', port }, forever);
  await stream.write([Buffer.from('a 1 1\n')]);
  socket.close();
  await once(socket, 'close');
  await stream.write([Buffer.from('a 2 2\n')]);
  expect(await stream.ended).toMatchObject({
    message: expect.stringMatching(new RegExp(`^127.0.0.1:${port}: .*ECONNREFUSED`)),
    code: 'ECONNREFUSED',
  });
  await expect(stream.write([Buffer.from('a 3 3\n')])).rejects.toThrow('the socket is closed');
});

test('refuses what no datagram can hold, and lives on', async () => {
  const { socket, port } = await listen();
  onTestFinished(() => void socket.close());
  const stream = await openUdp({ host: '127.0.0.1', port }, forever);
  await expect(stream.write([Buffer.alloc(70_000)])).rejects.toBeInstanceOf(Unsendable);
  await stream.write([Buffer.from('a 1 1\n')]);
  await stream.close();
});

test('does not begin when it is given up already, and closes when it is given up', async () => {
  const { socket, port } = await listen();
  onTestFinished(() => void socket.close());
  const options = { host: '127.0.0.1', port };
  await expect(openUdp(options, AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  const aborter = new AbortController();
  const stream = await openUdp(options, aborter.signal);
  aborter.abort();
  await expect(stream.write([Buffer.from('a 1 1\n')])).rejects.toThrow('the socket is closed');
});

test('a name without an address is an error that says where', async () => {
  await expect(openUdp({ host: 'nowhere.invalid', port: 2003 }, forever)).rejects.toThrow(
    // The second where this machine has no DNS to ask.
    /^nowhere\.invalid:2003: (no host of this name is known|getaddrinfo EAI_AGAIN)/,
  );
});
