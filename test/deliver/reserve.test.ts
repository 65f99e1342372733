import { cpSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Delivery, DeliveryOptions } from '../../src/deliver/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { delivery, imbalance, points } from '../support/delivery.ts';
import { noMounting, smallDisk } from '../support/disk.ts';
import { Peer } from './peer.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const folder = () => mkdtempSync(join(tmpdir(), 'cullinan-reserve-'));
const SIZE = 1e6;
/** Seconds: simulated time must not run out for a real disk. */
const PATIENT = 600;

/** The disk works in real time, whatever the clock says. */
async function until(
  clock: SimulatedClock,
  done: () => boolean,
  said?: () => string,
): Promise<void> {
  const end = performance.now() + 5000;
  while (!done()) {
    if (performance.now() > end) throw new Error(`it never came to that: ${said?.()}`);
    await setImmediate();
    await clock.run(0);
  }
}

/** Lets time pass, and the disk keep up with it. */
async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    await clock.run(Math.min(left, 500));
    for (let i = 0; i < 20; i += 1) await setImmediate();
  }
}

function spooling(path: string, peer: Peer, more: Partial<DeliveryOptions> = {}) {
  const clock = new SimulatedClock();
  const spool = { path, size: SIZE };
  const it = delivery(clock, { handler: peer.handler, spool, timeout: PATIENT, ...more });
  onTestFinished(async () => {
    let over = false;
    void it.delivery.stop('shutdown', 0).then(() => {
      over = true;
    });
    await until(clock, () => over);
  });
  let offered = 0;
  return {
    ...it,
    clock,
    tick(count: number) {
      it.delivery.offer(points(offered, offered + count));
      offered += count;
      it.delivery.flush();
    },
    pass: (ms: number) => pass(clock, ms),
    until: (done: () => boolean) =>
      until(clock, done, () => JSON.stringify([it.delivery.status(), it.notes.said])),
  };
}

const away = () => {
  const peer = new Peer();
  peer.welcome = 'refuse';
  return peer;
};
const settled = (it: Delivery) => it.status().queued === 0;

describe('while the peer is away', () => {
  test('what waits is on disk, and counted there', async () => {
    const { delivery: it, clock, tick, until } = spooling(folder(), away());
    await clock.run(0);
    for (let i = 1; i <= 5; i += 1) {
      tick(30);
      await until(() => settled(it));
      expect(it.status()).toMatchObject({ observed: i * 30, spooled: i * 30, delivered: 0 });
      await clock.run(10_000);
    }
  });

  test('it costs no time to stop: the next run of the agent delivers it', async () => {
    const path = folder();
    const before = spooling(path, away());
    before.tick(250);
    await before.until(() => before.delivery.status().spooled === 250);
    expect(await before.delivery.stop('shutdown', 5000)).toEqual({ left: 0 });
    expect(before.delivery.status()).toMatchObject({ spooled: 250, queued: 0 });
    expect(before.clock.pending).toBe(0);

    const peer = new Peer();
    const after = spooling(path, peer);
    await after.until(() => after.delivery.status().delivered === 250);
    expect(peer.writes.flat()).toEqual(range(0, 250));
    expect(imbalance(after.delivery.status())).toBe(0);
    await after.until(() => readdirSync(path).length === 1);
    await after.delivery.stop('shutdown', 5000);
    expect(readdirSync(path)).toEqual([]);
  });

  test('what comes while it stops is on disk, too', async () => {
    const { delivery: it, tick, until } = spooling(folder(), away());
    tick(250);
    await until(() => it.status().spooled === 250);
    const stopped = it.stop('shutdown', 5000);
    tick(41);
    expect(await stopped).toEqual({ left: 0 });
    expect(it.status()).toMatchObject({ observed: 291, spooled: 291, queued: 0 });
    tick(7);
    expect(it.status()).toMatchObject({ observed: 298, spooled: 291, dropped: { shutdown: 7 } });
  });

  test('and the process is killed, nothing is lost that a tick had completed', async () => {
    const path = folder();
    const before = spooling(path, away());
    before.tick(100);
    before.tick(100);
    await before.until(() => settled(before.delivery));
    const copy = folder();
    cpSync(path, copy, { recursive: true, filter: (from) => !from.endsWith('lock') });
    const peer = new Peer();
    const after = spooling(copy, peer);
    await after.until(() => after.delivery.status().delivered === 200);
    expect(peer.writes.flat()).toEqual(range(0, 200));
    await before.delivery.stop('shutdown', 0);
    await after.delivery.stop('shutdown', 0);
  });
});

test('while a write hangs, what comes after it is on disk before its deadline', async () => {
  const peer = new Peer();
  peer.manner = 'hang';
  const { delivery: it, tick, until } = spooling(folder(), peer);
  tick(10);
  await until(() => peer.open === 1);
  for (let i = 0; i < 4; i += 1) tick(10);
  await until(() => it.status().spooled === 40);
  expect(it.status()).toMatchObject({ queued: 10, failures: 0 });
});

test('when the peer is back, what is on disk goes oldest first, and takes turns with what is fresh', async () => {
  const peer = away();
  const { delivery: it, tick, pass, clock, until } = spooling(folder(), peer);
  tick(400);
  await until(() => it.status().spooled === 400);
  Object.assign(peer, { welcome: 'accept', manner: 'hang' });
  await clock.run(3000);
  await until(() => peer.open === 1);
  // The first batch hangs until its deadline; meanwhile two ticks come.
  tick(100);
  tick(100);
  Object.assign(peer, { manner: 'take' });
  await pass(PATIENT * 1000 + 10_000);
  await until(() => it.status().delivered === 600);
  const firsts = peer.writes.map(([first]) => first ?? -1);
  expect(firsts.filter((value) => value < 400)).toEqual([0, 100, 200, 300]);
  expect(peer.writes.flat().sort((a, b) => a - b)).toEqual(range(0, 600));
  expect(it.status()).toMatchObject({ spooled: 0, queued: 0 });
});

test('a long replay holds no more than the queue may, and pours nothing that is fresh', async () => {
  const peer = away();
  const queue = { samples: 400, bytes: 1e6 };
  const { delivery: it, tick, pass, until } = spooling(folder(), peer, { queue, resend: 1e6 });
  for (let i = 0; i < 30; i += 1) {
    tick(100);
    await until(() => it.status().spooled === (i + 1) * 100);
  }
  Object.assign(peer, { welcome: 'accept' });
  await pass(100_000);
  await until(() => it.status().delivered === 3000);
  tick(150);
  expect(it.status()).toMatchObject({ spooled: 0, dropped: { overflow: 0 } });
  await until(() => it.status().delivered === 3150);
  // Only what the queue may hold can be sent again.
  peer.end(new Error('gone'));
  tick(1);
  await pass(100_000);
  await until(() => it.status().queued + it.status().spooled === 0);
  expect(it.status().resent).toBeLessThanOrEqual(400);
});

test('what a broken connection had taken is sent again, from disk if it must wait', async () => {
  const peer = new Peer();
  const path = folder();
  const { delivery: it, tick, pass, clock, until } = spooling(path, peer);
  tick(50);
  await until(() => it.status().delivered === 50);
  Object.assign(peer, { welcome: 'refuse' });
  peer.end(new Error('gone'));
  await clock.run(5000);
  await until(() => readdirSync(path).length === 2);
  expect(it.status()).toMatchObject({ spooled: 0, queued: 0, delivered: 50 });
  Object.assign(peer, { welcome: 'accept' });
  tick(1);
  await pass(100_000);
  await until(() => it.status().resent === 50);
  expect(peer.writes.flat().filter((value) => value < 50)).toEqual([
    ...range(0, 50),
    ...range(0, 50),
  ]);
  expect(imbalance(it.status())).toBe(0);
});

test('where twice is not once, what was delivered is not stored', async () => {
  const peer = new Peer(false);
  const path = folder();
  const { delivery: it, tick, pass, clock, until } = spooling(path, peer);
  tick(50);
  await until(() => it.status().delivered === 50);
  Object.assign(peer, { welcome: 'refuse' });
  peer.end(new Error('gone'));
  await clock.run(5000);
  tick(10);
  await until(() => it.status().spooled === 10);
  Object.assign(peer, { welcome: 'accept' });
  await pass(100_000);
  await until(() => it.status().delivered === 60);
  expect(peer.writes.flat()).toEqual(range(0, 60));
});

test('a batch on disk that the peer will never take is dropped and counted', async () => {
  const peer = away();
  const { delivery: it, tick, pass, until } = spooling(folder(), peer);
  tick(10);
  await until(() => it.status().spooled === 10);
  Object.assign(peer, { welcome: 'accept', manner: 'unsendable' });
  await pass(100_000);
  await until(() => it.status().dropped.unsendable === 10);
  expect(imbalance(it.status())).toBe(0);
});

test('of a batch on disk, only what the peer would not take goes back there', async () => {
  const path = folder();
  const peer = away();
  const before = spooling(path, peer);
  before.tick(10);
  await before.until(() => before.delivery.status().spooled === 10);
  Object.assign(peer, { welcome: 'accept', manner: 'odd' });
  await before.pass(100_000);
  await before.until(() => before.delivery.status().delivered === 5);
  expect(before.delivery.status()).toMatchObject({ delivered: 5, queued: 5 });
  expect(await before.delivery.stop('shutdown', 5000)).toEqual({ left: 0 });
  expect(before.delivery.status()).toMatchObject({ delivered: 5, queued: 0, spooled: 5 });
  peer.manner = 'take';
  const after = spooling(path, peer);
  await after.until(() => after.delivery.status().delivered === 5);
  expect(peer.writes).toEqual([
    [1, 3, 5, 7, 9],
    [0, 2, 4, 6, 8],
  ]);
});

test('a peer that is slow, and no disk to hold it, costs the oldest; with one it costs nothing', async () => {
  const peer = new Peer();
  peer.manner = 'hang';
  const queue = { samples: 200, bytes: 1e6 };
  const { delivery: it, tick, until } = spooling(folder(), peer, { queue });
  for (let i = 0; i < 10; i += 1) {
    tick(90);
    await until(() => it.status().queued <= 100);
  }
  expect(it.status().dropped.overflow).toBe(0);
  expect(it.status().spooled).toBeGreaterThanOrEqual(800);
});

test('a folder that cannot be had is said once; the points wait in memory', async () => {
  const { delivery: it, notes, tick, clock, until } = spooling('/etc/hostname/spool', away());
  tick(10);
  await clock.run(1000);
  await until(() => notes.said.some((line) => line.startsWith('spool of handler peer')));
  tick(10);
  await clock.run(1000);
  expect(it.status()).toMatchObject({ queued: 20, spooled: 0 });
  expect(notes.said.filter((line) => line.startsWith('spool of'))).toEqual([
    expect.stringMatching(/ENOTDIR.* points wait in memory only/),
  ]);
  const stopped = it.stop('shutdown', 0);
  await clock.run(10_000);
  expect(await stopped).toEqual({ left: 20 });
});

const cannot = noMounting();
const where = cannot === undefined ? '' : ` (left out: ${cannot})`;
test.runIf(cannot === undefined)(
  `a full disk${where} costs nothing that memory can hold`,
  async () => {
    using disk = smallDisk('256k');
    const peer = away();
    const {
      delivery: it,
      notes,
      tick,
      pass,
      clock,
      until,
    } = spooling(join(disk.path, 'spool'), peer);
    tick(10);
    await until(() => it.status().spooled === 10);
    disk.fill();
    for (let i = 0; i < 40 && notes.said.every((line) => !line.includes('ENOSPC')); i += 1) {
      tick(10);
      await clock.run(10_000);
      await until(() => settled(it) || notes.said.some((line) => line.includes('ENOSPC')));
    }
    const { observed, queued } = it.status();
    expect(queued).toBeGreaterThan(0);
    expect(imbalance(it.status())).toBe(0);
    disk.free();
    tick(10);
    await until(() => settled(it));
    expect(notes.said.at(-1)).toBe('handler peer spool recovered');
    Object.assign(peer, { welcome: 'accept' });
    await pass(100_000);
    await until(() => it.status().delivered === observed + 10);
    expect(peer.writes.flat().sort((a, b) => a - b)).toEqual(range(0, observed + 10));
    await it.stop('shutdown', 0);
  },
);

test('what waited in memory for too long is dropped and counted', async () => {
  const clock = new SimulatedClock();
  const peer = away();
  const queue = { samples: 1000, bytes: 1e6, age: 60 };
  const { delivery: it, notes } = delivery(clock, { handler: peer.handler, queue });
  for (let i = 0; i < 12; i += 1) {
    it.offer(points(i * 10, i * 10 + 10));
    it.flush();
    await clock.run(10_000);
  }
  expect(it.status()).toMatchObject({ queued: 70, dropped: { expired: 50 } });
  expect(notes.said.at(-1)).toContain('waited for more than 60 s');
  expect(imbalance(it.status())).toBe(0);
});

test('a batch that is not full lingers as long as it may, and no longer', async () => {
  const clock = new SimulatedClock();
  const peer = new Peer();
  const { delivery: it } = delivery(clock, { handler: peer.handler, linger: 25, batch: 100 });
  const tick = async (from: number, to: number) => {
    it.offer(points(from, to));
    it.flush();
    await clock.run(10_000);
  };
  await tick(0, 10);
  await tick(10, 20);
  await tick(20, 30);
  expect(peer.writes).toEqual([]);
  await tick(30, 40);
  expect(peer.writes).toEqual([range(0, 40)]);
  await tick(40, 150);
  expect(peer.writes.slice(1)).toEqual([range(40, 140), range(140, 150)]);
  await tick(150, 160);
  const stopped = it.stop('shutdown', 1000);
  await clock.run(0);
  expect(await stopped).toEqual({ left: 0 });
  expect(peer.writes.at(-1)).toEqual(range(150, 160));
});

const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ tick: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 3, arbitrary: fc.record({ wait: fc.constantFrom(0, 500, 5000) }) },
  fc.record({ welcome: fc.constantFrom('accept', 'refuse', 'throw') }),
  fc.record({ manner: fc.constantFrom('take', 'fail', 'unsendable', 'odd', 'none') }),
  fc.record({ end: fc.constant(true) }),
  fc.record({ restart: fc.constant(true) }),
);

test('the books balance, and nothing vanishes uncounted, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 25 }), async (events) => {
      const path = folder();
      const clock = new SimulatedClock();
      const peer = new Peer();
      const start = () => {
        const spool = { path, size: SIZE };
        const queue = { samples: 300, bytes: 1e6 };
        const options = { handler: peer.handler, spool, queue, timeout: 1e9 };
        return delivery(clock, options).delivery;
      };
      let it = start();
      let offered = 0;
      let lost = 0;
      const check = () => expect(imbalance(it.status())).toBe(0);
      const dropped = () => Object.values(it.status().dropped).reduce((sum, n) => sum + n, 0);
      for (const each of events) {
        if ('tick' in each) {
          it.offer(points(offered, offered + each.tick));
          offered += each.tick;
          it.flush();
        } else if ('wait' in each) await clock.run(each.wait);
        else if ('end' in each) peer.end();
        else if ('restart' in each) {
          const stopped = it.stop('shutdown', 1000);
          await clock.run(1000);
          await stopped;
          lost += dropped();
          it = start();
        } else Object.assign(peer, each);
        check();
        for (let i = 0; i < 3; i += 1) {
          await setImmediate();
          await clock.run(0);
          check();
        }
      }
      Object.assign(peer, { welcome: 'accept', manner: 'take' });
      it.offer(points(offered, offered + 1));
      it.flush();
      offered += 1;
      const done = () => {
        const { queued, spooled } = it.status();
        return queued === 0 && spooled === 0;
      };
      for (let i = 0; i < 300 && !done(); i += 1) {
        it.flush();
        await pass(clock, 20_000);
        check();
      }
      expect(it.status()).toMatchObject({ queued: 0, spooled: 0 });
      expect(new Set(peer.writes.flat()).size).toBeGreaterThanOrEqual(offered - lost - dropped());
      const stopped = it.stop('shutdown', 1000);
      await clock.run(1000);
      await stopped;
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 60 },
  );
});
