import type { Batch, Name, Point } from '../metric/index.ts';

/** Points in a row, of which a part can be had. An array of points is one. */
export interface Chunk {
  readonly length: number;
  slice(from: number, end: number): Batch;
}

/**
 * Points as they wait for long, or are kept: a fifth of the memory, and nothing of it is an object that
 * V8 would have to copy about. What is observed together tick for tick has the same names in the same
 * order, which are then held only once, and mostly one time.
 */
export class Packed implements Chunk {
  readonly #names: readonly Name[];
  readonly #values: Float64Array;
  /** One for all, or one for each. */
  readonly #times: number | Float64Array;

  /** @param before whose names are shared, where they are the same. */
  constructor(points: Batch, before: Packed | undefined) {
    // Runs at every tick, for every point: see docs/architecture.md, decision 15.
    const { length } = points;
    const known = before === undefined ? [] : before.#names;
    const values = new Float64Array(length);
    const first = points[0]?.time ?? 0;
    let same = known.length === length;
    let together = true;
    for (let i = 0; i < length; i += 1) {
      const { name, value, time } = points[i] as Point;
      values[i] = value;
      if (known[i] !== name) same = false;
      if (time !== first) together = false;
    }
    this.#values = values;
    this.#names = same ? known : points.map(({ name }) => name);
    this.#times = together ? first : Float64Array.from(points, ({ time }) => time);
  }

  get length(): number {
    return this.#names.length;
  }

  slice(from: number, end: number): Batch {
    const points: Point[] = [];
    for (let i = from; i < end; i += 1) {
      const time = typeof this.#times === 'number' ? this.#times : (this.#times[i] as number);
      points.push({ name: this.#names[i] as Name, value: this.#values[i] as number, time });
    }
    return points;
  }
}
