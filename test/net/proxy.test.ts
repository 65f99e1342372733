import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { z } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import http from '../../handlers/http.ts';
import { proxyFor } from '../../src/net/proxy.ts';
import { around } from '../support/delivery.ts';
import { HttpServer } from '../support/http.ts';
import { describeWithPeer } from '../support/peers.ts';
import { point } from '../support/points.ts';
import { Tinyproxy } from '../support/tinyproxy.ts';
import { Certificates } from '../support/tls.ts';

const signal = new AbortController().signal;
const POINTS = [point('load', { value: 0.5 })];

async function send(given: z.input<typeof http.options>): Promise<void> {
  const connection = await http.open({ options: http.options.parse(given), signal, ...around });
  try {
    await connection.write(POINTS, signal);
    await connection.write(POINTS, signal);
  } finally {
    await connection.close();
  }
}

describe('which proxy a request goes through', () => {
  const ENVIRONMENT = {
    HTTP_PROXY: 'http://web.example.net:3128',
    https_proxy: 'secure.example.net:8080',
    NO_PROXY:
      'near.example.net, .inside.example.net,10.0.0.0/8,fd00::/8,192.0.2.7,far.example:8086',
  };
  const through = (
    url: string,
    given?: string,
    environment: Record<string, string> = ENVIRONMENT,
  ) => proxyFor(new URL(url), given, environment)?.host;

  test.each([
    ['http://far.example.net/', 'web.example.net'],
    ['https://far.example.net/', 'secure.example.net'],
    ['http://near.example.net/', undefined],
    ['http://very.near.example.net/', undefined],
    ['http://notnear.example.net/', 'web.example.net'],
    ['http://a.inside.example.net/', undefined],
    ['http://inside.example.net/', 'web.example.net'],
    ['http://10.1.2.3/', undefined],
    ['http://11.1.2.3/', 'web.example.net'],
    ['http://[fd00::1]/', undefined],
    ['http://[fe80::1]/', 'web.example.net'],
    ['http://192.0.2.7:99/', undefined],
    ['http://far.example:8086/', undefined],
    ['http://far.example/', 'web.example.net'],
    ['http://localhost:8086/', undefined],
    ['https://127.0.0.9/', undefined],
    ['http://[::1]/', undefined],
  ])('%s: %s', (url, proxy) => expect(through(url)).toBe(proxy));

  test('the handler has the last word', () => {
    expect(through('http://far.example.net/', 'none')).toBeUndefined();
    expect(through('http://10.1.2.3/', 'http://own.example.net:1')).toBe('own.example.net');
  });

  test('a star spares everybody, and without an environment there is no proxy', () => {
    expect(through('http://a.b/', undefined, { ...ENVIRONMENT, NO_PROXY: '*' })).toBeUndefined();
    expect(through('http://a.b/', undefined, {})).toBeUndefined();
    expect(through('http://a.b/', undefined, { HTTP_PROXY: '' })).toBeUndefined();
  });

  test('a login comes from its URL', () => {
    const proxy = proxyFor(new URL('http://a.b/'), 'http://me:p%40ss@[fd00::1]:3128', {});
    expect(proxy).toEqual({
      host: 'fd00::1',
      port: 3128,
      authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    });
    // A percent sign that escapes nothing is one.
    expect(proxyFor(new URL('http://a.b/'), 'http://me:50%off@proxy:3128', {})).toMatchObject({
      authorization: `Basic ${Buffer.from('me:50%off').toString('base64')}`,
    });
  });

  test.each(['https://proxy.example.net', 'socks5://proxy.example.net', 'http://'])(
    'what is no proxy is said: %s',
    (text) => {
      expect(() => through('http://a.b/', undefined, { HTTP_PROXY: text })).toThrow(
        /^HTTP_PROXY in the environment must be "none" or the URL of a proxy/,
      );
      expect(() => http.options.parse({ url: 'http://a.b/', proxy: text })).toThrow(/proxy/);
    },
  );

  test('whatever the environment says, it is a proxy, none, or said', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.webUrl(), (proxy, spared, url) => {
        try {
          const found = proxyFor(new URL(url), undefined, { HTTP_PROXY: proxy, NO_PROXY: spared });
          if (found !== undefined) expect(found.port).toBeLessThan(65_536);
        } catch (error) {
          expect(`${error}`).toMatch(/^Foreseen: HTTP_PROXY|in the environment/);
        }
      }),
    );
  });
});

describeWithPeer('tinyproxy', 'through a real tinyproxy', () => {
  test('plain HTTP asks the proxy for what is elsewhere', async () => {
    await using server = await HttpServer.listen();
    await using proxy = await Tinyproxy.start();
    const url = `http://127.0.0.1:${server.port}/in?x=1`;
    await send({ url, proxy: `http://127.0.0.1:${proxy.port}` });
    expect(server.asked.map(({ url: path }) => path)).toEqual(['/in?x=1', '/in?x=1']);
    expect(server.asked[0]?.headers.via).toContain('tinyproxy');
    expect(proxy.requests).toContain(`POST ${url} HTTP/1.1`);
  });

  test('with TLS it leads on, and sees nothing', async () => {
    using certificates = new Certificates();
    const { cert, key } = certificates.ours.issue('localhost');
    const asked: string[] = [];
    await using server = createServer(
      { cert: readFileSync(cert), key: readFileSync(key) },
      (request, response) => {
        asked.push(`${request.method} ${request.url}`);
        request.resume().on('end', () => response.writeHead(204).end());
      },
    );
    server.listen(0, 'localhost');
    await vi.waitFor(() => expect(server.listening).toBe(true));
    const { port } = server.address() as AddressInfo;
    await using proxy = await Tinyproxy.start();
    const tls = { ca: certificates.ours.cert };
    const url = `https://localhost:${port}/in`;
    await send({ url, tls, proxy: `http://127.0.0.1:${proxy.port}` });
    expect(asked).toEqual(['POST /in', 'POST /in']);
    expect(proxy.requests).toEqual([`CONNECT localhost:${port} HTTP/1.1`]);
  });

  test('with a login, where the proxy wants one', async () => {
    await using server = await HttpServer.listen();
    await using proxy = await Tinyproxy.start('BasicAuth me very-secret\n');
    const url = `http://127.0.0.1:${server.port}/in`;
    await send({ url, proxy: `http://me:very-secret@127.0.0.1:${proxy.port}` });
    expect(server.asked).toHaveLength(2);
    // It is the proxy's, and goes no further.
    expect(server.asked[0]?.headers['proxy-authorization']).toBeUndefined();
    const wrong = `http://me:wrong@127.0.0.1:${proxy.port}`;
    // It answers and closes without reading the body: now and then its reset overtakes its answer.
    await vi.waitFor(() => expect(send({ url, proxy: wrong })).rejects.toThrow(/407|401/));
    await expect(send({ url: 'https://far.example/', proxy: wrong })).rejects.toThrow(
      /far\.example:443, by the proxy 127\.0\.0\.1:\d+: it leads nobody to far\.example:443 \(40[17] /,
    );
  });

  test('the environment names it', async () => {
    await using proxy = await Tinyproxy.start();
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${proxy.port}`);
    vi.stubEnv('NO_PROXY', '');
    try {
      // Only the proxy is asked for the name.
      await expect(send({ url: 'http://nowhere.invalid:8086/in' })).rejects.toThrow(
        /50\d|ECONNRESET/,
      );
    } finally {
      vi.unstubAllEnvs();
    }
    expect(proxy.requests).toContain('POST http://nowhere.invalid:8086/in HTTP/1.1');
  });
});

describe('a proxy that', () => {
  const far = { url: 'https://far.example/' };

  test('is not there is named', async () => {
    await expect(send({ ...far, proxy: 'http://127.0.0.1:1' })).rejects.toThrow(
      'far.example:443, by the proxy 127.0.0.1:1: connect ECONNREFUSED',
    );
  });

  test.each([
    ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /it is no proxy/],
    ['refuses', 'HTTP/1.1 403 Filtered\r\n\r\n', /\(403 Filtered\)\. Ask whoever runs it/],
    ['never ends its answer', 'x'.repeat(20_000), /its answer has no end/],
  ])('%s is no way', async (_, answer, error) => {
    await using peer = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume().write(answer);
    });
    peer.listen(0, '127.0.0.1');
    await vi.waitFor(() => expect(peer.listening).toBe(true));
    const { port } = peer.address() as AddressInfo;
    await expect(send({ ...far, proxy: `http://127.0.0.1:${port}` })).rejects.toThrow(error);
  });
});
