import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Columns } from '../../src/columns/index.ts';
import { Books } from '../../src/deliver/books.ts';
import { Complaints } from '../../src/deliver/complaints.ts';
import { Supply } from '../../src/deliver/supply.ts';
import { SimulatedClock } from '../support/clock.ts';
import { Notes, points } from '../support/delivery.ts';
import { Peer } from './peer.ts';

const BATCH = 10;
const { signal } = new AbortController();

/** What waits for a peer, on a disk too, and what is taken of it batch by batch. */
async function supply() {
  const clock = new SimulatedClock();
  const notes = new Notes();
  const spool = { path: mkdtempSync(join(tmpdir(), 'cullinan-supply-')), size: 1e6 };
  const options = {
    ...{ name: 'peer', handler: new Peer().handler, options: {}, spool, batch: BATCH },
    ...{ queue: { samples: 1000, bytes: 1e6 }, interval: 10, timeout: 5, resend: 0 },
  };
  const complaints = new Complaints(options, clock, notes);
  const it = new Supply(options, { clock, log: notes }, new Books(), complaints);
  await it.open();
  onTestFinished(async () => void (await it.close('shutdown')));
  const offer = (from: number, batches: number) =>
    it.offer(Columns.of(points(from, from + batches * BATCH)));
  /** Takes a batch, of which nothing is left. */
  const next = async (may: { fresh?: boolean; aside?: boolean; stored?: boolean } = {}) => {
    const all = { fresh: true, aside: true, stored: true, ...may };
    const taken = await it.next(all, () => signal);
    const [first] = taken?.points.slice(0, 1) ?? [];
    if (taken !== undefined) it.delivered(taken, clock.monotonic());
    return first?.value;
  };
  /** Has it set batches aside, which are offered for that. */
  const setAside = async (from: number, batches: number) => {
    for (let i = 0; i < batches; i += 1) {
      offer(from + i * BATCH, 1);
      const taken = await it.next({ fresh: true, aside: false, stored: false }, () => signal);
      if (taken !== undefined) it.partly(taken, taken.points.slice(0, BATCH));
    }
  };
  const store = async (from: number, batches: number) => {
    offer(from, batches);
    await it.pour();
  };
  return { it, offer, next, setAside, store };
}

test('what is fresh, what was set aside and what is on disk take turns', async () => {
  const { it, offer, next, setAside, store } = await supply();
  await store(3000, 2);
  await setAside(2000, 2);
  offer(1000, 4);
  expect([it.due, it.aside, it.spooled]).toEqual([60, 20, 20]);
  const order: unknown[] = [];
  for (let i = 0; i < 8; i += 1) order.push(await next());
  // The latest one that was taken before was a fresh one.
  expect(order).toEqual([2000, 1000, 3000, 1010, 2010, 1020, 3010, 1030]);
  expect(await next()).toBeUndefined();
});

test('what may not go now leaves its turn to the others', async () => {
  const { offer, next, setAside, store } = await supply();
  await store(3000, 2);
  await setAside(2000, 2);
  offer(1000, 3);
  expect(await next({ aside: false, stored: false })).toBe(1000);
  expect(await next({ aside: false })).toBe(3000);
  expect(await next({ stored: false })).toBe(1010);
  expect(await next({ stored: false })).toBe(2000);
  expect(await next({ fresh: false, stored: false })).toBe(2010);
  expect(await next({ fresh: false })).toBe(3010);
  expect(await next()).toBe(1020);
});
