import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../support/clock.ts';
import { delivery, imbalance, points } from '../support/delivery.ts';
import { type Manner, Peer, type Welcome } from './peer.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a well peer', () => {
  test('gets a tick in one write, and only when the tick is complete', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 30));
    it.offer(points(30, 60));
    await clock.run(1000);
    expect(peer.writes).toEqual([]);
    it.flush();
    await clock.run(0);
    expect(peer.writes).toEqual([range(0, 60)]);
    expect(it.status()).toMatchObject({ observed: 60, delivered: 60, queued: 0, connected: true });
  });

  test('gets a long queue in batches, over one connection', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 250));
    it.flush();
    await clock.run(0);
    expect(peer.writes).toEqual([range(0, 100), range(100, 200), range(200, 250)]);
    expect(peer.opened).toBe(1);
  });

  test('is left alone while there is nothing to send', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.flush();
    await clock.run(60_000);
    expect(peer.opened).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('a peer that refuses', () => {
  test('is tried again at growing intervals, and said once', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.welcome = 'refuse';
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(0);
    const waits: number[] = [];
    for (let last = 0, seen = 1; waits.length < 8; ) {
      await clock.run(100);
      if (peer.opened === seen) continue;
      seen = peer.opened;
      waits.push(Math.round((clock.monotonic() - last) / 100) / 10);
      last = clock.monotonic();
    }
    // Half way from 1 s to 2, 4, 8, 16, 32, 60 and 60 s.
    expect(waits).toEqual([1.5, 2.5, 4.5, 8.5, 16.5, 30.5, 30.5, 30.5]);
    expect(notes.said).toEqual([
      'handler peer: refused. 10 points wait; from 1000 on the oldest are dropped. ' +
        'Next attempt in 1.5 s, then at growing intervals of up to 60 s.',
    ]);

    peer.welcome = 'accept';
    await clock.run(60_000);
    expect(peer.writes).toEqual([range(0, 10)]);
    expect(notes.said.at(-1)).toBe('handler peer recovered');
    expect(it.status()).toMatchObject({ failures: 9, delivered: 10, connected: true });
  });

  test('for good, costs the oldest points and a bounded memory', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.welcome = 'refuse';
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    for (let tick = 0; tick < 1000; tick += 1) {
      it.offer(points(tick * 300, tick * 300 + 300));
      it.flush();
      await clock.run(10_000);
      expect(it.status().queued).toBeLessThanOrEqual(1000);
      expect(imbalance(it.status())).toBe(0);
    }
    expect(it.status()).toMatchObject({ queued: 1000, dropped: { overflow: 299_000 } });
    expect(notes.said).toHaveLength(2);
    expect(notes.said[1]).toMatch(/queue of handler peer: it is full .* counted as overflow/);
    peer.welcome = 'accept';
    await clock.run(60_000);
    expect(peer.writes.flat()).toEqual(range(299_000, 300_000));
    expect(notes.said.slice(2).sort()).toEqual([
      'handler peer queue recovered',
      'handler peer recovered',
    ]);
  });

  test('is bounded in bytes as well', async () => {
    const peer = new Peer();
    peer.welcome = 'refuse';
    const { delivery: it } = delivery(new SimulatedClock(), {
      handler: peer.handler,
      queue: { samples: 1000, bytes: 10_000 },
    });
    it.offer(points(0, 100, 'x'.repeat(968)));
    expect(it.status()).toMatchObject({ queued: 10, dropped: { overflow: 90 } });
  });
});

describe('a peer that hangs', () => {
  test.each(['hang', 'late'] as const)('while connecting (%s), is given up', async (welcome) => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.welcome = welcome;
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(5000);
    expect(notes.said[0]).toMatch(/^handler peer: connecting took longer than 5 s\. 10 points/);
    peer.welcome = 'accept';
    await clock.run(1500);
    expect(peer.writes).toEqual([range(0, 10)]);
    expect(peer.open).toBe(1);
  });

  test('in a write, is given up; the batch is sent over the next connection', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.manner = 'hang';
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(4999);
    expect(it.status()).toMatchObject({ queued: 10, connected: true });
    await clock.run(1);
    expect(it.status()).toMatchObject({ queued: 10, connected: false, failures: 1 });
    expect(notes.said[0]).toMatch(/^handler peer: writing 10 points took longer than 5 s/);
    expect(peer.open).toBe(0);
    peer.manner = 'take';
    await clock.run(1500);
    expect(peer.writes).toEqual([range(0, 10)]);
    expect(it.status()).toMatchObject({ delivered: 10, resent: 0 });
  });

  test('and takes the batch after its deadline, does not confuse the books', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.manner = 'late';
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(5000);
    peer.manner = 'take';
    await clock.run(10_000);
    expect(peer.writes).toEqual([range(0, 10), range(0, 10)]);
    expect(it.status()).toMatchObject({ delivered: 10, queued: 0 });
  });
});

describe('a connection that breaks', () => {
  test('between two writes, is opened anew with the next flush; what was just delivered is sent again', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    for (const tick of range(0, 5)) {
      it.offer(points(tick * 10, tick * 10 + 10));
      it.flush();
      await clock.run(10_000);
    }
    peer.end();
    await clock.run(0);
    expect(peer.opened).toBe(1);
    it.flush();
    await clock.run(0);
    // The last tick was delivered 10 s ago, the one before 20 s ago.
    expect(peer.writes.slice(5)).toEqual([range(30, 40), range(40, 50)]);
    expect(it.status()).toMatchObject({ observed: 50, delivered: 50, resent: 20, failures: 1 });
  });

  test('right after a resend, sends again what was sent again', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(15_000);
    for (const lived of [900, 20_000, 0]) {
      peer.end();
      await clock.run(0);
      it.flush();
      await clock.run(lived);
    }
    // The first resend was lost with a peer that lived 0.9 s; the second has had time to be kept.
    expect(peer.writes).toEqual([range(0, 10), range(0, 10), range(0, 10)]);
    expect(it.status()).toMatchObject({ delivered: 10, resent: 20 });
  });

  test('when it was idle, time and again, sends a point at most as often as the window says', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    for (const tick of range(0, 60)) {
      it.offer(points(tick, tick + 1));
      it.flush();
      await clock.run(1500);
      peer.end();
      await clock.run(8500);
    }
    const times = (n: number) => peer.writes.flat().filter((point) => point === n).length;
    for (const n of range(0, 55)) expect(times(n)).toBeLessThanOrEqual(3);
    expect(notes.said.length).toBeLessThan(130);
    expect(imbalance(it.status())).toBe(0);
  });

  test('in a stuck write, counts the window from when the write began', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(20_000);
    peer.manner = 'hang';
    it.offer(points(10, 20));
    it.flush();
    await clock.run(4999);
    peer.manner = 'take';
    await clock.run(1);
    expect(peer.writes.slice(1)).toEqual([range(0, 10), range(10, 20)]);
  });

  test('sends nothing again where a point sent twice counts twice', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(5000);
    peer.end();
    it.flush();
    await clock.run(5000);
    expect(peer.writes).toEqual([range(0, 10)]);
    expect(it.status().resent).toBe(0);
  });

  test('young, again and again, is no busy loop and no endless log', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.closes = true;
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    for (let tick = 0; tick < 360; tick += 1) {
      it.offer(points(tick * 10, tick * 10 + 10));
      it.flush();
      await clock.run(10_000);
      expect(imbalance(it.status())).toBe(0);
    }
    expect(peer.opened).toBeLessThan(150);
    expect(notes.said.filter((line) => !line.includes('queue'))).toHaveLength(1);
    const times = new Map<number, number>();
    for (const n of peer.writes.flat()) times.set(n, (times.get(n) ?? 0) + 1);
    expect(Math.max(...times.values())).toBe(21);
    // It goes on: what the peer has has lost twenty times does not block the rest for ever.
    expect(it.status().delivered).toBeGreaterThan(30);
  });

  test('while its reason is an error, says that reason', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(5000);
    peer.end(new Error('Carbon closed the connection'));
    await clock.run(0);
    it.flush();
    await clock.run(5000);
    expect(notes.said[0]).toMatch(/^handler peer: Carbon closed the connection\. .*attempt now/);
    expect(notes.said[1]).toBe('handler peer recovered');
  });
});

test('what can never be sent is dropped, counted and said; the connection lives', async () => {
  const clock = new SimulatedClock();
  const peer = new Peer();
  peer.manner = 'unsendable';
  const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
  it.offer(points(0, 10));
  it.flush();
  await clock.run(0);
  peer.manner = 'take';
  it.offer(points(10, 20));
  it.flush();
  await clock.run(0);
  expect(peer.opened).toBe(1);
  expect(peer.writes).toEqual([range(10, 20)]);
  expect(it.status()).toMatchObject({ delivered: 10, dropped: { unsendable: 10 }, failures: 0 });
  expect(notes.said).toEqual([
    'handler peer: no. 10 points were dropped, and counted as unsendable.',
  ]);
});

test('what can never be sent takes no room once it is dropped', async () => {
  const clock = new SimulatedClock();
  const peer = new Peer();
  peer.manner = 'unsendable';
  const queue = { samples: 100, bytes: 1e6 };
  const { delivery: it } = delivery(clock, { handler: peer.handler, queue });
  for (let tick = 0; tick < 20; tick += 1) {
    it.offer(points(0, 50));
    it.flush();
    await clock.run(10_000);
  }
  peer.welcome = 'refuse';
  peer.end();
  it.offer(points(0, 100));
  it.flush();
  await clock.run(0);
  expect(it.status()).toMatchObject({ queued: 100, dropped: { unsendable: 1000, overflow: 0 } });
});

describe('a peer that does not take all of a batch', () => {
  const odd = (from: number, to: number) => range(from, to).filter((n) => n % 2 === 1);
  const even = (from: number, to: number) => range(from, to).filter((n) => n % 2 === 0);

  test('gets the rest alone again, after a pause, over the same connection', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    peer.manner = 'odd';
    it.offer(points(0, 10));
    it.flush();
    await clock.run(0);
    expect(it.status()).toMatchObject({ delivered: 5, queued: 5, failures: 1, connected: true });
    peer.manner = 'take';
    await clock.run(1499);
    expect(peer.writes).toEqual([odd(0, 10)]);
    await clock.run(1);
    expect(peer.writes).toEqual([odd(0, 10), even(0, 10)]);
    expect(it.status()).toMatchObject({ delivered: 10, queued: 0, resent: 0 });
    expect(peer.opened).toBe(1);
    expect(notes.said).toEqual([
      'handler peer: full. 5 points wait; what it takes is delivered. Next attempt with them in 1.5 s.',
    ]);
    it.offer(points(10, 11));
    await clock.run(60_000);
    it.flush();
    await clock.run(0);
    expect(notes.said.at(-1)).toBe('handler peer unsettled recovered');
  });

  test('gets what is fresh meanwhile, however much waits', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    peer.manner = 'odd';
    for (const tick of range(0, 60)) {
      it.offer(points(tick * 100, tick * 100 + 100));
      it.flush();
      await clock.run(10_000);
      expect(imbalance(it.status())).toBe(0);
      expect(it.status().delivered).toBe(tick * 50 + 50);
    }
    // What is never taken goes first when there is no more room.
    expect(it.status()).toMatchObject({ queued: 950, dropped: { overflow: 2050 } });
    peer.manner = 'take';
    await clock.run(61_000);
    expect(it.status()).toMatchObject({ queued: 0, delivered: 3950, resent: 0 });
    expect(peer.writes.flat().length).toBe(3950);
    expect(new Set(peer.writes.flat()).size).toBe(3950);
  });

  test('is asked ever less often while it takes nothing', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
    peer.manner = 'none';
    it.offer(points(0, 10));
    it.flush();
    await clock.run(600_000);
    expect(it.status().failures).toBeLessThan(30);
    expect(it.status()).toMatchObject({ queued: 10, delivered: 0, connected: true });
    expect(notes.said).toHaveLength(1);
    expect(peer.opened).toBe(1);
  });

  test('is asked as often as at first once it takes something again', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    peer.manner = 'none';
    it.offer(points(0, 10));
    it.flush();
    // 1.5 and 2.5 and 4.5 seconds of rest, which would be 8.5 the next time.
    await clock.run(8499);
    peer.manner = 'odd';
    await clock.run(1);
    peer.manner = 'take';
    await clock.run(1499);
    expect(peer.writes).toEqual([odd(0, 10)]);
    await clock.run(1);
    expect(peer.writes).toEqual([odd(0, 10), even(0, 10)]);
  });

  test('gets the rest after a connection that broke, too', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    peer.manner = 'odd';
    it.offer(points(0, 10));
    it.flush();
    await clock.run(0);
    peer.manner = 'hang';
    await clock.run(6499);
    peer.manner = 'take';
    await clock.run(10_000);
    expect(peer.opened).toBe(2);
    expect(peer.writes).toEqual([odd(0, 10), even(0, 10)]);
    expect(it.status()).toMatchObject({ delivered: 10, queued: 0 });
  });

  test('is tried until the very end, and the rest is counted', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer(false);
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    peer.manner = 'odd';
    it.offer(points(0, 10));
    it.flush();
    await clock.run(100);
    const stopped = it.stop('shutdown', 3000);
    await clock.run(3000);
    expect(await stopped).toEqual({ left: 5 });
    expect(it.status()).toMatchObject({ delivered: 5, queued: 0, dropped: { shutdown: 5 } });
    expect(it.status().failures).toBeGreaterThan(1);
    expect(peer.open).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

test('a write that hangs is explained at its deadline, if the peer has said why', async () => {
  const clock = new SimulatedClock();
  const peer = new Peer();
  peer.manner = 'hang';
  peer.stalled = 'low on memory';
  const { delivery: it, notes } = delivery(clock, { handler: peer.handler });
  it.offer(points(0, 10));
  it.flush();
  await clock.run(5000);
  expect(notes.said[0]).toMatch(
    /^handler peer: writing 10 points took longer than 5 s: low on memory\. 10 points wait/,
  );
});

describe('stopping', () => {
  test('delivers what is queued, unflushed as it is, and closes', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    expect(await it.stop('shutdown', 5000)).toEqual({ left: 0 });
    expect(peer.writes).toEqual([range(0, 10)]);
    expect(peer).toMatchObject({ open: 0, closed: 1 });
    expect(clock.pending).toBe(0);
  });

  test.each<[Welcome, Manner]>([
    ['refuse', 'take'],
    ['hang', 'take'],
    ['accept', 'hang'],
    ['accept', 'fail'],
  ])('gives up at the deadline and counts the rest (%s, %s)', async (welcome, manner) => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    Object.assign(peer, { welcome, manner });
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(100);
    const stopped = it.stop('reload', 3000);
    await clock.run(3000);
    expect(await stopped).toEqual({ left: 10 });
    it.offer(points(10, 15));
    it.flush();
    await clock.run(60_000);
    expect(it.status()).toMatchObject({ queued: 0, dropped: { reload: 15 }, connected: false });
    expect(peer.open).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('makes an attempt at once, however long the pause would have been', async () => {
    const clock = new SimulatedClock();
    const peer = new Peer();
    peer.welcome = 'refuse';
    const { delivery: it } = delivery(clock, { handler: peer.handler });
    it.offer(points(0, 10));
    it.flush();
    await clock.run(100_000);
    peer.welcome = 'accept';
    const stopped = it.stop('shutdown', 3000);
    await clock.run(0);
    expect(await stopped).toEqual({ left: 0 });
  });
});

test('draining waits for what is queued, says what is left, and delivery goes on', async () => {
  const clock = new SimulatedClock();
  const peer = new Peer();
  const { delivery: it } = delivery(clock, { handler: peer.handler });
  it.offer(points(0, 10));
  expect(await it.drain(1000)).toEqual({ left: 0 });
  peer.manner = 'hang';
  it.offer(points(10, 20));
  const drained = it.drain(1000);
  await clock.run(1000);
  expect(await drained).toEqual({ left: 10 });
  peer.manner = 'take';
  await clock.run(10_000);
  expect(it.status()).toMatchObject({ delivered: 20, queued: 0 });
});

test('the books balance and memory is bounded, whatever the peer does', async () => {
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.record({ offer: fc.integer({ min: 1, max: 90 }) }) },
    { weight: 4, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 8000 }) }) },
    fc.record({
      welcome: fc.constantFrom<Welcome>('accept', 'accept', 'refuse', 'throw', 'hang', 'late'),
    }),
    fc.record({
      manner: fc.constantFrom<Manner>(
        ...(['take', 'fail', 'throw', 'hang', 'late', 'unsendable', 'odd', 'none'] as const),
      ),
    }),
    fc.record({ closes: fc.boolean() }),
    fc.constant({ end: true }),
    fc.record({ drain: fc.integer({ min: 0, max: 5000 }) }),
  );
  const history = fc.array(event, { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(history, fc.boolean(), async (events, idempotent) => {
      const clock = new SimulatedClock();
      const peer = new Peer(idempotent);
      const { delivery: it } = delivery(clock, {
        handler: peer.handler,
        queue: { samples: 200, bytes: 5000 },
        batch: 30,
      });
      let offered = 0;
      let before = it.status();
      const check = () => {
        const status = it.status();
        expect(imbalance(status)).toBe(0);
        expect(status.observed).toBe(offered);
        expect(status.queued).toBeLessThanOrEqual(200);
        expect(status.delivered).toBeGreaterThanOrEqual(before.delivered);
        expect(status.resent).toBeGreaterThanOrEqual(before.resent);
        expect(peer.open).toBeLessThanOrEqual(1);
        before = status;
      };
      for (const event of events) {
        if ('offer' in event) {
          it.offer(points(offered, offered + event.offer));
          offered += event.offer;
          it.flush();
        } else if ('wait' in event) await clock.run(event.wait);
        else if ('end' in event) peer.end();
        else if ('drain' in event) void it.drain(event.drain);
        else Object.assign(peer, event);
        check();
        await clock.run(0);
        check();
      }
      // In the end the peer gets well: everything that was not dropped arrives.
      Object.assign(peer, { welcome: 'accept', manner: 'take', closes: false });
      await clock.run(300_000);
      check();
      const { queued, dropped } = it.status();
      expect(queued).toBe(0);
      const arrived = new Set(peer.writes.flat());
      expect(arrived.size).toBeGreaterThanOrEqual(offered - dropped.overflow - dropped.unsendable);
      const stopped = it.stop('shutdown', 1000);
      await clock.run(1000);
      expect(await stopped).toEqual({ left: 0 });
      check();
      expect(peer.open).toBe(0);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 300 },
  );
});
