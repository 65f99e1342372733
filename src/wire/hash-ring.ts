/**
 * The consistent hash rings of Carbon's relay and of carbon-c-relay: which of several nodes a path
 * belongs to. A ring has 65,536 places; each node takes a hundred of them by hash, and a path belongs
 * to the node that has the first place at or after the path's own.
 *
 * Carbon hashes a path as it is sent, tags included; carbon-c-relay leaves the tags out, and replaces
 * what it does not allow in a path before it hashes it: all but letters, digits and `_ - : # .`.
 *
 * @see https://graphite.readthedocs.io/en/latest/carbon-daemons.html#carbon-relay-py
 * @see https://github.com/grobian/carbon-c-relay (section CLUSTERS of its manual)
 */
import { createHash } from 'node:crypto';
import { fnv1a32 } from './fnv1a.ts';

/** A member of a ring, as the relay's configuration has it. */
export interface RingNode {
  /** Name or address, exactly as it is written there: it is hashed as text. */
  readonly host: string;
  readonly port: number;
  readonly instance?: string | undefined;
}

/**
 * How places are computed: `carbon_ch` takes MD5 of host and instance (two nodes on one host need
 * instances), `fnv1a_ch` takes FNV-1a of host and port, or of the instance alone where there is one.
 */
export type RingHash = 'carbon_ch' | 'fnv1a_ch';

/**
 * Whose ring it is. Of two nodes that hash to one place Carbon leaves it to the one that is configured
 * first and gives the other the next free place; carbon-c-relay leaves it to the one whose host,
 * then instance (or port) comes first in the alphabet. They agree on all but a few paths in 100,000
 * without tags, and on none but by chance with tags.
 */
export type RingRelay = 'carbon' | 'carbon-c-relay';

const PLACES_PER_NODE = 100;

const PLACE: Readonly<Record<RingHash, (text: string) => number>> = {
  carbon_ch: (text) => createHash('md5').update(text).digest().readUInt16BE(0),
  fnv1a_ch: (text) => {
    const hash = fnv1a32(text);
    return (hash >>> 16) ^ (hash & 0xffff);
  },
};

/** The text that is hashed for one of a node's places. For `carbon_ch` it is a tuple as Python prints it. */
function keyOf(hash: RingHash, { host, port, instance }: RingNode, i: number): string {
  if (hash === 'fnv1a_ch') return `${i}-${instance ?? `${host}:${port}`}`;
  return `('${host}', ${instance === undefined ? 'None' : `'${instance}'`}):${i}`;
}

/** What carbon-c-relay hashes of a path. */
export const withoutTags = (path: string): string => path.split(';', 1)[0] ?? '';

const ascending = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** The order in which carbon-c-relay lets nodes have a place. */
function comesFirst(hash: RingHash, a: RingNode, b: RingNode): number {
  const hosts = ascending(a.host, b.host);
  if (hosts !== 0) return hosts;
  if (hash === 'fnv1a_ch') return a.port - b.port;
  if (a.instance === undefined) return b.instance === undefined ? 0 : 1;
  return b.instance === undefined ? -1 : ascending(a.instance, b.instance);
}

/**
 * Builds a ring.
 *
 * @param nodes in the order of the relay's configuration; at least one.
 * @returns which node a path belongs to, as its index in `nodes`.
 */
export function hashRing(
  hash: RingHash,
  nodes: readonly RingNode[],
  relay: RingRelay,
): (path: string) => number {
  const owners = new Map<number, number>();
  const place = PLACE[hash];
  for (const [index, node] of nodes.entries()) {
    for (let i = 0; i < PLACES_PER_NODE; i += 1) {
      let at = place(keyOf(hash, node, i));
      if (relay === 'carbon') while (owners.has(at)) at += 1;
      const other = nodes[owners.get(at) ?? index] ?? node;
      if (other === node || comesFirst(hash, node, other) < 0) owners.set(at, index);
    }
  }
  const ring = [...owners].sort(([a], [b]) => a - b);
  return (path) => {
    const at = place(relay === 'carbon' ? path : withoutTags(path));
    let low = 0;
    let high = ring.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ring[middle]?.[0] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return ring[low % ring.length]?.[1] ?? 0;
  };
}
