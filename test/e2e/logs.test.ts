import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { scratch } from '../support/agent.ts';
import { Carbon } from '../support/carbon.ts';
import { canHang, HungMount } from '../support/hung-mount.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';

const WRITER = join(import.meta.dirname, '../support/log-writer.mjs');

/** A daemon that writes to its log as fast as it can. */
class Daemon {
  readonly log: string;
  readonly #child: ChildProcess;
  #rotations = 0;

  private constructor(log: string) {
    this.log = log;
    this.#child = spawn(process.execPath, [WRITER, log], { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  static async start(log: string): Promise<Daemon> {
    const daemon = new Daemon(log);
    await once(daemon.#child.stdout as NodeJS.ReadableStream, 'data');
    return daemon;
  }

  /** As logrotate does it with `create`, and tells it. */
  rename(): void {
    this.#rotations += 1;
    renameSync(this.log, `${this.log}-${20260000 + this.#rotations}`);
    writeFileSync(this.log, '');
    this.#child.kill('SIGHUP');
  }

  /** As logrotate does it with `copytruncate`, but that nothing is written between the two. */
  copyAndTruncate(): void {
    this.#rotations += 1;
    this.#child.kill('SIGSTOP');
    copyFileSync(this.log, `${this.log}-${20260000 + this.#rotations}`);
    truncateSync(this.log);
    this.#child.kill('SIGCONT');
  }

  /** @returns how many lines it has written. */
  async end(): Promise<number> {
    this.#child.kill('SIGTERM');
    const [text] = await once(this.#child.stdout as NodeJS.ReadableStream, 'data');
    return Number(String(text));
  }
}

/** Configured with some logs, as YAML, of which NAME is in a folder. */
function configured(folder: string, files: readonly string[]): string {
  const all = files.map((file) => `      - ${file.replaceAll('FOLDER', folder)}\n`);
  return `collectors:
  default: { enabled: false }
  logs:
    enabled: true
    state: ${folder}/state
    files:
${all.join('')}`;
}

/** What reached the archive of a metric in all; a point that came twice is one. */
function total(agent: RunningAgent, part: string): number {
  let sum = 0;
  for (const [path, points] of agent.archived()) {
    if (path.includes(part)) for (const value of points.values()) sum += value;
  }
  return sum;
}

const PARSER = `{ name: regex, rules: [{ name: requests, match: 'HTTP.1.1 200' }] }`;

describe('logs that are followed by the real program', () => {
  test.each(['rename', 'copyAndTruncate'] as const)(
    'each line is counted once, through kill -9 and %s',
    async (rotate) => {
      const folder = scratch();
      mkdirSync(join(folder, 'log'));
      const daemon = await Daemon.start(join(folder, 'log/it.log'));
      const files = [`{ path: 'FOLDER/log/*.log', parser: ${PARSER}, from: start }`];
      await using agent = new RunningAgent(
        {},
        {
          interval: '1s',
          more: configured(folder, files),
          archive: ', counters: deltas',
        },
      );
      // What was rotated away before the first look is no business of an agent that begins at the log.
      await agent.ticks(1);
      for (let i = 0; i < 8; i += 1) {
        await sleep(300 + Math.random() * 1700);
        if (i % 2 === 0) daemon[rotate]();
        if (i % 3 !== 2) await agent.crash();
        if (i % 4 === 3) daemon[rotate]();
      }
      const written = await daemon.end();
      await vi.waitFor(() => expect(total(agent, 'logs.lines')).toBe(written), {
        timeout: 20_000,
        interval: 100,
      });
      await agent.stop();
      expect(total(agent, 'logs.lines')).toBe(written);
    },
  );

  test('it is unpacked, too, where a log was rotated and packed while nobody looked', async () => {
    const folder = scratch();
    const log = join(folder, 'it.log');
    const lines = (day: number, count: number) => `${day} GET / HTTP/1.1 200\n`.repeat(count);
    writeFileSync(log, '');
    const files = [`{ path: FOLDER/it.log, parser: ${PARSER} }`];
    const settings = {
      interval: '1s',
      more: configured(folder, files),
      archive: ', counters: deltas',
    };
    await using agent = new RunningAgent({}, settings);
    await agent.ticks(1);
    appendFileSync(log, lines(1, 2));
    await vi.waitFor(() => expect(total(agent, 'requests')).toBe(2), { timeout: 10_000 });
    await agent.stop();
    appendFileSync(log, lines(1, 3));
    renameSync(log, `${log}.1`);
    writeFileSync(`${log}.2.gz`, gzipSync(readFileSync(`${log}.1`)));
    renameSync(`${log}.1`, join(folder, 'gone'));
    writeFileSync(`${log}.1`, lines(2, 7));
    writeFileSync(log, lines(3, 11));
    agent.startAgain();
    await vi.waitFor(() => expect(total(agent, 'requests')).toBe(23), { timeout: 10_000 });
    await agent.stop();
    // An agent that could end by itself sends nothing twice.
    for (const points of agent.observations().values()) {
      for (const values of points.values()) expect(values).toHaveLength(1);
    }
  });

  test('what is no log is said once, and harms no other', async () => {
    const folder = scratch();
    const at = (name: string) => join(folder, name);
    const good = ['one', 'two'].map(
      (name) => `{ path: FOLDER/${name}.log, parser: ${PARSER}, as: ${name} }`,
    );
    for (const name of ['one', 'two', 'bytes', 'huge', 'denied'])
      writeFileSync(at(`${name}.log`), '');
    mkdirSync(at('folder.log'));
    spawnSync('mkfifo', [at('fifo.log')]);
    chmodSync(at('denied.log'), 0);
    mkdirSync(at('hung'));
    await using _mount = canHang ? await HungMount.on(at('hung')) : undefined;
    symlinkSync('hung/there.log', at('link.log'));
    const bad = [
      'bytes',
      'huge',
      'denied',
      'folder',
      'fifo',
      'missing',
      'link',
      'hung/a',
      'hung/b',
    ].map(
      (name) => `{ path: FOLDER/${name}.log, parser: ${PARSER}, as: ${name.replace('/', '.')} }`,
    );
    const globs = ['hung/*', '*/x'].map(
      (name, i) => `{ path: 'FOLDER/${name}.log', parser: ${PARSER}, as: glob${i} }`,
    );
    const files = [good[0] ?? '', ...bad, ...globs, good[1] ?? ''];
    // Root, but for what lets it read everything.
    const root = process.getuid?.() === 0;
    const under = root ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];
    await using agent = new RunningAgent(
      {},
      { interval: '1s', more: configured(folder, files), archive: ', counters: deltas', under },
    );
    await agent.ticks(2);
    const memory = rss(agent.pid);
    const line = 'GET / HTTP/1.1 200\n';
    appendFileSync(at('one.log'), line.repeat(3));
    appendFileSync(at('two.log'), line.repeat(5));
    // Not UTF-8, NUL bytes, CRLF, and what is no text at all.
    const bytes = Buffer.concat([
      Buffer.from(`\xff\xfe ${line}\0\0${line}${line.replace('\n', '\r\n')}`, 'latin1'),
      randomBytes(1_000_000).map((byte) => (byte === 10 ? 11 : byte)),
      Buffer.from(`\n${line}`),
    ]);
    appendFileSync(at('bytes.log'), bytes);
    // A gigabyte without a newline, and a line behind it.
    truncateSync(at('huge.log'), 1024 ** 3);
    appendFileSync(at('huge.log'), `\n${line}`);
    await vi.waitFor(
      () => {
        expect(total(agent, 'one.requests')).toBe(3);
        expect(total(agent, 'two.requests')).toBe(5);
        expect(total(agent, 'bytes.requests')).toBe(4);
        expect(total(agent, 'huge.requests')).toBe(1);
      },
      { timeout: 30_000, interval: 100 },
    );
    expect(rss(agent.pid) - memory).toBeLessThan(32 * 1024 ** 2);
    await agent.ticks(3);
    const said = agent.log.filter((line) => line.startsWith('collector logs'));
    const problems = [
      "denied.log: the agent's user may not read it",
      'fifo.log: is no file but a FIFO: it cannot be read on',
      'folder.log: is no file but a folder: it cannot be read on',
      'missing.log: there is no such log',
      ...(canHang ? ['hung does not answer: the logs there are not read'] : []),
    ];
    const all = problems.map((problem) => `collector logs: ${folder}/${problem}`);
    expect([...said].sort()).toEqual(all.sort());
    await agent.stop();
  });
});

describeWithPeer('carbon-cache', 'logs that are followed, to a real carbon', () => {
  test('each line is counted once, though the agent is killed and carbon is away', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'log'));
    await using carbon = await Carbon.start();
    const daemon = await Daemon.start(join(folder, 'log/it.log'));
    const files = [`{ path: FOLDER/log/it.log, parser: ${PARSER}, from: start }`];
    const graphite = `{ host: 127.0.0.1, port: ${carbon.port}, prefix: '', counters: deltas, backoff: { least: 100ms, most: 500ms }, queue: { spool: { path: FOLDER/spool, size: 16MiB } } }`;
    await using agent = new RunningAgent(
      { graphite },
      { interval: '1s', more: configured(folder, files), archive: ', counters: deltas' },
    );
    // What was rotated away before its first look is not asked for.
    await agent.ticks(1);
    for (let i = 0; i < 6; i += 1) {
      await sleep(400 + Math.random() * 1200);
      if (i === 1) {
        await carbon.kill('SIGTERM');
        // What it had been sent and not read is on disk then; where both die at once nobody knows of it.
        await agent.ticks(2);
      }
      daemon.rename();
      await agent.crash();
      if (i === 4) await carbon.start();
    }
    const written = await daemon.end();
    const arrived = () => {
      const series = carbon.series().find((path) => path.includes('logs.lines')) ?? '';
      return [...carbon.read(series).values()].reduce((sum, value) => sum + value, 0);
    };
    await vi.waitFor(() => expect(arrived()).toBe(written), { timeout: 20_000, interval: 200 });
    await agent.stop();
    expect(arrived()).toBe(written);
  });
});

/** Bytes of a process in memory. */
const rss = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
