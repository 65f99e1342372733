import dns from 'node:dns';
import { networkInterfaces } from 'node:os';
import { decodeLine } from 'cullinan/wire/graphite';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import graphite from '../../handlers/graphite.ts';
import { agent, points } from '../support/delivery.ts';
import { describeHandler } from '../support/handler.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const paths = (received: Buffer): string[] =>
  received
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => decodeLine(line).path);

describeHandler({ handler: graphite, options: (port) => ({ host: '127.0.0.1', port }), paths });

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

async function listen(host?: string): Promise<TcpPeer> {
  const peer = await TcpPeer.listen('well', host);
  onTestFinished(() => peer.close());
  return peer;
}

function open(host: string, port: number, signal = new AbortController().signal) {
  return graphite.open({ options: graphite.options.parse({ host, port }), signal, agent });
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('a point is one line of Carbon', async () => {
  const peer = await listen();
  const connection = await open('127.0.0.1', peer.port);
  await connection.write(points(7, 9, 'servers.web01.load.1m'), new AbortController().signal);
  await connection.close();
  await vi.waitFor(() => expect(peer.open).toBe(0));
  expect(peer.received.join()).toBe(
    'servers.web01.load.1m 7 1000000000\nservers.web01.load.1m 8 1000000000\n',
  );
});

test('has Carbon on this host, at its plaintext port, for a default', () => {
  expect(graphite.options.parse({})).toEqual({ host: 'localhost', port: 2003, keepalive: 60 });
});

test('a refusal says where', async () => {
  const peer = await listen();
  await peer.refuse();
  await expect(open('127.0.0.1', peer.port)).rejects.toMatchObject({
    message: `127.0.0.1:${peer.port}: connect ECONNREFUSED 127.0.0.1:${peer.port}`,
    code: 'ECONNREFUSED',
  });
});

test('a peer that is no Carbon is told by what it sends; its bytes are not kept', async () => {
  const peer = await listen();
  const connection = await open('127.0.0.1', peer.port);
  await vi.waitFor(() => expect(peer.open).toBe(1));
  peer.say('220 mail.example.net ESMTP\r\n');
  await connection.write(points(0, 1), new AbortController().signal);
  peer.say('x'.repeat(1e6));
  expect(await connection.ended).toMatchObject({
    message: expect.stringMatching(/it sent \d+ bytes, and Carbon sends none: is this its port\?/),
  });
});

describe.runIf(hasIPv6)('over IPv6', () => {
  test('connects to an address', async () => {
    const peer = await listen('::1');
    const connection = await open('::1', peer.port);
    await connection.close();
    await vi.waitFor(() => expect(peer.accepted).toBe(1));
  });

  test('tries every address of a name', async () => {
    vi.spyOn(dns.promises, 'lookup').mockImplementation((async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ]) as unknown as typeof dns.promises.lookup);
    const peer = await listen('127.0.0.1');
    const connection = await open('carbon.example.net', peer.port);
    await connection.close();
    await vi.waitFor(() => expect(peer.accepted).toBe(1));
    await peer.refuse();
    await expect(open('carbon.example.net', peer.port)).rejects.toThrow(
      `carbon.example.net:${peer.port}: connect ECONNREFUSED ::1:${peer.port}; ` +
        `connect ECONNREFUSED 127.0.0.1:${peer.port}`,
    );
  });
});

describe('a slow resolver', () => {
  test('has one lookup under way, however often the deadline gives up waiting', async () => {
    let answer: (addresses: dns.LookupAddress[]) => void = () => {};
    const asked = new Promise<dns.LookupAddress[]>((resolve) => {
      answer = resolve;
    });
    const lookup = vi
      .spyOn(dns.promises, 'lookup')
      .mockImplementation((() => asked) as unknown as typeof dns.promises.lookup);
    const peer = await listen();
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const aborter = new AbortController();
      setTimeout(() => aborter.abort(), 2);
      await expect(open('slow.example.net', peer.port, aborter.signal)).rejects.toThrow();
    }
    const opening = open('slow.example.net', peer.port);
    expect(lookup).toHaveBeenCalledTimes(1);
    answer([{ address: '127.0.0.1', family: 4 }]);
    await (await opening).close();

    await (await open('slow.example.net', peer.port)).close();
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  test('that fails, fails every attempt that waits for it, and is asked anew', async () => {
    const lookup = vi
      .spyOn(dns.promises, 'lookup')
      .mockImplementation((() =>
        Promise.reject(
          Object.assign(new Error('getaddrinfo ENOTFOUND gone.example.net'), { code: 'ENOTFOUND' }),
        )) as unknown as typeof dns.promises.lookup);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(open('gone.example.net', 2003)).rejects.toMatchObject({
        message: 'gone.example.net:2003: getaddrinfo ENOTFOUND gone.example.net',
        code: 'ENOTFOUND',
      });
    }
    expect(lookup).toHaveBeenCalledTimes(2);
  });
});
