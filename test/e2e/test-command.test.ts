import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { put, scratchFolder } from '../support/plugins.ts';
import { cullinan, PROGRAM } from '../support/program.ts';

const recordings = fileURLToPath(new URL('../fixtures', import.meta.url));

const ENTROPY = `
import { count, defineCollector, gauge, ParseError, z } from 'cullinan/plugin';
const metrics = { available: gauge('own.entropy', { unit: 'count', help: 'Bits.' }) };
const source = 'sys/kernel/random/entropy_avail';
export default defineCollector({
  name: 'entropy', summary: 'Random bits.', source, options: z.strictObject({}), metrics,
  *collect({ host }) {
    const text = host.proc.read(source);
    const [, bits] = /^(\\d{1,9})\\s*$/.exec(text) ?? [];
    if (bits === undefined) throw new ParseError(\`\${source}: "\${text}" is no number\`);
    yield metrics.available.observe(count(Number(bits)));
  },
});
`;

const HANDLER = `
import { defineHandler, z } from 'cullinan/plugin';
import { openTcp } from './tcp.ts';
export default defineHandler({
  name: 'plain', summary: 'Lines.', options: z.strictObject({ at: z.int() }),
  dialect: 'otel', counters: 'raw', idempotent: true, acknowledged: false,
  open: ({ options, signal }) => openTcp(options.at, signal),
});
`;

/** @param careful whether it looks after what may go wrong with a socket. */
const tcp = (careful: boolean): string => `
import { connect } from 'node:net';
import { once } from 'node:events';
export async function openTcp(port, signal) {
  const socket = connect({ port, host: '127.0.0.1'${careful ? ', signal' : ''} });
  ${careful ? "socket.on('error', () => {});" : ''}
  await once(socket, 'connect'${careful ? ', { signal }' : ''});
  ${careful ? "signal.addEventListener('abort', () => socket.destroy());" : ''}
  return {
    async write(batch) {
      const text = batch.map(({ name, value }) => name.path + ' ' + value + '\\n').join('');
      await new Promise((done, failed) => socket.write(text, (e) => e ? failed(e) : done(undefined)));
    },
    close: () => void socket.end(),
  };
}
`;

const PARSER = (body: string): string => `
import { count, defineParser, delta, z } from 'cullinan/plugin';
const words = delta('own.words', { unit: 'count', labels: ['word'], help: 'Words.' });
export default defineParser({
  name: 'words', summary: 'Words.', source: 'a test', options: z.strictObject({}), metrics: () => [words],
  open() {
    const seen = new Map();
    return {
      parse({ text }) {
        const word = text.split(' ')[0] ?? '';
        ${body}
        return true;
      },
      *report() {
        for (const [word, n] of seen) yield words.observe(count(n), { word });
        seen.clear();
      },
    };
  },
});
`;

describe('cullinan test', () => {
  test('holds a collector to recordings, and to what it observed of them before', async () => {
    const folder = scratchFolder();
    const file = put(folder, 'entropy.ts', ENTROPY);
    cpSync(join(recordings, 'debian-12'), join(folder, 'entropy.test/debian-12'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const first = await cullinan(['test', file]);
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect(first.stdout).toContain('ok   debian-12: observes exactly this\n');
    expect(first.stderr).toContain('7 passed, 0 failed');
    const golden = join(folder, 'entropy.test/debian-12.txt');
    expect(readFileSync(golden, 'utf8')).toMatch(/^# \d+\nown\.entropy\{\} \d+ count gauge\n/);
    writeFileSync(golden, readFileSync(golden, 'utf8').replace('own.entropy', 'own.entropie'));
    const again = await cullinan(['test', file]);
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/FAIL debian-12: observes exactly this\n.*debian-12\.txt:2 says/);
    expect((await cullinan(['test', file, '--update'])).code).toBe(0);
    expect((await cullinan(['test', file])).code).toBe(0);
  });

  test('tests a collector on this host where there is no recording', async () => {
    const file = put(scratchFolder(), 'entropy.ts', ENTROPY);
    const { code, stdout, stderr } = await cullinan(['test', file]);
    expect(stderr).toContain('Make one: cullinan record');
    expect(code, stdout).toBe(0);
  });

  test('ends quietly with its reader, as every command does', async () => {
    const file = put(scratchFolder(), 'entropy.ts', ENTROPY);
    const child = spawn(process.execPath, [PROGRAM, 'test', file]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).not.toContain('failed');
  });

  test.each([
    ['yield metrics.available.observe(count(1));', 0, /^7 passed, 0 failed/m],
    [
      "throw new TypeError('on purpose');",
      1,
      /FAIL .*observes what it declares.*\n {5}TypeError: on purpose \(.*entropy\.ts:\d+:\d+\)/,
    ],
  ])('tests one that reads nothing of the host, too: %s', async (body, code, said) => {
    const elsewhere = ENTROPY.replace(/\*collect\([\s\S]*/, `*collect() {\n${body}\n},\n});\n`);
    const ended = await cullinan(['test', put(scratchFolder(), 'entropy.ts', elsewhere)]);
    expect(ended.stdout + ended.stderr).toMatch(said);
    expect(ended.code).toBe(code);
  });

  test('finds what a careless collector does', async () => {
    const careless = ENTROPY.replace(/ {4}if \(bits.*\n/, '');
    const file = put(scratchFolder(), 'entropy.ts', careless);
    const { code, stdout } = await cullinan(['test', file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL .*cut short anywhere.*\n {5}not sound: own\.entropy\{\} NaN/);
  });

  /** What asks nothing of the host, and so has no recording. */
  const ASKS_NOTHING = (collect: string, before = ''): string => `
import { count, defineCollector, gauge, z } from 'cullinan/plugin';
${before}
const metrics = { one: gauge('own.one', { unit: 'count', help: 'One.' }) };
export default defineCollector({
  name: 'own', summary: 'One.', source: 'nothing', options: z.strictObject({ port: z.int().optional() }), metrics,
  ${collect},
});
`;
  const ONE = 'yield metrics.one.observe(count(1))';

  test('says which options a plugin does not take', async () => {
    const file = put(scratchFolder(), 'own.ts', ASKS_NOTHING(`*collect() { ${ONE}; }`));
    const wrong = await cullinan(['test', file, '--options', 'port: many']);
    expect(wrong.code).toBe(64);
    expect(wrong.stderr).toMatch(
      /own cannot be tested with the options "port: many": port: .*number/,
    );
  });

  test.each([
    ['*collect() { yield metrics.one.observe(count(NaN)); }', /not sound: own\.one\{\} NaN/],
    ['*collect() { yield 5; }', /yielded number, which is no observation/],
    [`*collect() { ${ONE}; ${ONE}; }`, /observed twice/],
    ['collect() { metrics.one.observe(count(1)); }', /no list of observations: write \*collect/],
    ['async *collect() { process.exit(0); }', /it called process\.exit\(\)/],
    [
      `*collect() { ${ONE}; void Promise.reject(new Error('late')); }`,
      /nobody could catch it: .*late/,
    ],
    [
      `async *collect() { await new Promise(() => {}); }`,
      /a collection whose signal was aborted did not come back within 4 s/,
    ],
  ])('says what is wrong with one that asks nothing: %s', async (collect, said) => {
    const file = put(scratchFolder(), 'own.ts', ASKS_NOTHING(collect));
    const { code, stdout } = await cullinan(['test', file]);
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/FAIL this host: observes what it declares, or says why not\n/);
    expect(stdout).toMatch(said);
  });

  test('ends, whatever a plugin leaves running', async () => {
    const file = put(
      scratchFolder(),
      'own.ts',
      ASKS_NOTHING(`*collect() { ${ONE}; }`, 'setInterval(() => {}, 1000);'),
    );
    const { code, stdout } = await cullinan(['test', file]);
    expect(code, stdout).toBe(0);
  });

  test.each([
    ['careful', 0],
    ['careless', 1],
  ])('holds a handler to peers that are ill: a %s one', async (which, code) => {
    const folder = scratchFolder();
    const file = put(folder, 'plain.ts', HANDLER);
    put(folder, 'tcp.ts', tcp(which === 'careful'));
    const refused = await cullinan(['test', file]);
    expect(refused.code).toBe(64);
    expect(refused.stderr).toContain('say how it reaches a peer on this host');
    const ended = await cullinan(['test', file, '--options', 'at: PORT']);
    expect(ended.code, ended.stdout).toBe(code);
    expect(ended.stdout).toContain('ok   hands over a batch, and ends when it is closed');
    if (code === 1) expect(ended.stdout).toMatch(/FAIL comes to an end with a peer that resets/);
  });

  test('holds a parser to a log, and to what nobody would write', async () => {
    const folder = scratchFolder();
    const log = put(folder, 'words.test/words.log', 'one line\ntwo lines\none line\n');
    const bounded = 'if (/^[a-z]{1,3}$/.test(word)) seen.set(word, (seen.get(word) ?? 0) + 1);';
    const file = put(folder, 'words.ts', PARSER(bounded));
    const fine = await cullinan(['test', file]);
    expect(fine.code, fine.stdout).toBe(0);
    expect(readFileSync(log.replace('.log', '.txt'), 'utf8')).toContain(
      'own.words{word="one"} 2 count delta\n',
    );
    put(folder, 'words.ts', PARSER('seen.set(word, (seen.get(word) ?? 0) + 1);'));
    const greedy = await cullinan(['test', file]);
    expect(greedy.code).toBe(1);
    expect(greedy.stdout).toMatch(
      /FAIL .*names no more series than it may.*\n.*reported \d{4} series/,
    );
  });
});
