import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, serve, snapshot } from '../../src/status/index.ts';
import { idleAgent } from '../support/collector.ts';
import { throwAMillion } from '../support/damaged.ts';

const path = () => join(mkdtempSync(join(tmpdir(), 'cullinan-status-')), 'run', 'status.sock');
const OWN = { version: '1.2.3', host: 'web01', pid: 4711, uptime: 60 };
const status = () => snapshot(idleAgent, OWN);
const answer = { answer: status };

async function serving(at = path()) {
  const it = await serve(at, answer);
  onTestFinished(() => it.close());
  return at;
}

test('whoever asks is told, as the agent stands at that moment', async () => {
  expect(await ask(await serving())).toMatchObject(JSON.parse(JSON.stringify(status())));
});

test('its owner and its group may ask, and nobody else', async () => {
  expect(statSync(await serving()).mode & 0o777).toBe(0o660);
});

test('nothing else lies beside it', async () => {
  expect(readdirSync(dirname(await serving()))).toEqual(['status.sock']);
});

test('what is made elsewhere at the same moment has the mode that it is to have', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-status-'));
  const at = (i: number) => join(folder, String(i));
  for (let i = 0; i < 2000; i += 40) {
    const made = Array.from({ length: 40 }, (_, j) => mkdir(at(i + j), { mode: 0o750 }));
    await Promise.all([serving(), ...made]);
  }
  const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o750]));
});

test('when it ends, the socket goes with it', async () => {
  const at = path();
  await (await serve(at, answer)).close();
  expect(existsSync(at)).toBe(false);
});

test('a socket that a killed agent left is taken over; that of one that lives is not', async () => {
  const at = await serving();
  await expect(serve(at, answer)).rejects.toThrow('process number 4711 answers there');
  const left = path();
  await (await serve(left, answer)).close();
  const script = `require('node:net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(existsSync(left)).toBe(true);
  expect((await ask(await serving(left))).pid).toBe(4711);
});

test('a file that is no socket is left alone', async () => {
  const at = join(mkdtempSync(join(tmpdir(), 'cullinan-status-')), 'file');
  writeFileSync(at, 'content');
  await expect(serve(at, answer)).rejects.toThrow('something that is no socket is there');
  expect(existsSync(at)).toBe(true);
});

test('one that takes long to end leaves the socket of its successor', async () => {
  const at = path();
  const before = await serve(at, { answer: () => ({}) });
  const after = await serve(at, answer);
  onTestFinished(() => after.close());
  await before.close();
  expect((await ask(at)).pid).toBe(4711);
});

test('whatever is sent to it is thrown away, and it goes on answering', async () => {
  const at = await serving();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 65_536 }), async (bytes) => {
      const socket = connect(at);
      socket.on('error', () => {});
      socket.on('data', () => {});
      socket.end(bytes);
      await once(socket, 'close');
    }),
    { numRuns: 200 },
  );
  expect((await ask(at)).pid).toBe(4711);
});

test('a million packets thrown at it are thrown away', async () => {
  const at = await serving();
  await throwAMillion(() => connect(at));
  expect((await ask(at)).pid).toBe(4711);
});

test('somebody who asks and does not read holds nobody up', async () => {
  const at = await serving();
  const idle = Array.from({ length: 40 }, () =>
    connect(at)
      .on('error', () => {})
      .pause(),
  );
  await Promise.all(idle.slice(0, 10).map((socket) => once(socket, 'connect')));
  for (const socket of idle) socket.destroy();
  await expect.poll(() => ask(at).then(({ pid }) => pid, String)).toBe(4711);
});

describe('what answers and is no agent', () => {
  test.each(['', '{}', 'HTTP/1.1 400 Bad Request\r\n\r\n', '[]', 'null', '{"version":"1"}'])(
    '%j',
    async (text) => {
      const at = join(mkdtempSync(join(tmpdir(), 'cullinan-status-')), 's');
      const server = createServer((socket) => void socket.end(text)).listen(at);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      await expect(ask(at)).rejects.toThrow('what answers is no agent');
    },
  );

  test('a file', async () => {
    const at = join(mkdtempSync(join(tmpdir(), 'cullinan-status-')), 'file');
    writeFileSync(at, 'x');
    await expect(ask(at)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
