import { describe, expect, test } from 'vitest';
import { defineHandler, type Handler, type Point, z } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { delivery, imbalance, points } from '../support/delivery.ts';

/** A peer that takes so many new names a minute, and remembers each point it was sent. */
function peer(perMinute: number): { handler: Handler; arrived: Point[] } {
  const arrived: Point[] = [];
  const handler = defineHandler({
    name: 'peer',
    summary: 'Takes few new names.',
    options: z.strictObject({}),
    dialect: 'otel',
    counters: 'rates',
    idempotent: true,
    acknowledged: false,
    newNamesPerMinute: () => perMinute,
    open: async () => ({
      write: async (batch) => {
        arrived.push(...batch);
      },
      close: () => {},
    }),
  });
  return { handler: handler as unknown as Handler, arrived };
}

/** Every name once per tick; the value is the tick. */
const tick = (names: number, at: number): Point[] =>
  Array.from({ length: names }, (_, i) => points(at, at + 1, `n${i}`)).flat();

function run(perMinute: number, queue = { samples: 10_000, bytes: 1e7 }) {
  const clock = new SimulatedClock();
  const { handler, arrived } = peer(perMinute);
  const { delivery: it, notes } = delivery(clock, { handler, queue, batch: 10_000 });
  const ticks = async (names: number, from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 1) {
      it.offer(tick(names, at));
      it.flush();
      expect(imbalance(it.status())).toBe(0);
      await clock.run(10_000);
    }
  };
  return { it, clock, notes, arrived, ticks };
}

const names = (arrived: readonly Point[]): number =>
  new Set(arrived.map(({ name }) => name.path)).size;

describe('new names', () => {
  test('up to the rate go at once, and nothing is said', async () => {
    const { arrived, ticks, notes } = run(50);
    await ticks(50, 0, 3);
    expect(arrived).toHaveLength(150);
    expect(notes.told).toEqual([]);
  });

  test('beyond it follow at that rate, in the order in which they came', async () => {
    const { arrived, ticks } = run(60);
    await ticks(150, 0, 1);
    expect(names(arrived)).toBe(60);
    await ticks(150, 1, 4);
    expect(names(arrived)).toBe(90);
    const order = [...new Set(arrived.map(({ name }) => name.path))];
    expect(order).toEqual(Array.from({ length: 90 }, (_, i) => `n${i}`));
  });

  test('lose no point while they wait', async () => {
    const { it, arrived, ticks, notes } = run(60);
    await ticks(150, 0, 20);
    expect(it.status()).toMatchObject({ observed: 3000, delivered: 3000, queued: 0 });
    const last = arrived.filter(({ name }) => name.path === 'n149').map(({ value }) => value);
    expect(last).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(notes.said).toEqual([]);
  });

  test('are told of: how far it is, how long it takes, and when it is over', async () => {
    const { ticks, notes } = run(50);
    await ticks(300, 0, 60);
    expect(notes.told[0]).toBe(
      'handler peer: 66 of 300 names introduced, at 50 a minute; about 5 minutes to go. 702 points wait',
    );
    expect(notes.told).toHaveLength(6);
    expect(notes.told.at(-1)).toBe(
      'handler peer: all 300 names introduced, after 5.0 minutes; no point was lost',
    );
  });

  test('with more points than there is room for, lose their oldest, which are counted', async () => {
    const { it, arrived, ticks, notes } = run(10, { samples: 200, bytes: 1e6 });
    await ticks(60, 0, 40);
    const { dropped, delivered, observed } = it.status();
    expect(dropped['held-back']).toBeGreaterThan(0);
    expect(delivered + dropped['held-back']).toBe(observed);
    const last = arrived.filter(({ name }) => name.path === 'n59').map(({ value }) => value);
    const first = last[0] ?? 0;
    expect(first).toBeGreaterThan(0);
    expect(last).toEqual(Array.from({ length: 40 - first }, (_, i) => first + i));
    expect(notes.told.at(-1)).toBe(
      `handler peer: all 60 names introduced, after 5.0 minutes; ${dropped['held-back']} of their oldest points were dropped`,
    );
  });

  test('that still wait when the agent stops are part of what is left', async () => {
    const { it, ticks } = run(10);
    await ticks(30, 0, 1);
    expect(await it.stop('shutdown', 1000)).toEqual({ left: 20 });
    expect(it.status()).toMatchObject({ queued: 0, delivered: 10, dropped: { shutdown: 20 } });
  });

  test('are not new again for as long as they are sent', async () => {
    const { it, arrived, ticks } = run(10);
    await ticks(10, 0, 10_000);
    await ticks(20, 10_000, 10_001);
    expect(arrived.filter(({ value }) => value === 10_000)).toHaveLength(20);
    expect(it.status().queued).toBe(0);
  });

  test('are new again after some days without a point', async () => {
    const { it, clock, ticks } = run(10);
    await ticks(10, 0, 1);
    for (const other of ['one', 'two']) {
      await clock.run(86_400_000);
      it.offer(points(0, 1, other));
    }
    await clock.run(86_400_000);
    await ticks(12, 1, 2);
    expect(it.status().queued).toBe(2);
  });
});
