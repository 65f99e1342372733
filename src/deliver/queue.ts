import type { Batch, Point } from '../metric/index.ts';
import { type Chunk, Packed } from './packed.ts';
import { Ring } from './ring.ts';

/**
 * The estimate of what a point takes in memory: its path, and its numbers with the objects around
 * them. A path is shared by all points of its series, so for a long queue this is the upper end.
 */
export const sizeOf = (point: Point): number => point.name.path.length + AROUND;
const AROUND = 32;

export function bytesOf(points: Batch): number {
  const { length } = points;
  let bytes = AROUND * length;
  for (let i = 0; i < length; i += 1) bytes += (points[i] as Point).name.path.length;
  return bytes;
}

/** So many chunks may wait as they are: towards a peer that is well, no more do. */
const MOST_UNPACKED = 4;

/** Points that came together, as far as they still wait. */
interface Waiting {
  readonly points: Chunk;
  /** Of all of them. */
  readonly bytes: number;
  /** Those before this have gone. */
  from: number;
  /** When they came, in milliseconds on the monotonic clock. */
  readonly at: number;
}

/** Points that wait, one after the other. Knows no bound. */
export class Queue {
  readonly #chunks = new Ring<Waiting>();
  #lastPacked: Packed | undefined;
  #points = 0;

  /** How many. */
  get points(): number {
    return this.#points;
  }

  /** When the first of them came; `undefined` without any. */
  get since(): number | undefined {
    return this.#chunks.peek()?.at;
  }

  /** @param points are the queue's from now on. */
  push(points: Batch, bytes: number, at: number): void {
    this.#chunks.push({ points: this.#packed(points), bytes, from: 0, at });
    this.#points += points.length;
  }

  /** Puts back what was taken. */
  unshift(points: Chunk, bytes: number, at: number): void {
    this.#chunks.unshift({ points, bytes, from: 0, at });
    this.#points += points.length;
  }

  #packed(points: Batch): Chunk {
    if (this.#chunks.length < MOST_UNPACKED) {
      this.#lastPacked = undefined;
      return points;
    }
    this.#lastPacked = new Packed(points, this.#lastPacked);
    return this.#lastPacked;
  }

  /** The first so many, or all if there are fewer; and the bytes of all of them. */
  take(most: number): { readonly points: Batch; readonly bytes: number } {
    const count = Math.min(most, this.#points);
    this.#points -= count;
    const first = this.#chunks.peek();
    // What a tick brought goes as it came.
    if (first?.from === 0 && first.points.length === count && Array.isArray(first.points)) {
      this.#chunks.shift();
      return { points: first.points, bytes: first.bytes };
    }
    const parts: Batch[] = [];
    for (let left = count; left > 0; ) {
      const oldest = this.#chunks.peek() as Waiting;
      const { points, from } = oldest;
      const end = Math.min(points.length, from + left);
      const whole = from === 0 && end === points.length && Array.isArray(points);
      parts.push(whole ? points : points.slice(from, end));
      left -= end - from;
      if (end === points.length) this.#chunks.shift();
      else oldest.from = end;
    }
    const points = parts.length === 1 ? (parts[0] as Batch) : parts.flat();
    return { points, bytes: bytesOf(points) };
  }

  /** Takes out what came before a moment, wherever it stands. */
  expire(before: number): { readonly points: number; readonly bytes: number } {
    const gone = { points: 0, bytes: 0 };
    for (let left = this.#chunks.length; left > 0; left -= 1) {
      const chunk = this.#chunks.shift() as Waiting;
      if (chunk.at >= before) this.#chunks.push(chunk);
      else {
        const points = chunk.points.slice(chunk.from, chunk.points.length);
        gone.points += points.length;
        gone.bytes += bytesOf(points);
      }
    }
    this.#points -= gone.points;
    return gone;
  }

  clear(): void {
    this.#chunks.clear();
    this.#points = 0;
  }
}
