import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endpoint } from '../../src/net/index.ts';
import { hashRing, type RingHash, type RingRelay } from '../../src/wire/hash-ring.ts';
import { jumpHash } from '../../src/wire/jump-hash.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`relays/${name}`, import.meta.url), 'utf8'));

interface Recorded {
  readonly relay: string;
  readonly hash: RingHash | 'jump_fnv1a_ch';
  readonly hosts: readonly string[];
  readonly extra: readonly string[];
  readonly chosen: readonly number[];
}

const { paths, relays }: { paths: string[]; relays: Recorded[] } = fixture('chosen.json');

const nodes = (hosts: readonly string[]) => hosts.flatMap((text) => endpoint(text, 2003) ?? []);

function chooser({ hash, hosts, relay }: Recorded): (path: string) => number {
  const members = nodes(hosts);
  if (hash === 'jump_fnv1a_ch') return jumpHash(members.map(({ instance }) => instance));
  const whose: RingRelay = relay.startsWith('carbon-c-relay') ? 'carbon-c-relay' : 'carbon';
  return hashRing(hash, members, whose);
}

describe('a consistent hash', () => {
  test.each(relays.map((it) => [it.hash, it.hosts.length, it.hosts[0], it.relay, it] as const))(
    '%s over %i hosts like %s is that of %s',
    (_hash, _hosts, _like, _relay, recorded) => {
      const all = [...paths, ...recorded.extra];
      expect(all.map(chooser(recorded))).toEqual(recorded.chosen);
    },
  );

  test('carbon_ch puts what was recorded of two caches where the relay did', () => {
    const { backends }: { backends: Record<string, string[]> } = fixture(
      'carbon-ch-two-caches.json',
    );
    const choose = hashRing('carbon_ch', nodes(['127.0.0.1=a', '127.0.0.1=b']), 'carbon');
    const chosen = (index: number) =>
      Object.values(backends)
        .flat()
        .filter((path) => choose(path) === index)
        .sort();
    expect(chosen(0)).toEqual([...(backends['a'] ?? [])].sort());
    expect(chosen(1)).toEqual([...(backends['b'] ?? [])].sort());
  });

  test.each(['carbon_ch', 'fnv1a_ch'] as const)(
    '%s moves only what belonged to a host that is taken away',
    (hash) => {
      const members = nodes(['a.example', 'b.example', 'c.example', 'd.example']);
      const before = hashRing(hash, members, 'carbon-c-relay');
      const after = hashRing(hash, members.slice(0, 3), 'carbon-c-relay');
      const kept = paths.filter((path) => before(path) < 3);
      expect(kept.map(after)).toEqual(kept.map(before));
    },
  );

  test('jump_fnv1a_ch moves only to a host that is added at the end', () => {
    const choose = (count: number) => jumpHash(new Array(count).fill(undefined));
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 200 }), (path, count) => {
        const now = choose(count)(path);
        const then = choose(count + 1)(path);
        expect(now).toBeLessThan(count);
        expect([now, count]).toContain(then);
      }),
    );
  });

  test('always chooses one of the hosts', () => {
    const hosts = fc.uniqueArray(fc.domain(), { minLength: 1, maxLength: 8 });
    const hash = fc.constantFrom('carbon_ch' as const, 'fnv1a_ch' as const);
    const relay = fc.constantFrom('carbon' as const, 'carbon-c-relay' as const);
    fc.assert(
      fc.property(hosts, hash, relay, fc.string(), (names, kind, whose, path) => {
        const index = hashRing(kind, nodes(names), whose)(path);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(index).toBeLessThan(names.length);
      }),
      { numRuns: 30 },
    );
  });
});
