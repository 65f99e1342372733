import { expect, test } from 'vitest';
import { checkPeer } from '../../src/doctor/network.ts';
import { saying } from '../support/probing.ts';

const HOUR = 3_600_000;

/** How far the clock of somebody is ahead who answers so much before the time. */
async function ahead(bytes: number): Promise<number | undefined> {
  const port = await saying((socket) => {
    const date = new Date(Date.now() + HOUR).toUTCString();
    socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(bytes)}\r\nDate: ${date}\r\n\r\n`);
  });
  const peer = {
    handler: 'http',
    host: '127.0.0.1',
    port,
    protocol: 'tcp',
    tls: undefined,
  } as const;
  return (await checkPeer({ ...peer, url: `http://127.0.0.1:${port}/` })).ahead;
}

test('a clock is told of by the head of an answer, of which not more is read than anybody writes', async () => {
  expect((await ahead(1000)) ?? 0).toBeGreaterThan(HOUR / 2);
  expect(await ahead(1_000_000)).toBe(undefined);
});
