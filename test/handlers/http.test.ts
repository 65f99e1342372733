import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { z } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import http from '../../handlers/http.ts';
import { SimulatedClock } from '../support/clock.ts';
import { around, points } from '../support/delivery.ts';
import { HttpServer } from '../support/http.ts';
import { point } from '../support/points.ts';
import { blackHole, connectionsTo, TcpPeer } from '../support/tcp-peer.ts';
import { Certificates } from '../support/tls.ts';

const forever = new AbortController().signal;
const at = ({ port }: { port: number }, path = '/in') => `http://127.0.0.1:${port}${path}`;

interface Circumstances {
  readonly signal?: AbortSignal;
  readonly clock?: SimulatedClock;
}

const open = (
  given: z.input<typeof http.options>,
  { signal = forever, clock }: Circumstances = {},
) =>
  http.open({
    options: http.options.parse(given),
    signal,
    ...around,
    ...(clock === undefined ? {} : { clock }),
  });

describe('what is sent', () => {
  test('is a JSON array of points', async () => {
    await using server = await HttpServer.listen();
    const connection = await open({ url: at(server, '/in?source=a') });
    const labels = { device: 'sda' };
    await connection.write(
      [
        point('system.disk.io', { labels, kind: 'counter', unit: 'B', reading: 'value', value: 7 }),
        point('load', { value: 0.5, time: 1_795_219_200.5, path: 'web01.load' }),
      ],
      forever,
    );
    await connection.close();
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', url: '/in?source=a' });
    expect(asked?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(asked?.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(`${asked?.body}`)).toEqual([
      {
        path: 'system.disk.io',
        name: 'system.disk.io',
        labels: { device: 'sda' },
        value: 7,
        unit: 'bytes',
        kind: 'counter',
        time: 1_795_219_200,
        host: 'web01',
      },
      expect.objectContaining({ path: 'web01.load', name: 'load', time: 1_795_219_200.5 }),
    ]);
  });

  test('is lines for InfluxDB, compressed', async () => {
    await using server = await HttpServer.listen();
    const connection = await open({
      url: at(server, '/api/v2/write?org=o&bucket=b&precision=s'),
      format: 'influx',
      token: 'abc',
    });
    const labels = { device: 'sda' };
    await connection.write([point('system.disk.io', { labels, value: 7 })], forever);
    await connection.close();
    expect(server.asked[0]?.headers).toMatchObject({
      authorization: 'Token abc',
      'content-encoding': 'gzip',
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(`${server.asked[0]?.body}`).toBe(
      'system.disk.io,device=sda,host=web01 value=7 1795219200\n',
    );
  });

  test('goes as it is asked for: method, headers, login', async () => {
    await using server = await HttpServer.listen();
    const login = { username: 'agent', password: 'secret' };
    const headers = { 'X-Team': 'storage' };
    const connection = await open({
      url: at(server),
      method: 'PUT',
      gzip: true,
      headers,
      ...login,
    });
    await connection.write(points(0, 1), forever);
    const bearer = await open({ url: at(server), token: 'abc' });
    await bearer.write(points(0, 1), forever);
    const [put, post] = server.asked;
    expect(put?.method).toBe('PUT');
    expect(put?.headers).toMatchObject({
      host: `127.0.0.1:${server.port}`,
      'x-team': 'storage',
      authorization: `Basic ${Buffer.from('agent:secret').toString('base64')}`,
    });
    expect(post?.headers.authorization).toBe('Bearer abc');
    await connection.close();
    await bearer.close();
  });

  test('goes over one connection, and over another where the server has ended that', async () => {
    await using server = await HttpServer.listen();
    const connection = await open({ url: at(server) });
    for (let i = 0; i < 5; i += 1) await connection.write(points(i, i + 1), forever);
    expect(server.accepted).toBe(1);
    server.end();
    await expect.poll(() => connectionsTo(server.port)).toBe(0);
    await connection.write(points(5, 6), forever);
    expect(server.accepted).toBe(2);
    server.answer = (_, response) => response.writeHead(200, { connection: 'close' }).end('ok');
    for (let i = 6; i < 9; i += 1) await connection.write(points(i, i + 1), forever);
    expect(server.asked).toHaveLength(9);
    await connection.close();
    await expect.poll(() => connectionsTo(server.port)).toBe(0);
  });
});

describe('a server that does not take it', () => {
  const refused = async (status: number, body = '', headers = {}, more = {}) => {
    await using server = await HttpServer.listen();
    server.say(status, body, headers);
    const connection = await open({ url: at(server, '/in?db=d&token=hidden'), ...more });
    const error: unknown = await connection.write(points(0, 1), forever).catch((e: unknown) => e);
    if (!(error instanceof Error)) throw new Error(`${status} was taken`);
    await connection.close();
    return `${error.name}: ${error.message.replace(at(server), '<url>')}`;
  };

  test.each([
    [
      400,
      '{"error":"bad line\\nindeed"}',
      'Unsendable: <url>?db=d refuses it with status 400: bad line.',
    ],
    [
      413,
      'too large',
      'Unsendable: <url>?db=d refuses it with status 413: too large. Lower "batch".',
    ],
    [422, '{"message":"what?"}', 'Unsendable: <url>?db=d refuses it with status 422: what?.'],
    [
      401,
      'no',
      'Foreseen: <url>?db=d answers with status 401: no. It wants a login: set "username" and "password", or "token".',
    ],
    [
      403,
      '',
      'Foreseen: <url>?db=d answers with status 403. It wants a login: set "username" and "password", or "token".',
    ],
    [
      404,
      '',
      'Foreseen: <url>?db=d answers with status 404. Check the path of "url", and create db "d" if it is not there.',
    ],
    [
      500,
      'oops\u001b[1m',
      'Foreseen: <url>?db=d answers with status 500: oops?[1m. Its log says why.',
    ],
    [418, '', 'Foreseen: <url>?db=d answers with status 418. Check "url": it may want https.'],
  ] as const)('with %i, is quoted and explained', async (status, body, said) => {
    expect(await refused(status, body)).toBe(said);
  });

  test('is told where it has gone', async () => {
    expect(await refused(301, '', { location: 'https://b.example/' })).toBe(
      'Foreseen: <url>?db=d answers with status 301: it is at https://b.example/. It is somewhere else: change "url".',
    );
  });

  test('knows whose login it refuses, and never which password', async () => {
    const login = { username: 'agent', password: 'sesame' };
    const said = await refused(401, '', {}, login);
    expect(said).toContain('Check username "agent" and its password.');
    expect(await refused(403, '', {}, { token: 'sesame' })).toContain('the owner of this token');
    expect(said).not.toContain('sesame');
  });

  test('is not listened to for long', async () => {
    await using server = await HttpServer.listen();
    server.answer = (_, response) => {
      response.writeHead(400);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    };
    const connection = await open({ url: at(server) });
    const error = await connection.write(points(0, 1), forever).catch((e: unknown) => e);
    expect(String(error).length).toBeLessThan(500);
    server.say(204);
    await connection.write(points(0, 1), forever);
    await connection.close();
  });

  test.each([
    ['120', 120],
    [new Date(Date.UTC(2026, 0, 1) + 30_000).toUTCString(), 30],
    ['999999999', 600],
  ])('is left alone for as long as it asks: Retry-After: %s', async (asked, seconds) => {
    await using server = await HttpServer.listen();
    server.say(503, 'busy', { 'retry-after': asked });
    const clock = new SimulatedClock();
    const options = http.options.parse({ url: at(server) });
    const again = () => http.open({ options, signal: forever, ...around, clock });
    const connection = await again();
    await expect(connection.write(points(0, 1), forever)).rejects.toThrow(
      'status 503: busy. It is busy, and is left alone for as long as it asks.',
    );
    await expect(again()).rejects.toThrow(`asked for a rest: ${seconds} s of it are left.`);
    clock.advance((seconds - 1) * 1000);
    await expect(again()).rejects.toThrow('asked for a rest: 1 s of it are left.');
    expect(server.asked).toHaveLength(1);
    clock.advance(1000);
    server.say(204);
    await (await again()).write(points(0, 1), forever);
  });
});

describe('a peer that is no HTTP server', () => {
  test('is told from one', async () => {
    const peer = await TcpPeer.listen('well');
    const connection = await open({ url: at(peer) });
    const writing = connection.write(points(0, 1), forever);
    writing.catch(() => undefined);
    await expect.poll(() => peer.received.join('')).not.toBe('');
    peer.say('220 mail.example.net ESMTP\r\n');
    await expect(writing).rejects.toThrow(
      `127.0.0.1:${peer.port}: it does not speak HTTP. Check the port, and whether the URL must begin with https.`,
    );
    await peer.close();
  });

  test('neither crashes the agent nor holds it, whatever it says', async () => {
    const whole = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
    const nearly = whole.map((text) => `HTTP/1.1 ${text}\r\n\r\n`);
    const headed = whole.map((text) => `HTTP/1.1 200 OK\r\nRetry-After: ${text}\r\n\r\n${text}`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(whole, nearly, headed), async (said) => {
        const peer = await TcpPeer.listen('well');
        const connection = await open({ url: at(peer) });
        const over = connection.write(points(0, 1), forever).then(
          () => undefined,
          () => undefined,
        );
        await expect.poll(() => peer.received.join(''), { interval: 1 }).not.toBe('');
        peer.say(said);
        peer.end();
        await over;
        await connection.close();
        await peer.close();
      }),
      { numRuns: 60 },
    );
  });

  test('is given up where it hangs, at whatever stage', async () => {
    await using hole = await blackHole();
    const early = AbortSignal.timeout(20);
    await expect(open({ url: at(hole) }, { signal: early })).rejects.toThrow();
    const peer = await TcpPeer.listen('hangs');
    const aborter = new AbortController();
    const connection = await open({ url: at(peer) }, { signal: aborter.signal });
    const stuck = connection.write(points(0, 50_000, 'x'.repeat(200)), aborter.signal);
    setTimeout(() => aborter.abort(), 20);
    await expect(stuck).rejects.toThrow(`127.0.0.1:${peer.port}: given up`);
    expect(connectionsTo(peer.port)).toBe(0);
    await peer.close();
  });

  test('says that nobody listens', async () => {
    const peer = await TcpPeer.listen('well');
    await peer.close();
    await expect(open({ url: at(peer) })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('over TLS', () => {
  test('one connection is kept, and a certificate that has expired is not accepted', async () => {
    using certificates = new Certificates();
    const served = async (expired: boolean) => {
      const pair = certificates.ours.issue(expired ? 'old' : 'new', {
        names: 'DNS:localhost',
        expired,
      });
      const server = createServer({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) });
      let accepted = 0;
      server.on('secureConnection', () => {
        accepted += 1;
      });
      server.on('request', (request, response) => request.resume().on('end', () => response.end()));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      return { url: `https://localhost:${port}/`, close, accepted: () => accepted, port };
    };
    const tls = { ca: certificates.ours.cert };
    const good = await served(false);
    const connection = await open({ url: good.url, tls });
    await connection.write(points(0, 1), forever);
    await connection.write(points(1, 2), forever);
    expect(good.accepted()).toBe(1);
    await connection.close();
    good.close();
    const old = await served(true);
    await expect(open({ url: old.url, tls })).rejects.toThrow(
      `localhost:${old.port}: its certificate, or that of its authority, has expired.`,
    );
    old.close();
  });
});

describe('options', () => {
  const problem = (given: object) =>
    http.options.safeParse({ url: 'https://a.example/', ...given }).error?.issues[0]?.message;

  test.each([
    [{ url: 'a.example' }, 'must be a URL, such as https://metrics.example.net/write'],
    [{ url: 'ftp://a.example/' }, 'must begin with http:// or https://'],
    [{ url: 'http://u:p@a.example/' }, 'must be without a login'],
    [{ url: 'http://a.example/#x' }, 'must be without a part behind "#"'],
    [{ url: 'http://a.example/', tls: {} }, 'must be left out, or the URL must begin with https'],
    [{ password: 'x' }, 'must have a username beside it'],
    [{ username: 'u', token: 't' }, 'must be left out, or "username" and "password" must'],
    [{ headers: { 'Content-Length': '1' } }, 'must not be one that each request has'],
    [{ headers: { a: 'x\r\ny: z' } }, 'must be without line breaks'],
    [{ format: 'influx', url: 'https://a.example/?precision=h' }, 'must have a precision of'],
  ])('are checked: %j', (given, said) => expect(problem(given)).toContain(said));

  test('may be as few as a URL', () => expect(problem({})).toBeUndefined());
});
