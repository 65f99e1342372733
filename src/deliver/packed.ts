import type { Batch, Name, Point } from '../metric/index.ts';

/** Points in a row, of which a part can be had. An array of points is one. */
export interface Chunk {
  readonly length: number;
  slice(from: number, end: number): Batch;
}

/**
 * Points as they wait for long: a fifth of the memory. What is observed together tick for tick has the
 * same names in the same order, which are then held only once, and mostly one time.
 */
export class Packed implements Chunk {
  readonly #names: readonly Name[];
  readonly #values: Float64Array;
  /** One for all, or one for each. */
  readonly #times: number | Float64Array;

  /** @param before whose names are shared, where they are the same. */
  constructor(points: Batch, before: Packed | undefined) {
    const shared = before === undefined ? undefined : before.#shared(points);
    this.#names = shared ?? points.map(({ name }) => name);
    this.#values = new Float64Array(points.length);
    for (let i = 0; i < points.length; i += 1) this.#values[i] = (points[i] as Point).value;
    const time = points[0]?.time ?? 0;
    this.#times = points.every((point) => point.time === time)
      ? time
      : Float64Array.from(points, (point) => point.time);
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

  #shared(points: Batch): readonly Name[] | undefined {
    const names = this.#names;
    if (names.length !== points.length) return undefined;
    for (let i = 0; i < names.length; i += 1) {
      if (names[i] !== (points[i] as Point).name) return undefined;
    }
    return names;
  }
}
