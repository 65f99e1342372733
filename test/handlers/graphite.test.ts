import { createSocket } from 'node:dgram';
import dns from 'node:dns';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { decodeLine, encodeLines } from 'cullinan/wire/graphite';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import graphite from '../../handlers/graphite.ts';
import { Draft } from '../../src/columns/index.ts';
import { around, points } from '../support/delivery.ts';
import { describeHandler } from '../support/handler.ts';
import { decodePickles } from '../support/pickle.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const paths = (received: Buffer): string[] =>
  received
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => decodeLine(line).path);

describeHandler({ handler: graphite, options: (port) => ({ host: '127.0.0.1', port }), paths });

describe('with pickles', () => {
  describeHandler({
    handler: graphite,
    options: (port) => ({ host: '127.0.0.1', port, format: 'pickle' as const }),
    paths: (received) => decodePickles(received).flatMap((frame) => frame.map(([path]) => path)),
  });
});

const hasIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');

async function listen(host?: string): Promise<TcpPeer> {
  const peer = await TcpPeer.listen('well', host);
  onTestFinished(() => peer.close());
  return peer;
}

/** The peers that options stand for. */
const names = (given: object) =>
  (graphite.peers?.(graphite.options.parse(given)) ?? []).map(({ name, accepts }) => ({
    name,
    accepts,
  }));

function open(host: string, port: number, signal = new AbortController().signal) {
  return graphite.open({ options: graphite.options.parse({ host, port }), signal, ...around });
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

test('many points in columns are the same lines, tick for tick', async () => {
  const peer = await listen();
  const connection = await open('127.0.0.1', peer.port);
  const draft = new Draft();
  const names = Array.from({ length: 1500 }, (_, i) => points(0, 1, `servers.web01.n${i}`)).flat();
  let expected = '';
  for (const time of [1_700_000_000, 1_700_000_001, 1_700_000_009]) {
    const batch = names.flatMap(({ name }, i) =>
      // Some come and go, some get a digit more.
      (i + time) % 50 === 0
        ? []
        : [{ name, value: i % 3 === 0 ? 0 : (i * (time % 100)) / 8, time }],
    );
    for (const { name, value, time } of batch) draft.push(name, value, time);
    const columns = draft.take();
    for (const part of [columns.part(0, 1000), columns.part(1000, columns.length)]) {
      await connection.writePacked?.(part, new AbortController().signal);
    }
    expected += encodeLines(batch);
  }
  await connection.close();
  await vi.waitFor(() => expect(peer.open).toBe(0));
  expect(peer.received.join('')).toBe(expected);
});

test('has Carbon on this host, at its plaintext port, for a default', () => {
  expect(graphite.options.parse({})).toMatchObject({ host: 'localhost', protocol: 'tcp' });
  expect(names({})).toEqual([{ name: '', accepts: undefined }]);
});

test.each([
  [{ lineEnd: 'crlf' }, undefined, '\r\n'],
  [{}, 'collectd', '\r\n'],
  [{ lineEnd: 'lf' }, 'collectd', '\n'],
  [{}, 'diamond', '\n'],
] as const)(
  'with %j and dialect %s, a line ends as its readers expect',
  async (given, dialect, end) => {
    const peer = await listen();
    const options = graphite.options.parse({ host: '127.0.0.1', port: peer.port, ...given });
    const signal = new AbortController().signal;
    const connection = await graphite.open({ options, signal, ...around, dialect });
    await connection.write(points(7, 8, 'a'), signal);
    await connection.close();
    await vi.waitFor(() => expect(peer.received.join()).toBe(`a 7 1000000000${end}`));
  },
);

test('over UDP, each datagram has whole lines and no more than it may', async () => {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  const received: string[] = [];
  socket.on('message', (datagram) => received.push(datagram.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const options = { host: '127.0.0.1', port, protocol: 'udp', datagram: '100B' };
  const signal = new AbortController().signal;
  const connection = await graphite.open({
    options: graphite.options.parse(options),
    signal,
    ...around,
  });
  await connection.write(points(0, 20, 'servers.web01.load'), signal);
  await vi.waitFor(() => expect(received.join('').split('\n')).toHaveLength(21));
  for (const datagram of received) {
    expect(datagram.length).toBeLessThanOrEqual(100);
    expect(datagram.endsWith('\n')).toBe(true);
  }
  await connection.close();
});

describe('several hosts', () => {
  const host = ['127.0.0.1:2003=a', '127.0.0.1:2103=b', '[::1]=c'];
  const all = Array.from({ length: 100 }, (_, i) => `servers.web${i}.loadavg.01`);

  test('are one peer each, which takes everything', () => {
    expect(names({ host })).toEqual(
      ['127.0.0.1:2003', '127.0.0.1:2103', '[::1]:2003'].map((name) => ({
        name,
        accepts: undefined,
      })),
    );
    expect(names({ host: ['a', 'b'], format: 'pickle' }).map(({ name }) => name)).toEqual([
      'a:2004',
      'b:2004',
    ]);
  });

  test('are one peer with failover', () => {
    expect(names({ host, route: 'failover' })).toEqual([{ name: '', accepts: undefined }]);
  });

  test.each(['carbon_ch', 'fnv1a_ch', 'jump_fnv1a_ch'])('with %s divide the paths', (route) => {
    const peers = names({ host, route });
    for (const path of all) {
      expect(peers.filter(({ accepts }) => accepts?.(path))).toHaveLength(1);
    }
    for (const { accepts } of peers) expect(all.some((path) => accepts?.(path))).toBe(true);
  });
});

test.each([
  [
    { host: 'a b' },
    'host',
    'must be host, host:port or host:port=instance, and "a b" is none of them',
  ],
  [{ host: ['a', 'a:2003'] }, 'host', 'must not name a host and port twice'],
  [
    { host: ['a:1', 'a:2'], route: 'carbon_ch' },
    'host',
    'must tell hosts apart by name or instance: carbon_ch does not look at ports',
  ],
  [
    { host: ['a=1', 'b'], route: 'jump_fnv1a_ch' },
    'host',
    'must have an instance for every host, or for none: instances order the hosts',
  ],
  [{ protocol: 'udp', tls: {} }, 'tls', 'must be left out: UDP has no TLS'],
  [{ format: 'pickle', lineEnd: 'crlf' }, 'lineEnd', 'must be left out: a pickle has no lines'],
  [
    { relay: 'carbon' },
    'relay',
    'must be left out: only a route by consistent hash agrees with a relay',
  ],
  [
    { relay: 'carbon', route: 'jump_fnv1a_ch', host: ['a', 'b'] },
    'relay',
    'must be carbon-c-relay, or left out: the relay of Carbon has no jump_fnv1a_ch',
  ],
  [
    { protocol: 'udp', format: 'pickle' },
    'format',
    'must be plaintext: Carbon takes no pickles over UDP',
  ],
  [
    { protocol: 'udp', route: 'failover' },
    'route',
    'must not be failover: UDP does not tell whether a host answers',
  ],
  [{ protocol: 'udp', datagram: '10B' }, 'datagram', 'must be between 64B and 65507B'],
  [{ tls: { cert: '/a.pem' } }, 'tls', 'must have both "cert" and "key", or neither'],
  [{ tls: { ca: 'a.pem' } }, 'tls', 'must be a whole path: begin it with a slash'],
])('%j is wrong', (given, key, message) => {
  const { error } = graphite.options.safeParse(given);
  expect(error?.issues.map(({ path, message }) => [path[0], message])).toEqual([[key, message]]);
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
