import type { Batch, Name, Packed, Point } from '../metric/index.ts';
import { wider } from './wider.ts';

/** Names in the order of their points, shared by all points that come in this order tick for tick. */
class Names {
  readonly list: readonly Name[];
  #ends: Int32Array | undefined;

  constructor(list: readonly Name[]) {
    this.list = list;
  }

  /** The length of the paths from one place to another. */
  characters(from: number, end: number): number {
    this.#ends ??= this.#measure();
    return (this.#ends[end] as number) - (this.#ends[from] as number);
  }

  /** Where each path would end, were all of them one text. */
  #measure(): Int32Array {
    const { list } = this;
    const ends = new Int32Array(list.length + 1);
    let at = 0;
    for (let i = 0; i < list.length; i += 1) {
      at += (list[i] as Name).path.length;
      ends[i + 1] = at;
    }
    return ends;
  }
}

const NOTHING = new Names([]);
/** So often in a row fewer points may come, under other names, before those are expected again. */
const FEW_TIMES = 16;
const NONE = new Float64Array(0);

/**
 * Points in a row: a fifth of the memory of objects, and nothing that V8 would have to copy about. What is
 * observed together tick for tick has the same names in the same order, which are then held only once,
 * and mostly one time.
 */
export class Columns implements Packed {
  readonly length: number;
  readonly from: number;
  readonly values: Float64Array;
  readonly times: number | Float64Array;
  readonly #names: Names;

  constructor(
    names: Names,
    values: Float64Array,
    times: number | Float64Array,
    from: number,
    length: number,
  ) {
    this.#names = names;
    this.values = values;
    this.times = times;
    this.from = from;
    this.length = length;
  }

  get names(): readonly Name[] {
    return this.#names.list;
  }

  /** The same points. */
  static of(points: Batch): Columns {
    const draft = new Draft();
    for (const { name, value, time } of points) draft.push(name, value, time);
    return draft.take();
  }

  /** The points of all, one after the other. */
  static joined(parts: readonly Columns[]): Columns {
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    const draft = new Draft();
    for (const part of parts) draft.add(part);
    return draft.take();
  }

  /** The length of all paths together. */
  get characters(): number {
    return this.#names.characters(this.from, this.from + this.length);
  }

  /** Some of them, without a copy. */
  part(from: number, end: number): Columns {
    if (from === 0 && end === this.length) return this;
    return new Columns(this.#names, this.values, this.times, this.from + from, end - from);
  }

  /** Some of them as objects. */
  slice(from: number, end: number): Batch {
    const points: Point[] = [];
    const { list } = this.#names;
    for (let i = this.from + from; i < this.from + end; i += 1) {
      const time = typeof this.times === 'number' ? this.times : (this.times[i] as number);
      points.push({ name: list[i] as Name, value: this.values[i] as number, time });
    }
    return points;
  }
}

/**
 * Gathers points, to hand them on together. Its fields are open to whoever appends many of them, at every
 * tick: a call for each would take longer than the work.
 */
export class Draft {
  /** How many there are. */
  length = 0;
  /** The names that mostly come; and those that come now, from where they are others. */
  before = NOTHING;
  names: Name[] | undefined = undefined;
  /** The value of each, and room for more. */
  values: Float64Array = NONE;
  /** The time of all, or of each where they differ. */
  time = Number.NaN;
  times: Float64Array | undefined = undefined;
  /** How often in a row there were fewer, under other names. */
  #others = 0;

  push(name: Name, value: number, time: number): void {
    const { length } = this;
    this.widen();
    if (this.names !== undefined) this.names[length] = name;
    else if (this.before.list[length] !== name) this.differ(length)[length] = name;
    this.values[length] = value;
    if (!this.isTimed(time) && this.times === undefined) {
      this.times = new Float64Array(this.values.length).fill(this.time, 0, length);
    }
    if (this.times !== undefined) this.times[length] = time;
    this.length = length + 1;
  }

  /** From this place on the names are others than last time. */
  differ(place: number): Name[] {
    this.names = this.before.list.slice(0, place);
    return this.names;
  }

  /** Whether this is the time of all points, those included that come next. */
  isTimed(time: number): boolean {
    if (this.length === 0) this.time = time;
    return time === this.time && this.times === undefined;
  }

  /** Makes room for more: mostly for as many as there were last time. */
  widen(more = 1): void {
    if (this.length + more <= this.values.length) return;
    const length = Math.max(this.before.list.length, this.length + more, 2 * this.values.length);
    this.values = wider(Float64Array, this.values, length);
    this.times = this.times && wider(Float64Array, this.times, length);
  }

  /** The points of another. */
  add(points: Columns): void {
    for (const { name, value, time } of points.slice(0, points.length)) {
      this.push(name, value, time);
    }
  }

  /** Says another value of a point. */
  correct(place: number, value: number): void {
    this.values[place] = value;
  }

  /** Those from one place on, as objects. */
  since(from: number): Batch {
    const names = new Names(this.names ?? this.before.list);
    return this.#made(names).slice(from, this.length);
  }

  /**
   * Hands them on, and begins anew. They may wait for long: room that was made for many more, of which a handler
   * takes a few, is not handed on with them.
   */
  take(): Columns {
    if (this.values.length > 2 * this.length) {
      this.values = this.values.slice(0, this.length);
      this.times = this.times?.slice(0, this.length);
    }
    const made = this.#made(this.#named());
    this.length = 0;
    this.names = undefined;
    this.values = NONE;
    this.times = undefined;
    return made;
  }

  #made(names: Names): Columns {
    return new Columns(names, this.values, this.times ?? this.time, 0, this.length);
  }

  #named(): Names {
    const { length, before, names } = this;
    const usual = before.list.length;
    if (names === undefined && length === usual) {
      this.#others = 0;
      return before;
    }
    const made = new Names(names ?? before.list.slice(0, length));
    // What a collector brings that ends after all others must not displace the names of a whole tick.
    if (2 * length < usual && this.#others < FEW_TIMES) {
      this.#others += 1;
      return made;
    }
    this.#others = 0;
    this.before = made;
    this.names = undefined;
    return made;
  }
}
