import { afterEach, describe, expect, test, vi } from 'vitest';
import { agentWith } from '../support/agent.ts';
import { imbalance } from '../support/delivery.ts';
import { TcpPeer } from '../support/tcp-peer.ts';

const peers: TcpPeer[] = [];

async function listen(): Promise<TcpPeer> {
  const peer = await TcpPeer.listen();
  peers.push(peer);
  return peer;
}

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});

const lines = (peer: TcpPeer): string[] => peer.received.join('').split('\n').slice(0, -1);
const paths = (peer: TcpPeer): string[] => lines(peer).map((line) => line.split(' ')[0] ?? '');

const config = (options: string): string => `shutdown: { timeout: 1h }
collectors:
  default: { enabled: false }
  memory: { enabled: true }
  load: { enabled: true }
handlers:
  graphite: { timeout: 1h, queue: { samples: 100 }, ${options} }
`;

const hosts = (...each: TcpPeer[]): string =>
  `host: [${each.map(({ port }, i) => `"127.0.0.1:${port}=${'abc'.charAt(i)}"`).join(', ')}]`;

describe('one handler with several hosts', () => {
  test('has a queue and books for each, and a dead one costs the others nothing', async () => {
    const [well, dead] = [await listen(), await listen()];
    await dead.refuse();
    const { agent, clock, said } = agentWith(config(hosts(well, dead)));
    await agent.start();
    for (let tick = 0; tick < 8; tick += 1) {
      await clock.run(10_000);
      const [first] = agent.status.handlers;
      await vi.waitFor(() => expect(agent.status.handlers[0]?.queued, said()).toBe(0));
      expect(first?.dropped.overflow).toBe(0);
    }
    const [first, second] = agent.status.handlers;
    expect(first).toMatchObject({ name: `graphite[127.0.0.1:${well.port}]`, type: 'graphite' });
    expect(second).toMatchObject({
      name: `graphite[127.0.0.1:${dead.port}]`,
      observed: first?.observed,
      delivered: 0,
    });
    expect(second?.queued).toBeLessThanOrEqual(100);
    expect(second?.dropped.overflow).toBeGreaterThan(0);
    for (const books of agent.status.handlers) expect(imbalance(books)).toBe(0);
    await vi.waitFor(() => expect(lines(well)).toHaveLength(first?.delivered ?? 0));
    const stopped = agent.stop(0);
    await clock.run(0);
    expect(await stopped).toBe(second?.queued);
  });

  test('sends each path to one of them by its hash, and all points of it there', async () => {
    const [a, b] = [await listen(), await listen()];
    const { agent, clock } = agentWith(config(`${hosts(a, b)}, route: carbon_ch`));
    await agent.start();
    await clock.run(20_000);
    await vi.waitFor(() => {
      const [first, second] = agent.status.handlers;
      expect(lines(a)).toHaveLength(first?.observed ?? 0);
      expect(lines(b)).toHaveLength(second?.observed ?? 0);
    });
    expect(paths(a).filter((path) => paths(b).includes(path))).toEqual([]);
    expect(new Set(paths(a)).size).toBeGreaterThan(3);
    expect(new Set(paths(b)).size).toBeGreaterThan(3);
    await agent.stop(0);
  });

  test('is started and stopped as a whole by a reload, and left alone by one that does not touch it', async () => {
    const [a, b] = [await listen(), await listen()];
    const { agent, clock, configured } = agentWith(config(hosts(a, b)));
    await agent.start();
    await clock.run(1000);
    await vi.waitFor(() => expect(a.open + b.open).toBe(2));
    const both = [a, b].map(({ port }) => `graphite[127.0.0.1:${port}]`);
    expect(await agent.reload(configured(config(hosts(a, b))))).toMatchObject({
      started: [],
      stopped: [],
      kept: [...both, 'load', 'memory'],
    });
    expect(a.accepted + b.accepted).toBe(2);
    const one = agent.reload(configured(config(`host: "127.0.0.1:${a.port}"`)));
    expect(await one).toMatchObject({ started: ['graphite'], stopped: both });
    await agent.stop(0);
  });
});
