import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeLine } from 'cullinan/wire/graphite';
import { expect, test, vi } from 'vitest';
import graphite from '../../handlers/graphite.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Handler, HandlerStatus } from '../../src/plugin/index.ts';
import { Carbon } from '../support/carbon.ts';
import { delivery, imbalance, points } from '../support/delivery.ts';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';

const KILLS = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'SIGKILL' : 'SIGTERM'));

type Books = Pick<
  HandlerStatus,
  'observed' | 'delivered' | 'queued' | 'spooled' | 'dropped' | 'resent'
>;

/** The agent as it is installed, at one tick a second, with an archive of all it sends. */
class Agent implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-agent-'));
  readonly #archive = join(this.#folder, 'archive.log');
  readonly #child;
  #log = '';

  constructor(port: number, options = '') {
    const config = join(this.#folder, 'cullinan.yaml');
    writeFileSync(
      config,
      `interval: 1s
shutdown: { timeout: 2s }
handlers:
  graphite: { host: 127.0.0.1, port: ${port}, backoff: { least: 100ms, most: 1s }${options} }
  file: { path: ${this.#archive}, rotate: never, dialect: diamond }
`,
    );
    this.#child = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  /** Ends it as systemd does, and returns its last words on what became of each point. */
  async stop(): Promise<{ readonly books: Books; readonly log: readonly string[] }> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    expect(code, this.#log).toBe(0);
    const lines = this.#log
      .trimEnd()
      .split('\n')
      .map((line): { msg: string; books?: (Books & { handler: string })[] } => JSON.parse(line));
    const books = lines.at(-1)?.books?.find(({ handler }) => handler === 'graphite');
    if (books === undefined) throw new Error(`no books in the log:\n${this.#log}`);
    return { books, log: lines.map(({ msg }) => msg) };
  }

  /** Everything it observed: path to time to value. */
  archived(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const series = new Map<string, Map<number, number>>();
    for (const line of readFileSync(this.#archive, 'utf8').trimEnd().split('\n')) {
      const { path, time, value } = decodeLine(line);
      const slots = series.get(path) ?? new Map<number, number>();
      expect(slots.has(time), `${path} twice at ${time}`).toBe(false);
      series.set(path, slots.set(time, value));
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Waits until Carbon's files hold exactly what the agent has archived. */
async function expectWhisperToEqual(carbon: Carbon, agent: Agent): Promise<void> {
  const archived = agent.archived();
  await vi.waitFor(() => {
    for (const [path, slots] of archived) expect(carbon.read(path), path).toEqual(slots);
  }, 10_000);
  expect(carbon.series()).toEqual([...archived.keys()].sort());
}

const seriesOf = (carbon: Carbon, name: string): string | undefined =>
  carbon.series().find((path) => path.endsWith(name));

/** The latest slot of a series that every tick has. */
function latest(carbon: Carbon): number {
  const load = seriesOf(carbon, '.loadavg.01');
  return load === undefined ? 0 : Math.max(0, ...carbon.read(load).keys());
}

/** Waits until all files are made: one that Carbon is killed over while it makes it stays broken. */
const filesOf = (carbon: Carbon, paths: () => Iterable<string>): Promise<void> =>
  vi.waitFor(() => {
    for (const path of paths()) expect(carbon.read(path).size, path).toBeGreaterThan(0);
  }, 15_000);

describeWithPeer('carbon-cache', 'with a real Carbon', () => {
  test.concurrent('each tick of the program is one point in every whisper file', async () => {
    await using carbon = await Carbon.start();
    await using agent = new Agent(carbon.port);
    const begun = Math.floor(Date.now() / 1000);
    await vi.waitFor(() => expect(latest(carbon)).toBeGreaterThanOrEqual(begun + 5), 15_000);
    const { books, log } = await agent.stop();
    await expectWhisperToEqual(carbon, agent);
    const slots = [...carbon.read(seriesOf(carbon, '.loadavg.01') ?? '').keys()];
    const first = slots[0] ?? 0;
    expect(slots).toEqual(slots.map((_, i) => first + i));
    expect(Math.abs(first - begun)).toBeLessThanOrEqual(3);
    expect(books).toMatchObject({ delivered: books.observed, queued: 0, resent: 0 });
    expect(log.at(-1)).toBe('stopped: everything that was queued was delivered');
  });

  test.concurrent('killed and restarted ten times, leaves no hole in what the program sent', async () => {
    await using carbon = await Carbon.start();
    await using agent = new Agent(carbon.port);
    for (const [i, signal] of KILLS.entries()) {
      const since = Math.floor(Date.now() / 1000);
      await vi.waitFor(() => expect(latest(carbon)).toBeGreaterThan(since), 15_000);
      await filesOf(carbon, () => agent.archived().keys());
      // Each time at another moment between two ticks, and between two of Carbon's own writes.
      await sleep(i * 100);
      await carbon.kill(signal);
      await carbon.start();
    }
    const since = Math.floor(Date.now() / 1000);
    await vi.waitFor(() => expect(latest(carbon)).toBeGreaterThan(since), 15_000);
    const { books, log } = await agent.stop();
    await expectWhisperToEqual(carbon, agent);
    expect(imbalance(books)).toBe(0);
    expect(books).toMatchObject({ delivered: books.observed, queued: 0 });
    expect(books.resent).toBeGreaterThan(0);
    // What comes and goes is said once each way.
    expect(log.filter((line) => line.startsWith('handler graphite recovered'))).toHaveLength(1);
  });

  test.concurrent('away for good, costs the oldest points and no more, and all are counted', async () => {
    await using carbon = await Carbon.start();
    await using agent = new Agent(carbon.port, ', queue: { samples: 500 }');
    await vi.waitFor(() => expect(latest(carbon)).toBeGreaterThan(0), 15_000);
    await carbon.kill('SIGKILL');
    await sleep(6000);
    const { books, log } = await agent.stop();
    expect(imbalance(books)).toBe(0);
    expect(books.dropped.overflow).toBeGreaterThan(0);
    expect(books.dropped.shutdown).toBe(500);
    expect(log.filter((line) => /^(queue of )?handler graphite:/.test(line))).toHaveLength(2);
    expect(log.at(-1)).toBe(
      'stopped: 500 points were not delivered in time and are dropped; ' +
        `${books.dropped.overflow} had been dropped before`,
    );
  });

  test.concurrent('killed ten times under ten ticks a second, leaves no hole either', async () => {
    await using carbon = await Carbon.start();
    const { delivery: it } = delivery(systemClock, {
      handler: graphite as unknown as Handler,
      options: graphite.options.parse({ host: '127.0.0.1', port: carbon.port }),
      queue: { samples: 100_000, bytes: 16e6 },
      backoff: { least: 0.05, most: 0.2 },
      resend: 2,
    });
    const paths = Array.from({ length: 20 }, (_, i) => `fast.series${i}`);
    const begun = Math.floor(Date.now() / 1000) - 400;
    let ticks = 0;
    const ticking = setInterval(() => {
      for (const path of paths) {
        it.offer(
          points(ticks, ticks + 1, path).map((point) => ({ ...point, time: begun + ticks })),
        );
      }
      it.flush();
      ticks += 1;
      expect(imbalance(it.status())).toBe(0);
    }, 100);
    try {
      await filesOf(carbon, () => paths);
      for (const [i, signal] of KILLS.entries()) {
        const sent = it.status().delivered;
        await vi.waitFor(() => expect(it.status().delivered).toBeGreaterThan(sent), 5000);
        await sleep(i * 100);
        await carbon.kill(signal);
        await carbon.start();
      }
    } finally {
      clearInterval(ticking);
    }
    expect(await it.stop('shutdown', 5000)).toEqual({ left: 0 });
    const whole = new Map(Array.from({ length: ticks }, (_, i) => [begun + i, i]));
    await vi.waitFor(() => {
      for (const path of paths) expect(carbon.read(path)).toEqual(whole);
    }, 5000);
    expect(it.status()).toMatchObject({ observed: ticks * 20, delivered: ticks * 20 });
  });
});
