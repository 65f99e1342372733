import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock/index.ts';
import { cull, type Found, type Loss } from '../../src/logs/index.ts';
import { counting } from '../support/parser.ts';
import { describeWithPeer } from '../support/peers.ts';

const WRITER = join(import.meta.dirname, '../support/log-writer.mjs');

/** A log with a writer at full speed, and real rotations. */
async function start(directives: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'cullinan-logrotate-'));
  const logs = join(folder, 'log');
  const log = join(logs, 'it.log');
  mkdirSync(logs, { mode: 0o755 });
  writeFileSync(log, '');
  const writer = spawn(process.execPath, [WRITER, log], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // It can be told to open its log anew from now on.
  await once(writer.stdout, 'data');
  const hup = directives.includes('copytruncate')
    ? []
    : ['postrotate', `kill -HUP ${writer.pid}; sleep 0.02`, 'endscript'];
  const conf = join(folder, 'logrotate.conf');
  const lines = ['rotate 100', 'missingok', 'su root root', ...directives, ...hup];
  writeFileSync(conf, `${log} {\n  ${lines.join('\n  ')}\n}\n`, { mode: 0o644 });

  const counted = new Map<string, number>();
  const losses: Loss[] = [];
  return {
    logs,
    counted,
    losses,
    async rotate() {
      const args = ['--force', '--state', join(folder, 'logrotate.state'), conf];
      const rotation = spawn('/usr/sbin/logrotate', args, { stdio: 'inherit' });
      const [code] = await once(rotation, 'close');
      expect(code).toBe(0);
    },
    async cull() {
      const { lost } = await cull({
        ...{ log, parser: 'counting', parsing: counting(), folder: join(folder, 'state') },
        ...{ clock: systemClock, first: { from: 'start' as const } },
        async send(found: readonly Found[]) {
          for (const { observations } of found) {
            for (const { labels, value } of observations) {
              const line = labels['line'] ?? '';
              counted.set(line, (counted.get(line) ?? 0) + value);
            }
          }
        },
      });
      losses.push(...lost);
    },
    /** @returns how many lines were written. */
    async stop(): Promise<number> {
      writer.kill('SIGTERM');
      const [text] = await once(writer.stdout, 'data');
      return Number(String(text));
    },
  };
}

/** Every line that is in one of the files by now, whoever counts them. */
function inFiles(folder: string): Set<string> {
  const found = new Set<string>();
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    for (const [, word = ''] of text.matchAll(/^(l\w{6}) .*\.$/gm)) found.add(word);
  }
  return found;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sum = (counted: ReadonlyMap<string, number>) =>
  [...counted.values()].reduce((all, one) => all + one, 0);

describeWithPeer('logrotate', 'under a real logrotate, and a writer at full speed', () => {
  test.each([
    ['create', ['create 0644 root root']],
    ['create, packed at once', ['create 0644 root root', 'compress']],
    ['create, packed later', ['create 0644 root root', 'compress', 'delaycompress']],
    ['nocreate', ['nocreate']],
    ['dates', ['create 0644 root root', 'dateext', 'dateformat -%Y%m%d-%s']],
    [
      'dates, packed at once',
      ['create 0644 root root', 'dateext', 'dateformat .%Y-%m-%d-%s', 'compress'],
    ],
    ['dates before the extension', ['create', 'dateext', 'dateformat -%s', 'extension .log']],
  ])('every line is counted once: %s', async (_, directives) => {
    const it = await start(directives);
    await it.cull();
    for (const rotations of [1, 0, 3, 1]) {
      for (let i = 0; i < rotations; i += 1) {
        await wait(directives.includes('dateext') ? 1100 : 60);
        // Reading goes on while it is being rotated.
        await Promise.all([it.rotate(), i === 0 ? it.cull() : undefined]);
      }
      await wait(60);
      await it.cull();
    }
    const written = await it.stop();
    await it.cull();
    expect(it.losses).toEqual([]);
    expect(it.counted.size).toBe(written);
    expect(sum(it.counted)).toBe(written);
  });

  test.each([
    ['copytruncate', ['copytruncate']],
    ['copytruncate, packed at once', ['copytruncate', 'compress']],
    ['copytruncate, packed later', ['copytruncate', 'compress', 'delaycompress']],
    [
      'copytruncate, packed by zstd',
      [
        'copytruncate',
        'compress',
        'compresscmd /usr/bin/zstd',
        'compressext .zst',
        'compressoptions -q',
      ],
    ],
  ])('every line that is not destroyed by it is counted once: %s', async (_, directives) => {
    const it = await start(directives);
    await it.cull();
    for (const rotations of [1, 0, 3, 1]) {
      for (let i = 0; i < rotations; i += 1) {
        await wait(60);
        await Promise.all([it.rotate(), i === 0 ? it.cull() : undefined]);
      }
      await wait(60);
      await it.cull();
    }
    const written = await it.stop();
    await it.cull();
    expect(it.losses.filter(({ why }) => why !== 'unfinished')).toEqual([]);
    // What was written between its copy and its truncation is in no file, and may have been read before.
    if (!directives.includes('compressext .zst')) {
      const missed = [...inFiles(it.logs)].filter((line) => !it.counted.has(line));
      expect(missed).toEqual([]);
    }
    expect([...it.counted.values()].filter((times) => times !== 1)).toEqual([]);
    expect(it.counted.size).toBeGreaterThan(written / 2);
  });
});
