import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import ganglia from '../../handlers/ganglia.ts';
import { freePort } from '../support/carbon.ts';
import { around, points } from '../support/delivery.ts';

const page = (port: number): Promise<string> => text(connect(port, '127.0.0.1'));
const forever = (): AbortSignal => new AbortController().signal;

/** Options of a node that sends to itself, and to as many more as it is told. */
async function node(more: readonly string[] = [], changes: object = {}, taken?: number) {
  const [port, xml] = [await freePort(), taken ?? (await freePort())];
  const options = ganglia.options.parse({
    host: [`127.0.0.1:${port}`, ...more],
    deaf: false,
    timeThreshold: '1s',
    gossip: { listen: { port }, xml: { port: xml }, resolve: false },
    ...changes,
  });
  return { xml, peers: ganglia.peers?.(options) ?? [] };
}

type Peer = Awaited<ReturnType<typeof node>>['peers'][number];
async function open({ options }: Peer, signal = forever()) {
  const connection = await ganglia.open({ options, signal, ...around });
  onTestFinished(() => connection.close());
  return connection;
}

test('all connections of a handler show one cluster, until the last of them is closed', async () => {
  const { xml, peers } = await node(['127.0.0.2:9']);
  const aborter = new AbortController();
  const [own, other] = peers as [Peer, Peer];
  const first = await open(own, aborter.signal);
  // Nobody listens there.
  await expect(open(other)).rejects.toThrow('ECONNREFUSED');
  await first.write(points(0, 1), forever());
  expect(first.note).toBe(
    `it hears the cluster at 127.0.0.1:${own.options.host.toString().split(':')[1]}, and shows it at 127.0.0.1:${xml}`,
  );
  await expect.poll(() => page(xml)).toContain('<METRIC NAME="a" VAL="0"');
  const second = await open(own);
  expect(first.counts).toMatchObject({ malformed: 0 });
  expect(second.counts).toBeUndefined();
  aborter.abort();
  expect(second.counts).toMatchObject({ malformed: 0 });
  expect(await page(xml)).toContain('<METRIC NAME="a" VAL="0"');
  await second.close();
  await expect(page(xml)).rejects.toThrow('ECONNREFUSED');
});

test('the cluster is remembered by the next connection', async () => {
  const { xml, peers } = await node();
  const [own] = peers as [Peer];
  const first = await open(own);
  await first.write(points(0, 1), forever());
  await expect.poll(() => page(xml)).toContain('<METRIC NAME="a"');
  await first.close();
  await open(own);
  expect(await page(xml)).toContain('<METRIC NAME="a"');
});

test('who is mute takes everything and says nothing', async () => {
  const { xml, peers } = await node(['127.0.0.2:9'], { mute: true });
  expect(peers).toHaveLength(1);
  const connection = await open(peers[0] as Peer);
  await connection.write(points(0, 1), forever());
  expect(await page(xml)).not.toContain('<HOST');
});

test('who is deaf listens nowhere', async () => {
  const { xml, peers } = await node(['239.2.11.72'], { deaf: true, interface: '127.0.0.1' });
  await open(peers[1] as Peer);
  await expect(page(xml)).rejects.toThrow('ECONNREFUSED');
});

test('a port that is taken is told of, and had once it is free', async () => {
  const { xml, peers } = await node();
  const { peers: others } = await node([], {}, xml);
  const first = await open(peers[0] as Peer);
  await expect(open(others[0] as Peer)).rejects.toThrow(
    `127.0.0.1:${xml}: somebody serves there already. Stop gmond, or choose another port.`,
  );
  await first.close();
  await open(others[0] as Peer);
});

test.each([
  [{ mute: true, deaf: true }, 'nothing would be left to do'],
  [{ gossip: { xml: { allow: ['10.0.0.0/33'] } } }, 'must be an address or a network'],
  [{ gossip: { listen: { deny: ['here'] } } }, 'must be an address or a network'],
  [{ gossip: { listen: { host: 'localhost' } } }, 'must be an address'],
  [{ gossip: { peers: ['a b'] } }, 'must be host or host:port'],
])('%j is no option', (options, why) => {
  expect(ganglia.options.safeParse(options).error?.message).toContain(why);
});
