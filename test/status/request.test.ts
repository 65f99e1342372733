import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Foreseen } from '../../src/plugin/index.ts';
import { type Answers, ask, type Flow, follow, request, serve } from '../../src/status/index.ts';
import { decodeRequest } from '../../src/status/request.ts';
import { chance } from '../support/damaged.ts';

const GOOD = [
  '{"ask":"status"}',
  '{"ask":"health"}',
  '{"ask":"lines"}',
  '{"ask":"reload"}',
  '{"ask":"log"}',
  '{"ask":"log","level":"debug","seconds":600}',
  '{"ask":"log","level":"configured"}',
  '{"ask":"tap","patterns":["system.cpu.*","re:^a$"],"handler":"graphite"}',
];

/** A request with a few characters changed, left out or repeated. */
function damaged(draw: (below: number) => number): string {
  let text = GOOD[draw(GOOD.length)] ?? '';
  for (let n = 1 + draw(3); n > 0; n -= 1) {
    const at = draw(text.length + 1);
    const words = ['', '"', '{', '}', ',', ':', '1e999', 'null', '\0', '\ud800', '__proto__', '-1'];
    text = `${text.slice(0, at)}${words[draw(words.length)]}${text.slice(at + draw(4))}`;
  }
  return text;
}

const SNAPSHOT = { version: '1.2.3', pid: 4711, handlers: [], collectors: [] };

/** An agent that remembers what it was asked. */
async function asked(more: Partial<Answers> = {}) {
  const path = join(mkdtempSync(join(tmpdir(), 'cullinan-request-')), 's');
  const heard: unknown[] = [];
  const serving = await serve(path, {
    answer: (request) => {
      heard.push(request);
      return request.ask === 'status' ? SNAPSHOT : { asked: request.ask };
    },
    ...more,
  });
  onTestFinished(() => serving.close());
  return { path, heard };
}

/** What is answered to some bytes. */
async function said(path: string, bytes: string | undefined): Promise<string> {
  const socket = connect(path).setEncoding('utf8');
  let text = '';
  socket.on('data', (more: string) => {
    text += more;
  });
  if (bytes !== undefined) socket.write(bytes);
  await once(socket, 'end');
  return text;
}

test.each(GOOD)('%s is understood', (line) => {
  expect(JSON.parse(JSON.stringify(decodeRequest(line)))).toEqual(JSON.parse(line));
});

test.each([
  ['{"ask":"shutdown"}', '"ask" must be status, health, lines, log, reload or tap'],
  ['{"ask":"status","now":true}', 'there is no "now" in this request'],
  ['[]', 'one object'],
  ['hello', 'one line of JSON'],
  ['{"ask":"log","level":"trace"}', '"level" must be'],
  ['{"ask":"log","seconds":60}', 'with a level'],
  ['{"ask":"log","level":"debug","seconds":1e9}', 'from 1 to 86400'],
  ['{"ask":"tap","patterns":"x"}', '"patterns" must be a list'],
  [`{"ask":"tap","patterns":["${'x'.repeat(257)}"]}`, 'at most 256 characters'],
  [`{"ask":"tap","patterns":[${Array(17).fill('"x"')}]}`, 'at most 16'],
  ['{"ask":"tap","handler":""}', '"handler" must be the name of one'],
])('%s is refused', (line, why) => expect(() => decodeRequest(line)).toThrow(why));

test('a million damaged requests are understood or refused', () => {
  const draw = chance();
  const outcomes = { understood: 0, refused: 0 };
  for (let n = 0; n < 1_000_000; n += 1) {
    try {
      decodeRequest(damaged(draw));
      outcomes.understood += 1;
    } catch (error) {
      if (!(error instanceof Foreseen)) throw error;
      outcomes.refused += 1;
    }
  }
  expect(outcomes.refused).toBeGreaterThan(100_000);
  expect(outcomes.understood).toBeGreaterThan(1000);
});

test('who says nothing is told the status, as by agents of old', async () => {
  const { path } = await asked();
  expect(JSON.parse(await said(path, undefined))).toEqual(SNAPSHOT);
});

test('who says too much, or only the half of it, is refused and does nothing', async () => {
  const { path, heard } = await asked();
  expect(await said(path, 'x'.repeat(1_000_000))).toContain('"error"');
  expect(await said(path, '{"ask":"log","level":"debug"')).toContain('"error"');
  expect(await said(path, '{"ask":"log"}\n{"ask":"health"}\n')).toBe('{"asked":"log"}\n');
  expect(heard).toEqual([{ ask: 'log', level: undefined, seconds: undefined }]);
});

test('slow, silent and vanishing askers hold nobody up', async () => {
  const { path } = await asked();
  const slow = Array.from({ length: 14 }, () => connect(path).on('error', () => {}));
  await Promise.all(slow.map((socket) => once(socket, 'connect')));
  for (const [i, socket] of slow.entries()) if (i % 2 === 0) socket.write('{"a');
  expect(await request(path, { ask: 'health' })).toEqual({ asked: 'health' });
  for (const socket of slow) socket.destroy();
  expect(await ask(path)).toEqual(SNAPSHOT);
});

test('what the agent cannot answer is said, and not how', async () => {
  const { path } = await asked({
    answer: () => {
      throw new TypeError('a secret detail');
    },
  });
  await expect(request(path, { ask: 'log', level: undefined, seconds: undefined })).rejects.toThrow(
    'the agent refuses: the agent could not answer',
  );
});

/** Lines without end. */
function endless() {
  const state = { taken: 0, ended: false };
  const flow: Flow = {
    take(lines) {
      state.taken += lines;
      return `{"text":"${'x'.repeat(1000)}"}\n`.repeat(lines);
    },
    onMore() {},
    end() {
      state.ended = true;
    },
  };
  return { state, flow };
}

test('what is not read stops flowing, and ends with whoever asked', async () => {
  const { state, flow } = endless();
  const { path } = await asked({ tap: async () => flow });
  const socket = connect(path).pause();
  socket.write('{"ask":"tap"}\n');
  await expect.poll(() => state.taken).toBeGreaterThan(0);
  let before = -1;
  await expect
    .poll(() => {
      const same = state.taken === before;
      before = state.taken;
      return same;
    })
    .toBe(true);
  expect(state.taken).toBeLessThan(5000);
  expect(await ask(path)).toEqual(SNAPSHOT);
  socket.destroy();
  await expect.poll(() => state.ended).toBe(true);
});

test('whoever has enough ends it', async () => {
  const { state, flow } = endless();
  const { path } = await asked({ tap: async () => flow });
  let seen = 0;
  const enough = () => {
    seen += 1;
    return seen < 1000;
  };
  const wish = { ask: 'tap', patterns: [], handler: undefined } as const;
  await follow(path, wish, enough, new AbortController().signal);
  expect(seen).toBe(1000);
  await expect.poll(() => state.ended).toBe(true);
});
