import { expect, test, vi } from 'vitest';
import { Carbon, type Whisper } from '../support/carbon.ts';
import { describeWithPeer } from '../support/peers.ts';
import { Relay } from '../support/relay.ts';
import { RunningAgent } from '../support/running.ts';

const HASHES = ['carbon_ch', 'fnv1a_ch', 'jump_fnv1a_ch'] as const;
type Hash = (typeof HASHES)[number];

/** What the caches together have of a series. */
const union = (caches: readonly Carbon[], path: string): Whisper =>
  new Map(caches.flatMap((carbon) => [...carbon.read(path)]).sort(([a], [b]) => a - b));

/** Which of the caches have a file of a series. */
const homes = (caches: readonly Carbon[], path: string): readonly number[] =>
  caches.flatMap((carbon, i) => (carbon.read(path).size > 0 ? [i] : []));

/** Waits until the caches together have exactly these points, below a prefix. */
const expectWhole = (
  caches: readonly Carbon[],
  prefix: string,
  points: ReadonlyMap<string, Whisper>,
): Promise<void> =>
  vi.waitFor(() => {
    for (const [path, slots] of points) {
      expect(union(caches, `${prefix}.${path}`), `${prefix}.${path}`).toEqual(slots);
    }
  }, 15_000);

/** The latest second of a series that every tick has. */
function latest(caches: readonly Carbon[], prefix: string): number {
  const load = caches
    .flatMap((carbon) => carbon.series())
    .find((path) => path.startsWith(`${prefix}.`) && path.endsWith('.loadavg.01'));
  return load === undefined ? 0 : Math.max(0, ...union(caches, load).keys());
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Waits until points of this very moment have come, below each prefix. */
async function expectNew(caches: readonly Carbon[], prefixes: readonly string[]): Promise<void> {
  const since = now();
  await vi.waitFor(() => {
    for (const prefix of prefixes) {
      expect(latest(caches, prefix), prefix).toBeGreaterThan(since + 1);
    }
  }, 20_000);
}

describeWithPeer(['carbon-cache', 'carbon-c-relay'], 'with two real Carbons', () => {
  test.concurrent('a consistent hash puts every name where a real carbon-c-relay does', async () => {
    await using a = await Carbon.start();
    await using b = await Carbon.start();
    const caches = [a, b];
    const hosts = [`127.0.0.1:${a.port}=one`, `127.0.0.1:${b.port}=another`];
    await using carbon = await Relay.start('carbon_ch', hosts);
    await using fnv = await Relay.start('fnv1a_ch', hosts);
    await using jump = await Relay.start('jump_fnv1a_ch', hosts);
    const relays = { carbon_ch: carbon, fnv1a_ch: fnv, jump_fnv1a_ch: jump };
    const handlers = (more: (hash: Hash) => string) =>
      Object.fromEntries(
        HASHES.flatMap((hash) => {
          const way = `type: graphite, prefix: ${hash}, ${more(hash)}`;
          const tagged = `${way}, tags: true, only: ["collector:memory"]`;
          return [
            [`to_${hash}`, `{ ${way} }`],
            [`tagged_to_${hash}`, `{ ${tagged} }`],
          ];
        }),
      );

    await using relayed = new RunningAgent(
      handlers((hash) => `host: "127.0.0.1:${relays[hash].port}"`),
    );
    await expectNew(caches, HASHES);
    await relayed.stop();
    const earlier = relayed.archived();
    for (const hash of HASHES) await expectWhole(caches, hash, earlier);
    const end = Math.max(...[...earlier.values()].flatMap((slots) => [...slots.keys()]));
    await vi.waitFor(() => expect(now()).toBeGreaterThan(end), 5000);
    await using hashed = new RunningAgent(
      handlers((hash) => `host: ["${hosts.join('", "')}"], route: ${hash}, relay: carbon-c-relay`),
    );
    await expectNew(caches, HASHES);
    await hashed.stop();

    const later = hashed.archived();
    const points = new Map(
      [...earlier].map(([path, slots]) => [path, new Map([...slots, ...(later.get(path) ?? [])])]),
    );
    for (const hash of HASHES) {
      await expectWhole(caches, hash, points);
      const places = [...points.keys()].map((path) => homes(caches, `${hash}.${path}`));
      expect(places.filter(({ length }) => length !== 1)).toEqual([]);
      expect(new Set(places.flat()).size, hash).toBe(2);
    }
    const tagged = caches.map((cache) =>
      cache.series().filter((path) => path.startsWith('_tagged')),
    );
    for (const paths of tagged) expect(paths.length).toBeGreaterThan(20);
    expect(new Set(tagged.flat()).size, 'in one cache each').toBe(tagged.flat().length);
  });

  test.concurrent('one of them killed and restarted leaves no hole, whatever the way to it', async () => {
    await using a = await Carbon.start();
    await using b = await Carbon.start();
    const hosts = `["127.0.0.1:${a.port}=a", "127.0.0.1:${b.port}=b"]`;
    const common = 'type: graphite, backoff: { least: 100ms, most: 500ms }';
    // The same names at every tick: a file that Carbon is killed over while it makes it stays broken.
    const more =
      'collectors: { default: { enabled: false }, load: { enabled: true }, memory: { enabled: true } }';
    const routes = {
      fan: `{ ${common}, prefix: fan, host: ${hosts} }`,
      hash: `{ ${common}, prefix: hash, host: ${hosts}, route: carbon_ch }`,
      spare: `{ ${common}, prefix: spare, host: ${hosts}, route: failover, failover: { retry: 1s } }`,
      pickle: `{ ${common}, prefix: pickle, host: 127.0.0.1, port: ${a.pickle}, format: pickle }`,
      crlf: `{ ${common}, prefix: crlf, host: 127.0.0.1, port: ${a.port}, lineEnd: crlf }`,
      udp: `{ ${common}, prefix: udp, host: 127.0.0.1, port: ${b.port}, protocol: udp }`,
    };
    await using agent = new RunningAgent(routes, { more });
    const ways = Object.keys(routes);
    await expectNew([a, b], ways);
    await vi.waitFor(() => {
      for (const path of a.series()) expect(a.read(path).size, path).toBeGreaterThan(0);
    }, 15_000);
    expect(latest([b], 'spare')).toBe(0);
    await a.kill('SIGKILL');
    await expectNew([b], ['fan', 'spare', 'udp']);
    expect(agent.log).toContainEqual(
      expect.stringMatching(/^handler spare: delivers to 127.0.0.1:\d+, because .*ECONNREFUSED/),
    );
    await a.start();
    await expectNew([a], ['fan', 'spare', 'pickle', 'crlf']);
    expect(agent.log).toContain(`handler spare: delivers to 127.0.0.1:${a.port}`);
    const books = await agent.stop();

    const points = agent.archived();
    await expectWhole([a], 'fan', points);
    await expectWhole([b], 'fan', points);
    await expectWhole([a, b], 'hash', points);
    await expectWhole([a, b], 'spare', points);
    await expectWhole([a], 'pickle', points);
    await expectWhole([a], 'crlf', points);
    await expectWhole([b], 'udp', points);
    expect([...books.keys()]).toEqual([
      'file',
      `fan[127.0.0.1:${a.port}]`,
      `fan[127.0.0.1:${b.port}]`,
      `hash[127.0.0.1:${a.port}]`,
      `hash[127.0.0.1:${b.port}]`,
      'spare',
      'pickle',
      'crlf',
      'udp',
    ]);
    for (const { observed, delivered } of books.values()) expect(delivered).toBe(observed);
  });
});
