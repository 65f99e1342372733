import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decodePacket, encodePacket, type GangliaPacket } from 'cullinan/wire/ganglia';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import ganglia from '../../handlers/ganglia.ts';
import { systemClock } from '../../src/clock/index.ts';
import { gangliaRequests } from '../../src/net/index.ts';
import type { Connection, Handler, Point } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { around, delivery, imbalance } from '../support/delivery.ts';
import { point } from '../support/points.ts';

const forever = new AbortController().signal;
/** Every test file has a group of its own, for those that run at the same time. */
const GROUP = '239.255.86.49';

const load = (value: number, time = 1_795_219_200): Point => point('load_one', { value, time });

/** A port of this host, and the packets it was sent. */
async function listen(address = '127.0.0.1') {
  const socket = createSocket({ type: 'udp4', reuseAddr: true }).bind(0, address);
  await once(socket, 'listening');
  onTestFinished(() => gone(socket));
  const packets: GangliaPacket[] = [];
  const senders: { readonly port: number; readonly address: string }[] = [];
  socket.on('message', (bytes, from) => {
    const packet = decodePacket(bytes);
    if (packet !== undefined) packets.push(packet);
    senders.push(from);
  });
  const said = () =>
    packets.map(({ kind, id: { name } }) => (kind === 'metadata' ? `metadata ${name}` : name));
  return { socket, packets, senders, said, port: socket.address().port };
}

async function gone(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  try {
    socket.close();
    await closed;
  } catch {
    // The test closed it.
  }
}

async function open(options: object, more: object = {}): Promise<Connection> {
  const context = { signal: new AbortController().signal, ...around, ...more };
  const connection = await ganglia.open({ options: ganglia.options.parse(options), ...context });
  onTestFinished(async () => connection.close());
  return connection;
}

describe('options', () => {
  test("are gmond's unless told otherwise", () => {
    expect(ganglia.options.parse({})).toMatchObject({
      ...{ host: '239.2.11.71', port: 8649, ttl: 1 },
      ...{ allowExtraData: true, dmax: 86_400 },
    });
  });

  test('name each gmond once, and each gets everything', () => {
    const given = ganglia.options.parse({ host: ['a.example', 'b.example:8650', '[::1]:1'] });
    const peers = ganglia.peers?.(given) ?? [];
    expect(peers.map(({ name }) => name)).toEqual(['a.example:8649', 'b.example:8650', '[::1]:1']);
    expect(peers.every(({ accepts }) => accepts === undefined)).toBe(true);
    expect(ganglia.peers?.(ganglia.options.parse({}))).toMatchObject([{ name: '' }]);
  });

  test.each([
    [{ host: 'a b' }, 'must be host or host:port, and "a b" is neither'],
    [{ host: ['a', 'a:8649'] }, 'must not name a host and port twice'],
    [{ overrideIp: '10.0.0.1' }, 'must be left out where overrideHostname is'],
    [{ overrideHostname: 'a:b' }, 'must be a host name or an IPv4 address'],
    [{ ttl: 0 }, '>=1'],
  ])('are refused with a reason: %o', (options, message) => {
    const { error } = ganglia.options.safeParse(options);
    expect(error?.issues[0]?.message).toContain(message);
  });
});

describe('to a gmond', () => {
  test('goes a heartbeat first, then each metric behind its metadata', async () => {
    const { port, said, packets } = await listen();
    const connection = await open({ host: '127.0.0.1', port });
    await connection.write([load(1), load(1.5)], forever);
    await vi.waitFor(() => expect(packets).toHaveLength(4));
    expect(said()).toEqual(['metadata heartbeat', 'heartbeat', 'metadata load_one', 'load_one']);
    expect(packets.at(-1)).toMatchObject({ value: 1.5, id: { host: 'web01', spoof: false } });
  });

  test('goes a heartbeat every 20 seconds, until it is closed', async () => {
    const { port, said } = await listen();
    const clock = new SimulatedClock();
    const opening = open({ host: '127.0.0.1', port }, { clock });
    while (clock.pending === 0) await new Promise(setImmediate);
    await clock.run(100);
    const connection = await opening;
    await clock.run(60_000);
    const beats = () => said().filter((name) => name === 'heartbeat').length;
    await vi.waitFor(() => expect(beats()).toBe(4));
    await connection.close();
    expect(clock.pending).toBe(0);
  });

  test('go the metrics that the configuration puts together, when it says', async () => {
    const { port, packets } = await listen();
    const connection = await open({
      ...{ host: '127.0.0.1', port, sendMetadataInterval: '0s', valueThreshold: 5 },
      collectionGroups: [{ metrics: ['load_*'], timeThreshold: '30s', valueThreshold: 0.5 }],
    });
    const tick = (seconds: number, one: number, other: number) => {
      const at = { time: 1_795_219_200 + seconds };
      const five = point('load_five', { ...at, value: 7 });
      const rest = point('a', { ...at, value: other });
      return connection.write([load(one, at.time), five, rest], forever);
    };
    const values = () =>
      packets.flatMap((packet) => (packet.kind === 'value' ? [packet.value] : [])).slice(1);
    await tick(0, 1, 1);
    await tick(10, 1.25, 6);
    await tick(20, 1.5, 7);
    await tick(50, 1.5, 7);
    await vi.waitFor(() => expect(values()).toEqual([1, 7, 1, 6, 1.5, 7, 1.5, 7]));
  });

  test('goes metadata again when it is asked for, by the gmond or by whoever else hears of it', async () => {
    const { socket, port, packets, senders, said } = await listen();
    const connection = await open({ host: '127.0.0.1', port });
    await connection.write([load(1)], forever);
    await vi.waitFor(() => expect(packets).toHaveLength(4));
    const id = { host: 'localhost', name: 'load_one', spoof: false };
    const again = async (ask: () => void) => {
      packets.length = 0;
      ask();
      await vi.waitFor(async () => {
        await connection.write([load(1)], forever);
        expect(said()).toEqual(['metadata load_one', 'load_one']);
      });
    };
    await again(() => gangliaRequests.pass(id));
    await again(() => {
      socket.send('not a packet', senders[0]?.port, '127.0.0.1');
      socket.send(encodePacket({ kind: 'request', id }), senders[0]?.port, '127.0.0.1');
    });
  });

  test('it is this host under another name, where its own is overridden', async () => {
    const { port, packets } = await listen();
    await open({
      host: '127.0.0.1',
      port,
      overrideHostname: 'web.example',
      overrideIp: '10.0.0.7',
    });
    await vi.waitFor(() => expect(packets).toHaveLength(2));
    expect(packets[1]?.id).toEqual({
      ...{ host: '10.0.0.7:web.example', name: 'heartbeat', spoof: true },
    });
  });

  test('it comes from the address that it is bound to', async () => {
    const { port, senders } = await listen();
    await open({ host: '127.0.0.1', port, bind: '127.0.0.9' });
    await vi.waitFor(() => expect(senders[0]).toMatchObject({ address: '127.0.0.9' }));
    await expect(open({ host: '127.0.0.1', port, bind: '192.0.2.1' })).rejects.toThrow(
      'no interface of this host has the address 192.0.2.1 to send from',
    );
  });

  test('that is away nothing is lost uncounted, and all is said anew when it is back', async () => {
    const { socket, port } = await listen();
    await gone(socket);
    const { delivery: it, notes } = delivery(systemClock, {
      handler: ganglia as unknown as Handler,
      options: ganglia.options.parse({ host: '127.0.0.1', port }),
      backoff: { least: 0.02, most: 0.05 },
    });
    it.offer([load(1)]);
    it.flush();
    await vi.waitFor(() => expect(it.status().failures).toBeGreaterThan(1));
    expect(it.status()).toMatchObject({ queued: 1, delivered: 0 });
    const back = createSocket('udp4').bind(port, '127.0.0.1');
    onTestFinished(() => gone(back));
    const names: string[] = [];
    back.on('message', (bytes) => names.push(decodePacket(bytes)?.id.name ?? ''));
    await vi.waitFor(() => expect(names).toContain('load_one'), 5000);
    await it.stop('shutdown', 1000);
    expect(it.status()).toMatchObject({ observed: 1, delivered: 1, queued: 0 });
    expect(imbalance(it.status())).toBe(0);
    expect(notes.said[0]).toContain(
      `127.0.0.1:${port}: nobody listens there (ECONNREFUSED). See whether a gmond runs there`,
    );
  });
});

describe('to a multicast group', () => {
  const there = { host: GROUP, interface: '127.0.0.1' };

  async function member() {
    const it = await listen(GROUP);
    it.socket.addMembership(GROUP, '127.0.0.1');
    return it;
  }

  test('goes everything that goes to a gmond', async () => {
    const { port, said } = await member();
    const connection = await open({ ...there, port });
    await connection.write([load(1)], forever);
    await vi.waitFor(() => expect(said()).toHaveLength(4));
  });

  test('goes metadata no second time unless somebody may have missed a request for it', async () => {
    for (const [given, times] of [
      [{}, 1],
      [{ requests: false }, 2],
      [{ sendMetadataInterval: '30s' }, 2],
    ] as const) {
      const { port, said } = await member();
      const connection = await open({ ...there, ...given, port });
      await connection.write([load(1)], forever);
      await connection.write([load(1, 1_795_219_200 + 90)], forever);
      await vi.waitFor(() => expect(said().filter((name) => name === 'load_one')).toHaveLength(2));
      expect(said().filter((name) => name === 'metadata load_one')).toHaveLength(times);
    }
  });

  test('goes metadata again for who asks for it in the group', async () => {
    const { socket, port, packets, said } = await member();
    const connection = await open({ ...there, port, interface: 'lo' });
    await connection.write([load(1)], forever);
    await vi.waitFor(() => expect(packets).toHaveLength(4));
    packets.length = 0;
    const id = { host: '10.0.0.7', name: 'load_one', spoof: false };
    socket.setMulticastInterface('127.0.0.1');
    socket.send(encodePacket({ kind: 'request', id }), port, GROUP);
    await vi.waitFor(async () => {
      await connection.write([load(1)], forever);
      expect(said()).toContain('metadata load_one');
    });
  });

  test('takes an interface that this host has', async () => {
    const opening = open({ ...there, interface: 'nope9' });
    await expect(opening).rejects.toThrow(
      /^239\.255\.86\.49:8649: this host has no interface nope9 that is up .* It has .*\blo\b/,
    );
  });
});
