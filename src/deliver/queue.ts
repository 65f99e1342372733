import { Columns } from '../columns/index.ts';
import type { Point } from '../metric/index.ts';
import { Ring } from './ring.ts';

/**
 * The estimate of what a point takes in memory: its path, and its numbers with the objects around
 * them. A path is shared by all points of its series, so for a long queue this is the upper end.
 */
export const sizeOf = (point: Point): number => point.name.path.length + AROUND;
const AROUND = 32;

export const bytesOf = ({ length, characters }: Columns): number => AROUND * length + characters;

/** Points that came together, as far as they still wait. */
interface Waiting {
  readonly points: Columns;
  /** Those before this have gone. */
  from: number;
  /** When they came, in milliseconds on the monotonic clock. */
  readonly at: number;
}

/** Points that wait, one after the other. Knows no bound. */
export class Queue {
  readonly #chunks = new Ring<Waiting>();
  #points = 0;

  /** How many. */
  get points(): number {
    return this.#points;
  }

  /** When the first of them came; `undefined` without any. */
  get since(): number | undefined {
    return this.#chunks.peek()?.at;
  }

  push(points: Columns, at: number): void {
    this.#chunks.push({ points, from: 0, at });
    this.#points += points.length;
  }

  /** Puts back what was taken. */
  unshift(points: Columns, at: number): void {
    this.#chunks.unshift({ points, from: 0, at });
    this.#points += points.length;
  }

  /** The first so many, or all if there are fewer. */
  take(most: number): Columns {
    let left = Math.min(most, this.#points);
    this.#points -= left;
    const parts: Columns[] = [];
    while (left > 0) {
      const oldest = this.#chunks.peek() as Waiting;
      const { points, from } = oldest;
      const end = Math.min(points.length, from + left);
      parts.push(points.part(from, end));
      left -= end - from;
      if (end === points.length) this.#chunks.shift();
      else oldest.from = end;
    }
    return Columns.joined(parts);
  }

  /** Takes out what came before a moment, wherever it stands. */
  expire(before: number): { readonly points: number; readonly bytes: number } {
    const gone = { points: 0, bytes: 0 };
    for (let left = this.#chunks.length; left > 0; left -= 1) {
      const chunk = this.#chunks.shift() as Waiting;
      if (chunk.at >= before) this.#chunks.push(chunk);
      else {
        const points = chunk.points.part(chunk.from, chunk.points.length);
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
