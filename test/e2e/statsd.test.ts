import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from 'cullinan/wire/graphite';
import { sanitize } from 'cullinan/wire/statsd';
import { describe, expect, test, vi } from 'vitest';
import statsd from '../../handlers/statsd.ts';
import { systemClock } from '../../src/clock/index.ts';
import type { Connection, Handler, Point } from '../../src/plugin/index.ts';
import { around, delivery, imbalance } from '../support/delivery.ts';
import { point } from '../support/points.ts';
import { PROGRAM } from '../support/program.ts';
import { Statsd } from '../support/statsd.ts';

const forever = new AbortController().signal;
const PROTOCOLS = ['udp', 'tcp'] as const;

const open = (port: number, options: object): Promise<Connection> =>
  statsd.open({
    options: statsd.options.parse({ host: '127.0.0.1', port, ...options }),
    signal: forever,
    ...around,
  });

const gauge = (path: string, value: number): Point => point('level', { path, value });
const growth = (path: string, value: number): Point =>
  point('total', { kind: 'counter', reading: 'growth', path, value });

/** Gauges that rise, fall, cross zero and stand still; counters that grow by much, by parts, and not at all. */
const GAUGES: Readonly<Record<string, (round: number) => number>> = {
  'web01.load': (round) => 0.5 + round / 8,
  'web01.temperature': (round) => 3 - round * 2,
  'web01.always below zero': (round) => -40 - round / 4,
  'web01.back/to/zero': (round) => [-7, 0, 7, 0, -7][round] ?? 0,
  'web01.tiny(1)': () => 1e-9,
  'web01.huge': () => 2 ** 70,
  'web01.memory;host=web01': (round) => 4096 * round,
};
const COUNTERS: Readonly<Record<string, (round: number) => number>> = {
  // More than a datagram holds.
  ...Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [
      `web01.disk.sd${i}.reads`,
      (round: number) => round * i,
    ]),
  ),
  'web01.rx_byte': (round) => 123_456_789 * round,
  'web01.cpu:user|c': (round) => 0.07 + round * 0.31,
  'web01.idle': () => 0,
  'web01.bytes;device=sda': (round) => 2 ** (40 + round),
};
/** The program as it is installed, with an archive of all that it sends. */
class Agent implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-agent-'));
  readonly #archive = join(this.#folder, 'archive.log');
  readonly #child;
  #log = '';

  constructor(port: number, protocol: string) {
    const config = join(this.#folder, 'cullinan.yaml');
    writeFileSync(
      config,
      `interval: 500ms
handlers:
  statsd: { host: 127.0.0.1, port: ${port}, protocol: ${protocol}, dialect: otel }
  file: { path: ${this.#archive}, rotate: never, dialect: otel, counters: deltas }
`,
    );
    this.#child = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    expect(code, this.#log).toBe(0);
  }

  /** What it observed, by the names that statsd has for it: the numbers of each, oldest first. */
  archived(): ReadonlyMap<string, readonly number[]> {
    const series = new Map<string, number[]>();
    for (const line of readFileSync(this.#archive, 'utf8').trimEnd().split('\n')) {
      const { path, value } = decodeLine(line);
      const name = sanitize(path);
      series.set(name, [...(series.get(name) ?? []), value]);
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe.each(PROTOCOLS)('a real statsd over %s', (protocol) => {
  test.concurrent('flushes what was observed', async () => {
    await using peer = await Statsd.start();
    const connection = await open(peer.port, { protocol });
    let flushed = 0;
    for (let round = 0; round < 5; round += 1) {
      const batch = [
        ...Object.entries(COUNTERS).map(([path, grew]) => growth(path, grew(round))),
        ...Object.entries(GAUGES).map(([path, level]) => gauge(path, level(round))),
        gauge('round', round),
      ];
      await connection.write(batch, forever);
      await vi.waitFor(() => expect(peer.flushes.at(-1)?.gauges.get('round')).toBe(round), 5000);
      const { gauges } = peer.flushes.at(-1) ?? {};
      for (const [path, level] of Object.entries(GAUGES)) {
        expect(gauges?.get(sanitize(path)), `${path} in round ${round}`).toBe(level(round));
      }
      const counted = peer.counted(flushed);
      flushed = peer.flushes.length;
      for (const [path, grew] of Object.entries(COUNTERS)) {
        expect(counted.get(sanitize(path)), path).toBeCloseTo(grew(round), 9);
      }
      expect([...counted.keys()].sort()).toEqual(Object.keys(COUNTERS).map(sanitize).sort());
    }
    await connection.close();
  });

  test.concurrent('flushes what the program observed, tick by tick', async () => {
    await using peer = await Statsd.start();
    await using agent = new Agent(peer.port, protocol);
    await vi.waitFor(() => {
      const ticks = [...agent.archived().values()].map(({ length }) => length);
      expect(Math.max(...ticks)).toBeGreaterThanOrEqual(5);
    }, 15_000);
    await agent.stop();
    const last = peer.flushes.length + 2;
    await vi.waitFor(() => expect(peer.flushes.length).toBeGreaterThanOrEqual(last), 5000);
    const counted = peer.counted();
    const gauges = peer.flushes.at(-1)?.gauges ?? new Map<string, number>();
    const archived = agent.archived();
    expect([...counted.keys(), ...gauges.keys()].sort()).toEqual([...archived.keys()].sort());
    expect(counted.size).toBeGreaterThan(20);
    for (const [name, values] of archived) {
      const observed = counted.has(name)
        ? values.reduce((sum, value) => sum + value)
        : (values.at(-1) ?? Number.NaN);
      const flushed = counted.get(name) ?? gauges.get(name) ?? Number.NaN;
      expect(Math.abs(flushed - observed), name).toBeLessThanOrEqual(Math.abs(observed) * 1e-12);
    }
  });

  test.concurrent('is missed while it is away, and counted on when it is back', async () => {
    await using peer = await Statsd.start();
    const { delivery: it, notes } = delivery(systemClock, {
      handler: statsd as unknown as Handler,
      options: statsd.options.parse({ host: '127.0.0.1', port: peer.port, protocol }),
      backoff: { least: 0.05, most: 0.1 },
    });
    let sent = 0;
    const tick = () => {
      it.offer([growth('n', 1)]);
      it.flush();
      sent += 1;
      expect(imbalance(it.status())).toBe(0);
    };
    const ticking = setInterval(tick, 20);
    try {
      await vi.waitFor(() => expect(peer.counted().get('n')).toBeGreaterThan(5), 5000);
      await peer.kill();
      await vi.waitFor(() => expect(it.status().queued).toBeGreaterThan(5), 5000);
      expect(notes.said).toHaveLength(1);
      await peer.start();
      await vi.waitFor(() => expect(notes.said.at(-1)).toBe('handler peer recovered'), 5000);
    } finally {
      clearInterval(ticking);
    }
    const before = peer.flushes.length;
    for (let i = 0; i < 10; i += 1) tick();
    expect(await it.stop('shutdown', 2000)).toEqual({ left: 0 });
    await vi.waitFor(
      () => expect(peer.counted(before).get('n') ?? 0).toBeGreaterThanOrEqual(10),
      5000,
    );
    expect(it.status()).toMatchObject({ observed: sent, delivered: sent, resent: 0 });
    // It never counts more than there was, but for the one batch that broke.
    expect(peer.counted().get('n')).toBeLessThanOrEqual(sent + 1);
  });
});

test("a real statsd files DogStatsD's tags as Graphite's", async () => {
  await using peer = await Statsd.start();
  const connection = await open(peer.port, { protocol: 'tcp', tagFormat: 'dogstatsd' });
  const io = 'system.disk.io;device=sda;direction=read;host=web01';
  await connection.write([growth(io, 512), gauge('temperature;host=web01', -3)], forever);
  await vi.waitFor(() => {
    const { counts, gauges } = peer.flushes.at(-1) ?? {};
    expect(counts?.get(io)).toBe(512);
    expect(gauges?.get('temperature;host=web01')).toBe(-3);
  }, 5000);
  await connection.close();
});

test('a real statsd that forgets what is idle keeps a counter of which it is told that it stands still', async () => {
  await using peer = await Statsd.start({ options: { deleteIdleStats: true } });
  const connection = await open(peer.port, { protocol: 'tcp' });
  await connection.write([growth('gone', 1)], forever);
  await vi.waitFor(() => expect(peer.counted().get('gone')).toBe(1), 5000);
  for (let round = 0; round < 3; round += 1) {
    await connection.write([growth('still', 0)], forever);
    const flushes = peer.flushes.length;
    await vi.waitFor(() => {
      const counts = peer.flushes.slice(flushes).map(({ counts }) => counts);
      expect(counts).toContainEqual(new Map([['still', 0]]));
    }, 5000);
  }
  await connection.close();
});
