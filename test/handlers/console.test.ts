import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import handler, { linesTo } from '../../handlers/console.ts';
import { point } from '../support/points.ts';

const forever = new AbortController().signal;
const uptime = point('system.uptime', { unit: 's', value: 12.5, path: 'servers.web01.uptime' });
const { format } = handler.options.parse({});

test('writes one line per sample', async () => {
  const out = new PassThrough();
  const connection = await linesTo(out, format, forever);
  await connection.write([uptime, uptime], forever);
  await connection.close();
  out.end();
  expect(await text(out)).toBe('system.uptime 12.5 seconds 1795219200\n'.repeat(2));
});

test.each([
  ['path', 'servers.web01.uptime 12.5 1795219200\n'],
  ['json', '{"name":"system.uptime",'],
] as const)('writes the format %s', async (format, line) => {
  const out = new PassThrough();
  await (await linesTo(out, format, forever)).write([uptime], forever);
  out.end();
  expect(await text(out)).toContain(line);
});

test('a batch is written when the reader has taken it, and not before', async () => {
  let take = () => {};
  const out = new Writable({
    write(_chunk, _encoding, done) {
      take = done;
    },
  });
  const connection = await linesTo(out, format, forever);
  let written = false;
  const writing = connection.write([uptime], forever).then(() => {
    written = true;
  });
  await new Promise(setImmediate);
  expect(written).toBe(false);
  take();
  await writing;
});

test('a reader that has stopped is given up at the deadline, and no second batch piles up', async () => {
  const out = new Writable({ write() {} });
  const connection = await linesTo(out, format, forever);
  const deadline = new AbortController();
  const writing = connection.write([uptime], deadline.signal);
  deadline.abort();
  await expect(writing).rejects.toThrow('standard output: its reader has stopped reading');
  const held = out.writableLength;
  await expect(linesTo(out, format, AbortSignal.abort())).rejects.toThrow('stopped reading');
  expect(out.writableLength).toBe(held);
});

test('a reader that has gone ends the connection', async () => {
  const out = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  out.on('error', () => {});
  const connection = await linesTo(out, format, forever);
  await expect(connection.write([uptime], forever)).rejects.toThrow('its reader has gone');
  expect(await connection.ended).toMatchObject({ code: 'EPIPE' });
  await expect(linesTo(out, format, forever)).rejects.toThrow('its reader has gone');
});
