/**
 * carbon-c-relay's `jump_fnv1a_ch`: the 64-bit FNV-1a hash of a path, and from it one of several nodes
 * by jump consistent hashing, which spreads paths evenly and moves as few as possible when a node is
 * added at the end. No other node can be taken away without moving most paths. Tags are not hashed.
 *
 * @see https://arxiv.org/abs/1406.2294 (Lamping, Veach: A Fast, Minimal Memory, Consistent Hash Algorithm)
 * @see https://github.com/grobian/carbon-c-relay (section CLUSTERS of its manual)
 */
import { fnv1a64 } from './fnv1a.ts';
import { withoutTags } from './hash-ring.ts';

const JUMP = 2_862_933_555_777_941_757n;

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);

/** The bucket of a key, 0 to `buckets` - 1. */
function jump(hash: bigint, buckets: number): number {
  let key = hash;
  let bucket = 0;
  for (let next = 0; next < buckets; ) {
    bucket = next;
    key = u64(key * JUMP + 1n);
    next = Math.floor((bucket + 1) * (2 ** 31 / (Number(key >> 33n) + 1)));
  }
  return bucket;
}

/**
 * @param instances of the nodes, which order them as bytes; without instances they stay in the order
 *   in which they are given. Either all of them have one, or none.
 * @returns which node a path belongs to, as its index in `instances`.
 */
export function jumpHash(instances: readonly (string | undefined)[]): (path: string) => number {
  const order = instances.map((instance, index) => ({ index, key: Buffer.from(instance ?? '') }));
  order.sort((a, b) => Buffer.compare(a.key, b.key));
  return (path) => order[jump(fnv1a64(withoutTags(path)), order.length)]?.index ?? 0;
}
