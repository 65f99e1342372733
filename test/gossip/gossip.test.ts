import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock/index.ts';
import { Gossip, type GossipOptions } from '../../src/gossip/index.ts';
import { nameInHosts } from '../../src/gossip/names.ts';
import { decodePacket, encodePacket, type GangliaPacket } from '../../src/wire/ganglia.ts';
import { freePort } from '../support/carbon.ts';
import { SimulatedClock } from '../support/clock.ts';
import { throwAMillion } from '../support/damaged.ts';
import { CAPTURES } from '../support/ganglia-captures.ts';
import { objectionsToXml } from '../support/xml.ts';

const HOST = '127.0.0.1';
const GROUP = '239.2.11.72';
const xml = { host: HOST, port: 0, clients: 4, deny: [] };
const usual: GossipOptions = {
  facts: { name: 'c', owner: 'o', latlong: 'l', url: 'u' },
  most: { hosts: 100, metrics: 100, bytes: 1e7 },
  hostDmax: 3600,
  channels: [],
  xml,
  peers: [],
  exchange: 20,
  resolve: false,
  ask: true,
};

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Node {
  readonly gossip: Gossip;
  /** Of its channel. */
  readonly port: number;
  /** Of its XML. */
  readonly xml: number;
  /** What others asked it for. */
  readonly requested: string[];
  readonly close: () => void;
}

async function start(
  changes: Partial<GossipOptions> = {},
  {
    clock = systemClock,
    group = HOST,
    channel = {},
    reverse = undefined as ConstructorParameters<typeof Gossip>[2],
  } = {},
): Promise<Node> {
  const port = await freePort();
  const channels = [
    {
      host: group,
      port,
      ttl: 0,
      deny: [],
      interface: group === GROUP ? HOST : undefined,
      ...channel,
    },
  ];
  const gossip = new Gossip({ ...usual, channels, ...changes }, clock, reverse);
  const requested: string[] = [];
  const { xml: server, close } = await gossip.open(({ host, name }, address) =>
    requested.push(`${host} ${name} by ${address}`),
  );
  closing.push(close);
  return { gossip, port, xml: server?.port ?? 0, requested, close };
}

/** A host that speaks, from a socket of its own. */
async function speaker(port: number, { address = HOST, from = 0 } = {}) {
  const socket = createSocket('udp4');
  socket.bind(from, HOST);
  await once(socket, 'listening');
  if (address === GROUP) socket.setMulticastInterface(HOST);
  const heard: (GangliaPacket | undefined)[] = [];
  socket.on('message', (bytes) => heard.push(decodePacket(bytes)));
  closing.push(() => socket.close());
  const send = (packet: GangliaPacket | Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const bytes = packet instanceof Uint8Array ? packet : encodePacket(packet);
      socket.send(bytes, port, address, (error) => (error ? reject(error) : resolve()));
    });
  return { send, heard, port: socket.address().port };
}

const id = { host: 'ignored', name: 'load_one', spoof: false };
const value: GangliaPacket = { kind: 'value', id, type: 'float', format: '%.2f', value: 0.5 };
const metadata: GangliaPacket = {
  ...{ kind: 'metadata', id, type: 'float', units: ' ', slope: 'both', tmax: 70, dmax: 0 },
  extra: [['GROUP', 'load']],
};
const page = (port: number): Promise<string> => text(connect(port, HOST));
const METRIC = /<METRIC NAME="load_one" VAL="0.50" TYPE="float" UNITS=" " TN="\d" TMAX="70"/;

describe('a node', () => {
  test.each([
    ['an address', HOST],
    ['a group', GROUP],
  ])('hears hosts at %s, and shows them', async (_, group) => {
    const node = await start({}, { group });
    const host = await speaker(node.port, { address: group });
    await host.send(metadata);
    await host.send(value);
    await vi.waitFor(async () => expect(await page(node.xml)).toMatch(METRIC));
    expect(await page(node.xml)).toContain('<HOST NAME="127.0.0.1" IP="127.0.0.1"');
  });

  test('asks a host for metadata that it missed, where that sends from', async () => {
    const node = await start();
    const host = await speaker(node.port);
    await host.send(value);
    const request = { kind: 'request', id: { host: HOST, name: 'load_one', spoof: false } };
    await vi.waitFor(() => expect(host.heard).toEqual([request]));
    expect(node.gossip.counts.asked).toBe(1);
  });

  test('asks it on the port of the channel as well, where a gmond hears it', async () => {
    const node = await start();
    // All nodes have one port, and so only another address can have the same.
    const socket = createSocket('udp4');
    socket.bind(node.port, '127.0.0.2');
    await once(socket, 'listening');
    const sending = createSocket('udp4');
    sending.bind(0, '127.0.0.2');
    await once(sending, 'listening');
    closing.push(() => socket.close());
    closing.push(() => sending.close());
    const asked = once(socket, 'message');
    sending.send(encodePacket(value), node.port, HOST);
    const [bytes] = (await asked) as [Buffer];
    expect(decodePacket(bytes)).toEqual({
      kind: 'request',
      id: { host: '127.0.0.2', name: 'load_one', spoof: false },
    });
  });

  test('asks a host of IPv4 where it listens to both', async () => {
    const node = await start({}, { group: '::' });
    const host = await speaker(node.port);
    await host.send(value);
    await vi.waitFor(() => expect(node.requested).toEqual(['127.0.0.1 load_one by 127.0.0.1']));
  });

  test('asks the group for metadata where there is one', async () => {
    const node = await start({}, { group: GROUP });
    const host = await speaker(node.port, { address: GROUP });
    await host.send(value);
    await vi.waitFor(() => expect(node.requested).toEqual(['127.0.0.1 load_one by 127.0.0.1']));
  });

  test('asks nobody where it is mute', async () => {
    const node = await start({ ask: false }, { group: GROUP });
    const host = await speaker(node.port, { address: GROUP });
    await host.send(value);
    await vi.waitFor(() => expect(node.gossip.counts.heard).toBe(1));
    expect(node.gossip.counts.asked).toBe(0);
  });

  test('asks a hundred times a second at most, however much it misses', async () => {
    const clock = new SimulatedClock();
    const node = await start({ most: { hosts: 10, metrics: 1000, bytes: 1e7 } }, { clock });
    const host = await speaker(node.port);
    for (let i = 0; i < 150; i += 1) await host.send({ ...value, id: { ...id, name: `m${i}` } });
    await vi.waitFor(() => expect(node.gossip.counts.heard).toBe(150));
    expect(node.gossip.counts.asked).toBe(100);
  });

  test('tells who asks for metadata', async () => {
    const node = await start();
    const host = await speaker(node.port);
    await host.send({ kind: 'request', id });
    await vi.waitFor(() => expect(node.requested).toEqual(['ignored load_one by 127.0.0.1']));
  });

  test('remembers the cluster when its sockets are opened anew', async () => {
    const node = await start();
    const host = await speaker(node.port);
    await host.send(metadata);
    await host.send(value);
    await vi.waitFor(() => expect(node.gossip.counts.heard).toBe(2));
    node.close();
    const again = await node.gossip.open(() => {});
    closing.push(again.close);
    expect(await page(again.xml?.port ?? 0)).toMatch(METRIC);
  });

  test('hears and shows nothing once it is closed', async () => {
    const node = await start();
    node.close();
    await expect(page(node.xml)).rejects.toThrow('ECONNREFUSED');
    const host = await speaker(node.port);
    await host.send(value);
    await host.send(value);
    expect(node.gossip.counts.heard).toBe(0);
  });

  test('forgets what was silent for too long even while nobody looks', async () => {
    const clock = new SimulatedClock();
    const node = await start({}, { clock });
    const host = await speaker(node.port);
    await host.send(value);
    await vi.waitFor(() => expect(node.gossip.counts.hosts).toBe(1));
    clock.advance(3_700_000);
    expect(node.gossip.counts.hosts).toBe(0);
  });
});

describe('the name of a host', () => {
  test('is the one that its address resolves to, for all that it said meanwhile', async () => {
    const node = await start(
      { resolve: true },
      { reverse: async (address) => `name-of-${address}` },
    );
    const host = await speaker(node.port);
    for (const packet of [metadata, value]) await host.send(packet);
    await vi.waitFor(async () => expect(await page(node.xml)).toMatch(METRIC));
    expect(await page(node.xml)).toContain('<HOST NAME="name-of-127.0.0.1" IP="127.0.0.1"');
  });

  test('is its address where there is none, until it is looked up again', async () => {
    const clock = new SimulatedClock();
    const answers = [undefined, 'web01'];
    const reverse = vi.fn(async () => answers.shift());
    const node = await start({ resolve: true }, { clock, reverse });
    const host = await speaker(node.port);
    const names = () => node.gossip.cluster.hosts().map(({ name }) => name);
    await host.send(value);
    await vi.waitFor(() => expect(names()).toEqual(['127.0.0.1']));
    await host.send(value);
    await vi.waitFor(() => expect(node.gossip.counts.heard).toBe(2));
    expect(reverse).toHaveBeenCalledTimes(1);
    clock.advance(600_000);
    await host.send(value);
    await vi.waitFor(() => expect(names()).toEqual(['127.0.0.1', 'web01']));
  });

  test.each([
    ['10.0.0.1', 'web01.example.net'],
    ['10.0.0.2', 'web02'],
    ['10.0.0.3', undefined],
    ['fd00::1', 'six'],
  ])('may be in /etc/hosts, of %s as %s', (address, name) => {
    const hosts =
      '127.0.0.1 localhost\n10.0.0.1\tweb01.example.net web01 # ours\n' +
      '#10.0.0.3 gone\n 10.0.0.2 web02\nfd00::1 six\n10.0.0.2 again';
    expect(nameInHosts(hosts, address)).toBe(name);
  });

  test('that is not to be had holds up a bounded number of packets', async () => {
    const node = await start({ resolve: true }, { reverse: () => new Promise(() => {}) });
    const host = await speaker(node.port);
    for (let i = 0; i < 200; i += 1) await host.send(value);
    await vi.waitFor(() => expect(node.gossip.counts.unnamed).toBe(72));
  });
});

describe('who is let in', () => {
  test.each([
    [{}, true],
    [{ allow: ['127.0.0.0/8'] }, true],
    [{ allow: ['10.0.0.0/8', 'fd00::/8'] }, false],
    [{ allow: ['127.0.0.0/8'], deny: ['127.0.0.1'] }, false],
    [{ deny: ['10.0.0.0/8'] }, true],
    [{ deny: ['::ffff:127.0.0.1'] }, false],
  ])('to speak: %j', async (access, may) => {
    const node = await start({}, { channel: access });
    const host = await speaker(node.port);
    await host.send(value);
    await vi.waitFor(() =>
      expect(node.gossip.counts).toMatchObject(
        may ? { heard: 1, denied: 0 } : { heard: 0, denied: 1 },
      ),
    );
  });

  test.each([
    [{}, true],
    [{ allow: ['127.0.0.1'] }, true],
    [{ allow: ['127.0.0.2/31', '127.0.0.4/30'] }, false],
    [{ deny: ['0.0.0.0/0'] }, false],
  ])('to read: %j', async (access, may) => {
    const node = await start({ xml: { ...xml, ...access } });
    if (may) expect(await page(node.xml)).toContain('</GANGLIA_XML>');
    else expect(await page(node.xml).catch(() => '')).toBe('');
    expect(node.gossip.counts.xml).toMatchObject({ served: may ? 1 : 0, refused: may ? 0 : 1 });
  });

  test('to read at an address of IPv6, as an IPv4 address is one too', async () => {
    const node = await start({ xml: { ...xml, host: '::', allow: ['127.0.0.1'] } });
    expect(await page(node.xml)).toContain('</GANGLIA_XML>');
  });
});

describe('a reader', () => {
  const fill = (node: Node, hosts: number): void => {
    for (let i = 0; i < hosts; i += 1) {
      const sender = { address: HOST, name: `h${i}` };
      for (let m = 0; m < 100; m += 1) {
        const named = { ...id, name: `m${m}` };
        node.gossip.cluster.hear({ ...metadata, id: named }, sender);
        node.gossip.cluster.hear({ ...value, id: named }, sender);
      }
    }
  };

  test('that shuts its side up gets the page all the same', async () => {
    const node = await start();
    const socket = connect({ port: node.xml, host: HOST, allowHalfOpen: true });
    socket.end();
    expect(await text(socket)).toContain('</GANGLIA_XML>');
  });

  test('that reads nothing holds a piece of the page, and that for half a minute', async () => {
    const clock = new SimulatedClock();
    // More than both kernels hold.
    const node = await start({ most: { hosts: 400, metrics: 100, bytes: 1e9 } }, { clock });
    fill(node, 400);
    const stuck = connect(node.xml, HOST);
    stuck.pause();
    await once(stuck, 'connect');
    await vi.waitFor(() => expect(clock.pending).toBe(2));
    expect(await page(node.xml)).toContain('</GANGLIA_XML>');
    expect(node.gossip.counts.xml).toEqual({ served: 1, refused: 0, broken: 0 });
    clock.advance(30_000);
    await vi.waitFor(() =>
      expect(node.gossip.counts.xml).toEqual({ served: 1, refused: 0, broken: 1 }),
    );
    stuck.destroy();
  });

  test('is refused while there are too many, and not afterwards', async () => {
    const node = await start();
    const stuck = Array.from({ length: 4 }, () => connect(node.xml, HOST).pause());
    for (const socket of stuck) await once(socket, 'connect');
    expect(await page(node.xml).catch(() => '')).toBe('');
    for (const socket of stuck) socket.destroy();
    await vi.waitFor(async () => expect(await page(node.xml)).toContain('</GANGLIA_XML>'));
  });

  test('that goes away, resets or talks does nobody any harm', async () => {
    const node = await start({ xml: { ...xml, clients: 100 } });
    fill(node, 20);
    for (let i = 0; i < 60; i += 1) {
      const socket = connect(node.xml, HOST);
      socket.on('error', () => {});
      await once(socket, 'connect');
      if (i % 3 === 0) socket.write('GET / HTTP/1.1\r\n\r\n'.repeat(100));
      if (i % 3 === 1) socket.resetAndDestroy();
      else socket.destroy();
    }
    expect(await page(node.xml)).toContain('</GANGLIA_XML>');
  });
});

describe('peers', () => {
  const peerOf = ({ xml: port }: Pick<Node, 'xml'>) => ({ host: HOST, port });

  test('tell a new node that knows one of them of the whole cluster', async () => {
    const first = await start();
    const host = await speaker(first.port);
    await host.send(metadata);
    await host.send(value);
    await vi.waitFor(() => expect(first.gossip.counts.heard).toBe(2));
    const second = await start({ peers: [peerOf(first)] });
    await vi.waitFor(async () => expect(await page(second.xml)).toMatch(METRIC));
    const third = await start({ peers: [peerOf(second)] });
    await vi.waitFor(async () => expect(await page(third.xml)).toMatch(METRIC));
  });

  test('are asked in turn, and for who does not answer the next one is', async () => {
    const clock = new SimulatedClock();
    const [a, b] = [await start(), await start()];
    const away = { xml: await freePort() };
    const node = await start({ peers: [peerOf(away), peerOf(a), peerOf(b)] }, { clock });
    const served = () => [a, b].map(({ gossip }) => gossip.counts.xml?.served);
    await vi.waitFor(() => expect(node.gossip.counts.exchange).toEqual({ learned: 1, failed: 1 }));
    expect(served()).toEqual([1, 0]);
    await clock.run(20_000);
    await vi.waitFor(() => expect(node.gossip.counts.exchange).toEqual({ learned: 2, failed: 1 }));
    expect(served()).toEqual([1, 1]);
  });

  test.each([
    ['never ends', (i: number) => `<HOST NAME="h${i}" IP="1" TN="0">${'x'.repeat(1000)}</HOST>`, 5],
    ['ends too early', () => '', 1],
  ])('whose page %s are given up', async (_, piece, pieces) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      const more = (i: number): void => {
        if (socket.destroyed) return;
        if (pieces === 1) socket.end();
        else socket.write(piece(i).repeat(50), () => more(i + 1));
      };
      more(0);
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    closing.push(() => server.close());
    const { port } = server.address() as { port: number };
    const node = await start({
      most: { hosts: 100, metrics: 100, bytes: 500_000 },
      peers: [{ host: HOST, port }],
    });
    await vi.waitFor(() => expect(node.gossip.counts.exchange).toEqual({ learned: 0, failed: 1 }));
    expect(node.gossip.counts.bytes).toBeLessThanOrEqual(500_000);
  });

  test('that say nothing are given up after a while', async () => {
    const clock = new SimulatedClock();
    const server = createServer(() => {});
    server.listen(0, HOST);
    await once(server, 'listening');
    closing.push(() => server.close());
    const { port } = server.address() as { port: number };
    const node = await start({ peers: [{ host: HOST, port }] }, { clock });
    clock.advance(15_000);
    await vi.waitFor(() => expect(node.gossip.counts.exchange).toEqual({ learned: 0, failed: 1 }));
  });
});

describe('what is no packet', () => {
  test('is counted, and told of at most every ten minutes', async () => {
    const clock = new SimulatedClock();
    const node = await start({}, { clock });
    const host = await speaker(node.port);
    const junk = async (times: number): Promise<void> => {
      const before = node.gossip.counts.malformed;
      for (let i = 0; i < times; i += 1) await host.send(Buffer.from('hello'));
      await vi.waitFor(() => expect(node.gossip.counts.malformed).toBe(before + times));
    };
    expect(node.gossip.note).toBe(
      `it hears the cluster at 127.0.0.1:${node.port}, and shows it at 127.0.0.1:0`,
    );
    await junk(1);
    const note = node.gossip.note;
    expect(note).toMatch(/^1 datagram.* from 127\.0\.0\.1/);
    await junk(10);
    expect(node.gossip.note).toBe(note);
    clock.advance(600_000);
    expect(node.gossip.note).toMatch(/^11 datagrams/);
  });

  test('is more than gmond takes', async () => {
    const node = await start();
    const host = await speaker(node.port);
    await host.send(Buffer.concat([encodePacket(value), Buffer.alloc(1472)]));
    await vi.waitFor(() => expect(node.gossip.counts).toMatchObject({ malformed: 1, heard: 0 }));
  });

  test('breaks nothing over a real socket, twenty thousand times', async () => {
    const most = { hosts: 20, metrics: 20, bytes: 200_000 };
    const node = await start({ most });
    const host = await speaker(node.port);
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 });
    const packets = fc.sample(fc.tuple(fc.nat(CAPTURES.length - 1), damages, fc.nat(200)), 20_000);
    for (const [i, [which, damage, length]] of packets.entries()) {
      const bytes = Buffer.from(CAPTURES[which]?.bytes ?? []);
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
      await host.send(length < 150 ? bytes : bytes.subarray(0, length));
      if (i % 2000 === 0) {
        const got = await page(node.xml);
        expect(await objectionsToXml([got])).toEqual([undefined]);
        expect(node.gossip.counts.bytes).toBeLessThanOrEqual(most.bytes);
      }
    }
    await host.send({ ...value, id: { ...id, name: 'm' } });
    expect(node.gossip.counts.malformed).toBeGreaterThan(1000);
  });
});

test('a million packets thrown at its XML are thrown away', async () => {
  const node = await start();
  const before = await page(node.xml);
  await throwAMillion(() => connect(node.xml, HOST));
  const after = await page(node.xml);
  const timeless = (text: string) => text.replaceAll(/LOCALTIME="\d+"/g, '');
  expect(timeless(after)).toBe(timeless(before));
  expect(node.gossip.counts).toMatchObject({ heard: 0, malformed: 0 });
});

describe('a socket that is not to be had', () => {
  const refused = (changes: Partial<GossipOptions>): Promise<unknown> =>
    new Gossip({ ...usual, ...changes }, systemClock).open(() => {});
  const channel = { host: HOST, port: 1, ttl: 1, deny: [] };

  test('is told with what to do', async () => {
    const node = await start();
    await expect(refused({ channels: [{ ...channel, port: node.port }] })).rejects.toThrow(
      `127.0.0.1:${node.port}: somebody listens there already. Stop gmond, or choose another port.`,
    );
    await expect(refused({ xml: { ...xml, port: node.xml } })).rejects.toThrow(
      `127.0.0.1:${node.xml}: somebody serves there already. Stop gmond, or choose another port.`,
    );
    const elsewhere = { host: '192.0.2.1', port: node.port };
    await expect(refused({ channels: [{ ...channel, ...elsewhere }] })).rejects.toThrow(
      'no such address',
    );
    await expect(refused({ xml: { ...xml, ...elsewhere } })).rejects.toThrow('no such address');
    const group = { ...channel, host: GROUP, port: node.port, interface: 'nowhere0' };
    await expect(refused({ channels: [group] })).rejects.toThrow('interface nowhere0');
  });

  test('leaves none of the others open', async () => {
    const node = await start();
    const port = await freePort();
    const channels = [{ ...channel, port }];
    await expect(refused({ channels, xml: { ...xml, port: node.xml } })).rejects.toThrow();
    const free = createSocket('udp4').bind(port, HOST);
    await once(free, 'listening');
    free.close();
  });
});
