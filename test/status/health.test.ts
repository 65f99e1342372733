import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { probe } from '../../src/status/health.ts';
import { type Condition, conditionOf } from '../../src/status/index.ts';
import { chance } from '../support/damaged.ts';

const books = (name: string, more: Partial<HandlerStatus>): HandlerStatus => ({
  ...{ name, type: 'graphite', observed: 0, delivered: 0, queued: 0, spooled: 0, resent: 0 },
  ...{ failures: 0, connected: false },
  dropped: {
    ...{ overflow: 0, expired: 0, 'spool-full': 0, damaged: 0, 'held-back': 0 },
    ...{ unsendable: 0, shutdown: 0, reload: 0 },
  },
  ...more,
});

const condition = (sinceTick: number, ...handlers: HandlerStatus[]): Condition =>
  conditionOf({ status: { handlers }, sinceTick, interval: 10 });

test('it lives while ticks come', () => {
  expect(condition(9)).toEqual({ alive: true, ready: true, reasons: [] });
  expect(condition(36)).toEqual({
    alive: false,
    ready: false,
    reasons: ['no tick for 36 s, and there should be one every 10 s'],
  });
});

test('it is ready while every handler delivers; one that has nothing to deliver may be away', () => {
  expect(condition(1, books('a', { connected: true, queued: 5 }), books('b', {})).ready).toBe(true);
  expect(condition(1, books('a', {}), books('b', { queued: 5, spooled: 7 }))).toEqual({
    alive: true,
    ready: false,
    reasons: ['handler b is not connected, and 12 points wait'],
  });
});

async function probing(now: () => Condition) {
  const it = await probe({ host: '127.0.0.1', port: 0 }, now);
  onTestFinished(() => it.close());
  return it.port;
}

test.each([
  [{ alive: true, ready: true, reasons: [] }, 200, 200, 'ok\n'],
  [
    { alive: true, ready: false, reasons: ['a is away', 'b is away'] },
    200,
    503,
    'a is away\nb is away\n',
  ],
  [{ alive: false, ready: false, reasons: ['no tick'] }, 503, 503, 'no tick\n'],
])('%j', async (now, healthz, readyz, why) => {
  const port = await probing(() => now);
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect((await ask('/healthz')).status).toBe(healthz);
  const answer = await ask('/readyz?verbose');
  expect(answer.status).toBe(readyz);
  expect(await answer.text()).toBe(why);
});

test('nothing else is answered', async () => {
  const port = await probing(() => ({ alive: true, ready: true, reasons: [] }));
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(404);
  const posted = await fetch(`http://127.0.0.1:${port}/healthz`, { method: 'POST', body: 'x' });
  expect(posted.status).toBe(405);
  const head = await fetch(`http://127.0.0.1:${port}/healthz`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('whatever bytes come, it goes on answering', async () => {
  const port = await probing(() => ({ alive: true, ready: true, reasons: [] }));
  const draw = chance();
  for (let n = 0; n < 500; n += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.resume();
    const request = Buffer.from(
      'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello'.repeat(50),
    );
    for (let i = 1 + draw(20); i > 0; i -= 1) request[draw(request.length)] = draw(256);
    socket.end(request);
    await once(socket, 'close');
  }
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});

test('a hundred that say nothing hold up nobody who comes after them', async () => {
  const port = await probing(() => ({ alive: true, ready: true, reasons: [] }));
  const silent = Array.from({ length: 100 }, () =>
    connect(port, '127.0.0.1').on('error', () => {}),
  );
  await Promise.all(silent.map((socket) => once(socket, 'close')));
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
});
