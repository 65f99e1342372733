import { afterEach, describe, expect, test, vi } from 'vitest';
import { failover, openTcp } from '../../src/net/index.ts';
import type { Connection } from '../../src/plugin/index.ts';
import { points } from '../support/delivery.ts';
import { blackHole, TcpPeer } from '../support/tcp-peer.ts';

const forever = new AbortController().signal;
const batch = points(0, 1);
const peers: TcpPeer[] = [];

async function listen(): Promise<TcpPeer> {
  const peer = await TcpPeer.listen();
  peers.push(peer);
  return peer;
}

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});

/** A name so that messages can be told apart, and a real connection. */
const candidate = (name: string, port: number) => ({
  name,
  open: async (signal: AbortSignal): Promise<Connection> => {
    const options = { host: '127.0.0.1', port, keepalive: 60, peer: 'Carbon' };
    const { write, close, ended } = await openTcp(options, signal);
    return { ended, close, write: () => write(`to ${name}\n`) };
  },
});

const open = (ports: readonly number[], { patience = 3, retry = 0 } = {}, signal = forever) =>
  failover(
    ports.map((port, i) => candidate('abc'.charAt(i), port)),
    { patience, retry },
    signal,
  );

const write = (connection: Connection) => connection.write(batch, forever);

describe('several hosts that stand in for each other', () => {
  test('the first is used while it answers', async () => {
    const [a, b] = [await listen(), await listen()];
    const connection = await open([a.port, b.port]);
    await write(connection);
    await write(connection);
    await vi.waitFor(() => expect(a.received.join()).toBe('to a\nto a\n'));
    expect(b.accepted).toBe(0);
    expect(connection.note).toBe('delivers to a');
    await connection.close();
  });

  test('one alone has its own connection, and its own words where it has none', async () => {
    const a = await listen();
    const connection = await open([a.port]);
    await write(connection);
    await vi.waitFor(() => expect(a.received.join()).toBe('to a\n'));
    expect(connection).not.toHaveProperty('note');
    await connection.close();
    await a.refuse();
    await expect(open([a.port])).rejects.toThrow(/^127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  });

  test('the next one is used where the first refuses, and says why', async () => {
    const [a, b] = [await listen(), await listen()];
    await a.refuse();
    const connection = await open([a.port, b.port], { retry: 60 });
    await write(connection);
    await vi.waitFor(() => expect(b.received.join()).toBe('to b\n'));
    expect(connection.note).toBe(
      `delivers to b, because 127.0.0.1:${a.port}: connect ECONNREFUSED 127.0.0.1:${a.port}`,
    );
    await connection.close();
  });

  test('a first one that does not answer costs its patience', async () => {
    await using hole = await blackHole();
    const b = await listen();
    const connection = await open([hole.port, b.port], { patience: 0.05, retry: 60 });
    expect(connection.note).toBe('delivers to b, because a: no answer for 0.05 s');
    await connection.close();
  });

  test('the first is used again once it is well, and the other is ended in order', async () => {
    const [a, b] = [await listen(), await listen()];
    await a.refuse();
    const connection = await open([a.port, b.port]);
    await write(connection);
    await a.listen();
    await vi.waitFor(async () => {
      await write(connection);
      expect(a.received.join()).toMatch(/^to a\n/);
    });
    expect(connection.note).toBe('delivers to a');
    await vi.waitFor(() => expect(b.open).toBe(0));
    expect(b.received.join()).toMatch(/^(to b\n)+$/);
    await connection.close();
    await vi.waitFor(() => expect(a.open).toBe(0));
  });

  test('an end of the one in use is its end; an end of one that is not, is not', async () => {
    const [a, b] = [await listen(), await listen()];
    await a.refuse();
    const connection = await open([a.port, b.port]);
    await a.listen();
    await write(connection);
    await vi.waitFor(() => expect(a.open).toBe(1));
    a.end();
    await vi.waitFor(() => expect(a.open).toBe(0));
    await write(connection);
    b.end();
    expect(await connection.ended).toMatchObject({
      message: `127.0.0.1:${b.port}: Carbon closed the connection`,
    });
  });

  test('one that takes connections and lets nobody write is left for the next, for a while', async () => {
    const [a, b] = [await listen(), await listen()];
    const options = { patience: 3, retry: 0.1 };
    let stalled: string | undefined = 'no memory left';
    const stalling = async (signal: AbortSignal): Promise<Connection> => {
      const connection = await candidate('a', a.port).open(signal);
      return {
        ...connection,
        write: (batch, signal) =>
          stalled === undefined ? connection.write(batch, signal) : new Promise(() => {}),
        get stalled() {
          return stalled;
        },
      };
    };
    const openAgain = (signal: AbortSignal) =>
      failover([{ name: 'a', open: stalling }, candidate('b', b.port)], options, signal);
    const first = new AbortController();
    const stuck = await openAgain(first.signal);
    expect([stuck.note, stuck.stalled]).toEqual(['delivers to a', 'no memory left']);
    void stuck.write(batch, first.signal);
    first.abort();
    const second = new AbortController();
    const connection = await openAgain(second.signal);
    expect(connection.note).toBe('delivers to b, because a: no memory left');
    await write(connection);
    stalled = undefined;
    await vi.waitFor(async () => {
      await write(connection);
      expect(connection.note).toBe('delivers to a');
    });
    await vi.waitFor(() => expect(a.received.join()).toContain('to a\n'));
    await connection.close();
  });

  test('one that lets nobody write is used where no other answers', async () => {
    const a = await listen();
    const b = await listen();
    await b.refuse();
    const options = { patience: 3, retry: 60 };
    const stalling = async (signal: AbortSignal): Promise<Connection> => ({
      ...(await candidate('a', a.port).open(signal)),
      stalled: 'no memory left',
    });
    for (let i = 0; i < 3; i += 1) {
      const aborter = new AbortController();
      const candidates = [{ name: 'a', open: stalling }, candidate('b', b.port)];
      const connection = await failover(candidates, options, aborter.signal);
      expect(connection.note).toMatch(/^delivers to a/);
      aborter.abort();
    }
  });

  test('none of them is one error that names them all', async () => {
    const [a, b] = [await listen(), await listen()];
    await a.refuse();
    await b.refuse();
    await expect(open([a.port, b.port])).rejects.toThrow(
      `no host answers: 127.0.0.1:${a.port}: connect ECONNREFUSED 127.0.0.1:${a.port}; ` +
        `127.0.0.1:${b.port}: connect ECONNREFUSED 127.0.0.1:${b.port}. Check that one of them runs, `,
    );
  });

  test('are given up together, whichever is in use', async () => {
    const [a, b] = [await listen(), await listen()];
    await a.refuse();
    const aborter = new AbortController();
    await open([a.port, b.port], { retry: 60 }, aborter.signal);
    await vi.waitFor(() => expect(b.open).toBe(1));
    aborter.abort();
    await vi.waitFor(() => expect(b.open).toBe(0));
    await using hole = await blackHole();
    const waiting = new AbortController();
    const opening = open([hole.port, b.port], {}, waiting.signal);
    setTimeout(() => waiting.abort(new Error('too late')), 10);
    await expect(opening).rejects.toThrow('too late');
  });
});
