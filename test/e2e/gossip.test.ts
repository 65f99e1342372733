import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { encodePacket, type GangliaPacket } from '../../src/wire/ganglia.ts';
import { Gmetad, readIn } from '../support/gmetad.ts';
import {
  type GangliaHost,
  Gmond,
  malformed,
  multicast,
  parseGanglia,
  Wire,
} from '../support/gmond.ts';
import { describeWithPeer } from '../support/peers.ts';
import { RunningAgent } from '../support/running.ts';

const run = promisify(execFile);
const PORT = 8649;
const LONG = { timeout: 20_000, interval: 200 };
const root = process.getuid?.() === 0;
const where = root ? '' : ' (left out: network namespaces take root)';

/** Says something on the channel from within a namespace. */
async function sendIn(namespace: string, packets: readonly GangliaPacket[]): Promise<void> {
  const script = `const socket = require('dgram').createSocket('udp4');
    const packets = process.argv.slice(1).map((hex) => Buffer.from(hex, 'hex'));
    let left = packets.length;
    for (const packet of packets) {
      socket.send(packet, ${PORT}, '239.2.11.71', () => --left || socket.close());
    }`;
  const hex = packets.map((packet) => encodePacket(packet).toString('hex'));
  await run('ip', ['netns', 'exec', namespace, process.execPath, '-e', script, ...hex]);
}

type Hosts = ReadonlyMap<string, GangliaHost>;

/** The program in a namespace, listening. */
class Node implements AsyncDisposable {
  readonly agent: RunningAgent;
  readonly #namespace: string;

  constructor(namespace: string, options: string, gossip = '') {
    this.#namespace = namespace;
    const served = `resolve: false, cluster: { name: ours }, xml: { host: 0.0.0.0 }, ${gossip}`;
    this.agent = new RunningAgent(
      { ganglia: `{ ${options}, deaf: false, gossip: { ${served} } }` },
      { under: ['ip', 'netns', 'exec', namespace] },
    );
  }

  xml(): Promise<string> {
    return readIn(this.#namespace, '127.0.0.1', PORT);
  }

  /** None while it does not answer. */
  async hosts(): Promise<Hosts> {
    return parseGanglia(await this.xml().catch(() => ''));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
  }
}

const said = (hosts: Hosts, host: string, metric: string): string | undefined =>
  hosts.get(host)?.metrics.get(metric)?.attributes['VAL'];
const values = (hosts: Hosts, host: string): Record<string, string | undefined> =>
  Object.fromEntries(
    [...(hosts.get(host)?.metrics ?? [])].map(([name, { attributes }]) => [
      name,
      attributes['VAL'],
    ]),
  );
const fact = (hosts: Hosts, host: string, name: string): number =>
  Number(hosts.get(host)?.attributes[name]);

describeWithPeer(['gmond', 'gmetad'], `a channel with real gmonds${where}`, () => {
  let wire: Wire;
  let node: Node;
  let gmond: Gmond;
  let [home, theirs, spare] = ['', '', ''];
  const OURS = '10.99.0.1';
  const THEIRS = '10.99.0.2';
  const THIRD = '10.99.0.3';
  const gmondIn = (namespace: string, globals: string, pace = 1): Promise<Gmond> =>
    Gmond.start({ namespace, port: PORT, channels: multicast(), globals, pace });

  beforeAll(async () => {
    if (!root) return;
    wire = await Wire.lay(3);
    [home, theirs, spare] = wire.nodes.map(({ namespace }) => namespace) as [
      string,
      string,
      string,
    ];
    // It says once what its metrics are, before anybody listens.
    gmond = await gmondIn(theirs, 'send_metadata_interval = 0');
    await sleep(1500);
    node = new Node(home, 'timeThreshold: 1s', 'hostDmax: 8s');
  });
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    await gmond?.[Symbol.asyncDispose]();
    await wire?.[Symbol.asyncDispose]();
  });

  test.runIf(root)('shows what they say, and they show what it says', async () => {
    await vi.waitFor(async () => {
      const [ours, others] = [await node.hosts(), await gmond.hosts()];
      expect([...ours.keys()].sort()).toEqual([OURS, THEIRS]);
      expect([...others.keys()].sort()).toEqual([OURS, THEIRS]);
      for (const host of [OURS, THEIRS]) {
        expect(Object.keys(values(ours, host)).length).toBeGreaterThan(25);
        expect(values(ours, host)).toEqual(values(others, host));
        for (const [name, metric] of ours.get(host)?.metrics ?? []) {
          const { TN: _, ...facts } = metric.attributes;
          const { TN: __, ...same } = others.get(host)?.metrics.get(name)?.attributes ?? {};
          expect(facts).toEqual(same);
          expect(metric.extra).toEqual(others.get(host)?.metrics.get(name)?.extra);
        }
      }
      expect(fact(ours, THEIRS, 'GMOND_STARTED')).toBe(fact(others, THEIRS, 'GMOND_STARTED'));
    }, LONG);
  });

  test.runIf(root)('is read by a real gmetad', async () => {
    await using gmetad = new Gmetad(theirs, `${OURS}:${PORT}`);
    await vi.waitFor(async () => {
      const hosts = await gmetad.hosts();
      expect([...hosts.keys()].sort()).toEqual([OURS, THEIRS]);
      expect(said(hosts, THEIRS, 'mem_total')).toBe(said(await gmond.hosts(), THEIRS, 'mem_total'));
      for (const host of [OURS, THEIRS]) expect(gmetad.keeps('ours', host, 'load_one')).toBe(true);
    }, LONG);
  });

  test.runIf(root)('outlives packets that break the page of gmond', async () => {
    await using gmetad = new Gmetad(theirs, `${OURS}:${PORT}`);
    const id = { host: '10.99.0.77:evil', name: 'poison', spoof: true };
    await sendIn(theirs, [
      {
        ...{
          kind: 'metadata',
          id,
          type: 'string',
          units: '<&">',
          slope: 'both',
          tmax: 60,
          dmax: 0,
        },
        extra: [
          ['TITLE', '"><HOST &é'],
          ['GROUP', 'ä\u0007'],
        ],
      },
      { kind: 'value', id, type: 'string', format: '%s', value: 'a < é' },
    ]);
    await vi.waitFor(async () => {
      expect(said(await node.hosts(), 'evil', 'poison')).toBe('a ( &#233;');
      expect(said(await gmetad.hosts(), 'evil', 'poison')).toMatch(/^a \( /);
    }, LONG);
    expect(await malformed(await gmond.xml())).toBeDefined();
    expect(await malformed(await node.xml())).toBeUndefined();
    expect(await malformed(await gmetad.xml())).toBeUndefined();
  });

  test.runIf(root)('sees a gmond restart, with a new start and all its metrics', async () => {
    const before = fact(await node.hosts(), THEIRS, 'GMOND_STARTED');
    await gmond.kill();
    await sleep(1000);
    await gmond.start();
    await vi.waitFor(async () => {
      const ours = await node.hosts();
      expect(fact(ours, THEIRS, 'GMOND_STARTED')).toBeGreaterThan(before);
      // It knew nothing of us, and asked; what is said seldom is still to come.
      const heard = values(await gmond.hosts(), OURS);
      expect(Object.keys(heard).length).toBeGreaterThan(100);
      expect(values(ours, OURS)).toMatchObject(heard);
    }, LONG);
  });

  test.runIf(root)('sees a gmond come, lag and leave', async () => {
    await using third = await gmondIn(spare, '');
    await vi.waitFor(
      async () => expect(said(await node.hosts(), THIRD, 'load_one')).toBeDefined(),
      LONG,
    );
    third.signal('SIGSTOP');
    await vi.waitFor(
      async () => expect(fact(await node.hosts(), THIRD, 'TN')).toBeGreaterThan(3),
      LONG,
    );
    expect(
      Number((await node.hosts()).get(THIRD)?.metrics.get('load_one')?.attributes['TN']),
    ).toBeGreaterThan(3);
    third.signal('SIGCONT');
    await vi.waitFor(
      async () => expect(fact(await node.hosts(), THIRD, 'TN')).toBeLessThan(2),
      LONG,
    );
    await third.kill();
    await vi.waitFor(
      async () => expect([...(await node.hosts()).keys()]).not.toContain(THIRD),
      LONG,
    );
    expect([...(await node.hosts()).keys()]).toContain(THEIRS);
  });
});

type Five = [string, string, string, string, string];

describeWithPeer('gmond', `a list of peers, without multicast${where}`, () => {
  test.runIf(root)('tells every node of the whole cluster', async () => {
    await using wire = await Wire.lay(5);
    const [p, q, a, b, g] = wire.nodes.map(({ namespace }) => namespace) as Five;
    const [P, Q, A, B, G] = wire.nodes.map(({ address }) => address) as Five;
    const gossip = 'listen: { host: 0.0.0.0, allow: [10.99.0.0/24] }, exchange: 1s';
    // All know one of the two that are known; only these know both.
    const running: AsyncDisposable[] = [];
    onTestFinished(async () => {
      for (const it of running) await it[Symbol.asyncDispose]();
    });
    const node = (namespace: string, hosts: string): Node => {
      // What a busy host loses of this would be said again in twenty minutes only, as gmond does.
      const soon = 'collectionGroups: [{ metrics: [mem_total], timeThreshold: 2s }]';
      const started = new Node(namespace, `host: ${hosts}, ${soon}`, gossip);
      running.push(started);
      return started;
    };
    const agents = [
      node(p, `[${P}, ${Q}]`),
      node(q, `[${P}, ${Q}]`),
      node(a, `${P}`),
      node(b, `${Q}`),
    ];
    running.push(
      await Gmond.start({
        ...{ namespace: g, port: PORT, pace: 1 },
        channels: (port) => `
udp_send_channel { host = ${P} port = ${port} }
tcp_accept_channel { port = ${port} }
`,
      }),
    );
    await vi.waitFor(async () => {
      for (const [i, agent] of agents.entries()) {
        const hosts = await agent.hosts();
        expect([...hosts.keys()].sort()).toEqual([P, Q, A, B, G]);
        const without = [...hosts.keys()].filter((host) => !said(hosts, host, 'mem_total'));
        expect(without, `hosts whose memory ${[P, Q, A, B][i]} does not know`).toEqual([]);
      }
    }, LONG);
    for (const agent of agents) expect(await malformed(await agent.xml())).toBeUndefined();
  });
});
