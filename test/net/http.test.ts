import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/clock/index.ts';
import { openHttp } from '../../src/net/http.ts';
import { HttpServer } from '../support/http.ts';

const { signal } = new AbortController();

let server: HttpServer;
beforeEach(async () => {
  server = await HttpServer.listen();
});
afterEach(() => server[Symbol.asyncDispose]());

test.each([
  [65_535, 65_535],
  [65_536, 65_536],
  [1_000_000, 65_536],
])('of an answer of %d bytes %d are read', async (sent, read) => {
  server.say(200, 'x'.repeat(sent));
  const url = `http://127.0.0.1:${server.port}/`;
  const options = { url, method: 'POST', gzip: false, headers: {} } as const;
  const peer = await openHttp(options, { clock: systemClock, signal, key: {} });
  const { body } = await peer.send('', signal);
  expect(body.toString()).toBe('x'.repeat(read));
  await peer.close();
});
