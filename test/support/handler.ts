import { afterEach, describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { systemClock } from '../../src/clock/index.ts';
import { handlerChecks } from '../../src/conformance/index.ts';
import type { Delivery, DeliveryOptions } from '../../src/deliver/index.ts';
import type { Connection, Handler, Point } from '../../src/plugin/index.ts';
import { around, delivery, imbalance, type Notes, points } from './delivery.ts';
import { blackHole, connectionsTo, type Manner, TcpPeer } from './tcp-peer.ts';

interface Subject<O extends z.ZodType> {
  readonly handler: Handler<O>;
  /** The options with which it connects to this port of 127.0.0.1. */
  readonly options: (port: number) => z.input<O>;
  /** The paths of the points in what one connection brought; an unfinished end is left out. */
  readonly paths: (received: Buffer) => readonly string[];
}

/** Long paths, so that a batch of a hundred is more than a socket's buffers take at once. */
const some = (from: number, to: number): Point[] =>
  Array.from({ length: to - from }, (_, i) =>
    points(i, i + 1, `${String(from + i).padStart(6, '0')}.${'long'.repeat(500)}`),
  ).flat();

const ILL: readonly (Manner | 'refuses')[] = ['refuses', 'hangs', 'closes', 'resets', 'is slow'];

/** The suite that every handler with a TCP connection passes, with real sockets. */
export function describeHandler<O extends z.ZodType>(subject: Subject<O>): void {
  const { handler, paths } = subject;
  const parsed = (port: number) => handler.options.parse(subject.options(port));
  const open = (port: number, signal: AbortSignal): Promise<Connection> =>
    handler.open({ options: parsed(port), signal, ...around });
  const running: Delivery[] = [];
  const deliver = (
    port: number,
    options: Partial<DeliveryOptions> = {},
  ): { delivery: Delivery; notes: Notes } => {
    const made = delivery(systemClock, {
      handler: handler as unknown as Handler,
      options: parsed(port),
      queue: { samples: 10_000, bytes: 64e6 },
      timeout: 0.15,
      // A connection that has held for so long counts as well, which one that a busy machine ends late must not.
      backoff: { least: 0.3, most: 0.6 },
      resend: 60,
      ...options,
    });
    running.push(made.delivery);
    return made;
  };
  const peers: TcpPeer[] = [];
  const listen = async (manner: Manner): Promise<TcpPeer> => {
    const peer = await TcpPeer.listen(manner);
    peers.push(peer);
    return peer;
  };
  afterEach(async () => {
    for (const it of running.splice(0)) await it.stop('shutdown', 0);
    for (const peer of peers.splice(0)) await peer.close();
  });
  const arrived = (peer: TcpPeer): Set<string> => new Set(peer.received.flatMap(paths));

  describe(`the ${handler.name} handler`, () => {
    for (const check of handlerChecks(handler, subject.options)) {
      test(check.name, () => check.run());
    }

    test('hands over every point of a batch, and ends when it is closed', async () => {
      const peer = await listen('well');
      const connection = await open(peer.port, new AbortController().signal);
      const batch = some(0, 300);
      await connection.write(batch, new AbortController().signal);
      await connection.close();
      await vi.waitFor(() => expect(peer.open).toBe(0));
      expect([...arrived(peer)]).toEqual(batch.map(({ name }) => name.path));
    });

    test.each(ILL)('loses nothing uncounted to a peer that %s, and says so once', async (ill) => {
      // A peer that never reads looks well as long as its kernel takes what is sent only once.
      const once = handler.idempotent || ill !== 'hangs';
      const peer = await listen(ill === 'refuses' ? 'well' : ill);
      if (ill === 'refuses') await peer.refuse();
      // A machine that is busy with other tests makes no slow peer one that hangs.
      const patience = ill === 'is slow' ? { timeout: 5 } : {};
      const { delivery: it, notes } = deliver(peer.port, patience);
      let offered = 0;
      const tick = () => {
        it.offer(some(offered, offered + 100));
        offered += 100;
        it.flush();
        expect(imbalance(it.status())).toBe(0);
      };
      const much = async () => {
        for (let i = 0; i < 20; i += 1) {
          tick();
          await new Promise(setImmediate);
        }
      };
      await much();
      if (ill !== 'is slow') {
        await vi.waitFor(async () => {
          // What is never sent again may all be in the kernel by now, and nothing left to fail with.
          if (!handler.idempotent && it.status().queued === 0) await much();
          expect(it.status().failures).toBeGreaterThanOrEqual(3);
        }, 15_000);
        expect(imbalance(it.status())).toBe(0);
        expect(connectionsTo(peer.port)).toBeLessThanOrEqual(1);
        expect([...notes.problems.keys()]).toEqual(['handler peer']);
        if (once) expect(notes.said).toHaveLength(1);
        peer.recover();
        if (ill === 'refuses') await peer.listen();
      }
      tick();
      expect(await it.drain(10_000)).toEqual({ left: 0 });
      if (handler.idempotent) {
        await vi.waitFor(() => expect(arrived(peer).size).toBe(offered), 10_000);
      }
      if (ill === 'is slow') expect(notes.said).toEqual([]);
      else {
        const end = () => expect(notes.said.at(-1)).toBe('handler peer recovered');
        await vi.waitFor(end, 5000);
        if (once) expect(notes.said).toHaveLength(2);
      }
      expect(it.status()).toMatchObject({ observed: offered, delivered: offered, connected: true });
      await it.stop('shutdown', 1000);
      await vi.waitFor(() => expect(peer.open).toBe(0));
    });

    test('keeps its memory bounded while a peer hangs for good', async () => {
      const peer = await listen('hangs');
      const { delivery: it } = deliver(peer.port, { queue: { samples: 500, bytes: 400_000 } });
      for (let from = 0; it.status().failures < 2; from += 100) {
        it.offer(some(from, from + 100));
        it.flush();
        const status = it.status();
        expect(imbalance(status)).toBe(0);
        expect(status.queued).toBeLessThanOrEqual(200);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(await it.stop('shutdown', 100)).toEqual({ left: it.status().dropped.shutdown });
      expect(it.status()).toMatchObject({ queued: 0, connected: false });
      expect(it.status().dropped.overflow).toBeGreaterThan(0);
      expect(imbalance(it.status())).toBe(0);
    });

    test('is given up by the deadline when the peer is a black hole', async () => {
      await using hole = await blackHole();
      const { delivery: it, notes } = deliver(hole.port);
      it.offer(some(0, 10));
      it.flush();
      await vi.waitFor(() => expect(it.status().failures).toBeGreaterThanOrEqual(2), 5000);
      expect(notes.said).toHaveLength(1);
      expect(notes.said[0]).toMatch(/^handler peer: connecting took longer than 0\.15 s\./);
      expect(await it.stop('shutdown', 50)).toEqual({ left: 10 });
    });

    test('stops connecting when it is aborted', async () => {
      await using hole = await blackHole();
      const aborter = new AbortController();
      const opening = open(hole.port, aborter.signal);
      setTimeout(() => aborter.abort(), 10);
      await expect(opening).rejects.toThrow();
    });

    test('gives a stuck write and its connection up when it is aborted', async () => {
      const peer = await listen('hangs');
      const aborter = new AbortController();
      const connection = await open(peer.port, aborter.signal);
      const stuck = (async () => {
        for (;;) await connection.write(some(0, 1000), aborter.signal);
      })();
      setTimeout(() => aborter.abort(), 50);
      await expect(stuck).rejects.toThrow();
      await connection.ended;
      expect(connectionsTo(peer.port)).toBe(0);
    });

    test.each(['end', 'cut'] as const)(
      'notices at once that a peer went away (%s)',
      async (how) => {
        const peer = await listen('well');
        const connection = await open(peer.port, new AbortController().signal);
        await vi.waitFor(() => expect(peer.open).toBe(1));
        peer[how]();
        await connection.ended;
        await expect(connection.write(some(0, 1), new AbortController().signal)).rejects.toThrow();
      },
    );
  });
}
