import type { Batch, Point } from '../metric/index.ts';
import { type Chunk, Packed } from './packed.ts';
import { Ring } from './ring.ts';

/** The most a backlog holds, of whatever it holds. */
export interface Limits {
  readonly samples: number;
  readonly bytes: number;
}

/**
 * The estimate of what a point takes in memory: its path, and its numbers with the objects around
 * them. A path is shared by all points of its series, so for a long queue this is the upper end.
 */
export const sizeOf = (point: Point): number => point.name.path.length + AROUND;
const AROUND = 32;

/**
 * How often one batch is resent at most. Without an end, a peer that takes one batch per connection
 * would get the same one for ever, and a batch that crashes the peer would do so again and again.
 */
const MOST_RESENDS = 20;

/** Milliseconds after which a peer has what it was sent on its disk: Carbon's writer sleeps one second. */
const SETTLED = 1000;

/** So many chunks may wait as they are: towards a peer that is well, no more do. */
const MOST_UNPACKED = 4;

/** {@link Parcel.at} of what was never delivered by this process. */
const NEVER = -1;

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

interface Parcel {
  /** Packed while it is kept. */
  points: Chunk;
  readonly bytes: number;
  /** When the oldest of it came. */
  readonly since: number;
  /** Whether it is on disk: then it is counted there, and need not come back into the queue. */
  readonly stored: boolean;
  /** How often it was taken for resending; 0 while it was never delivered. */
  resends: number;
  delivered: boolean;
  /** When it was first delivered, in milliseconds on the monotonic clock. */
  at: number;
  /** When it was last delivered. */
  last: number;
}

/** What {@link Backlog.take} hands out for one write. */
export interface Taken {
  readonly points: Batch;
  /** Whether it was delivered before, over a connection that broke. */
  readonly again: boolean;
}

/** What {@link Backlog.pour} hands out to be put on disk. */
export interface Poured {
  readonly points: Batch;
  /** How often it was delivered, over connections that broke. */
  readonly deliveries: number;
}

/**
 * Everything a handler has yet to send, and what it may have to send again, within one bound.
 *
 * Four places, from old to new: `kept` was delivered a moment ago and is kept, packed, until its connection
 * has proved itself; `again` was delivered over a connection that broke; `out` is being written (and
 * `pouring` to disk); `queue` waits. When the bound bites, what was delivered is forgotten first, then
 * the oldest of the queue goes. Knows no time and no connection.
 */
export class Backlog {
  readonly #limits: Limits;
  readonly #overflow: (point: Point) => void;
  readonly #kept = new Ring<Parcel>();
  readonly #again = new Ring<Parcel>();
  readonly #queue = new Ring<Waiting>();
  #lastPacked: Packed | undefined;
  #lastKept: Packed | undefined;
  /** Points in the queue. */
  #waiting = 0;
  #out: Parcel | undefined;
  #pouring: Parcel | undefined;
  #samples = 0;
  #bytes = 0;

  /** @param overflow is handed each point that the bound pushes out of the queue, oldest first. */
  constructor(limits: Limits, overflow: (point: Point) => void) {
    this.#limits = limits;
    this.#overflow = overflow;
  }

  /** Points that wait or are being written, and were never delivered. */
  get queued(): number {
    return this.#waiting + underWay(this.#out) + underWay(this.#pouring);
  }

  /** Points that nothing has been done with yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** When the oldest of them came; `undefined` without any. */
  get since(): number | undefined {
    return this.#queue.peek()?.at;
  }

  /** Whether {@link take} has something. */
  get ready(): boolean {
    return this.#waiting > 0 || this.#again.length > 0;
  }

  /** All that is held, for whatever reason. */
  get held(): Limits {
    return { samples: this.#samples, bytes: this.#bytes };
  }

  /**
   * @param points are the backlog's from now on.
   * @param at now, in milliseconds on the monotonic clock.
   */
  add(points: Batch, at: number): void {
    if (points.length === 0) return;
    const bytes = bytesOf(points);
    this.#queue.push({ points: this.#packed(points), bytes, from: 0, at });
    this.#waiting += points.length;
    this.#samples += points.length;
    this.#bytes += bytes;
    this.#bound();
  }

  #packed(points: Batch): Chunk {
    if (this.#queue.length < MOST_UNPACKED) {
      this.#lastPacked = undefined;
      return points;
    }
    this.#lastPacked = new Packed(points, this.#lastPacked);
    return this.#lastPacked;
  }

  /** The next batch, of at most `most` points. One of sent, failed and refuse must follow. */
  take(most: number): Taken | undefined {
    const again = this.#again.shift();
    if (again !== undefined) {
      again.resends += 1;
      this.#out = again;
      return { points: all(again.points), again: true };
    }
    if (this.#waiting === 0) return undefined;
    this.#out = this.#parcel(most);
    return { points: all(this.#out.points), again: false };
  }

  /**
   * Takes in a batch that is on disk and stays there until it is delivered. One of sent, failed and
   * refuse must follow.
   *
   * @param deliveries how often it was delivered, over connections that broke.
   */
  borrow(points: Batch, deliveries: number): Taken {
    const bytes = bytesOf(points);
    const delivered = deliveries > 0;
    const times = { since: 0, at: NEVER, last: 0 };
    this.#out = { points, bytes, ...times, stored: true, resends: deliveries, delivered };
    this.#samples += points.length;
    this.#bytes += bytes;
    return { points, again: delivered };
  }

  /** The oldest batch, of at most `most` points, to be put on disk. One of poured and pourBack must follow. */
  pour(most: number): Poured | undefined {
    if (this.#pouring !== undefined) return undefined;
    const parcel = this.#again.shift() ?? (this.#waiting === 0 ? undefined : this.#parcel(most));
    this.#pouring = parcel;
    if (parcel === undefined) return undefined;
    return { points: all(parcel.points), deliveries: parcel.delivered ? parcel.resends + 1 : 0 };
  }

  /** It is on disk. */
  poured(): void {
    const parcel = this.#pouring;
    this.#pouring = undefined;
    if (parcel !== undefined) this.#forget(parcel);
  }

  /** It could not be put there. */
  pourBack(): void {
    const parcel = this.#pouring;
    this.#pouring = undefined;
    if (parcel !== undefined) this.#return(parcel);
  }

  /** Takes out what came before a moment; tells how many points that were. */
  expire(before: number): number {
    let expired = 0;
    for (let oldest = this.#queue.peek(); oldest !== undefined; oldest = this.#queue.peek()) {
      if (oldest.at >= before) break;
      const { points, bytes } = this.#dequeue(oldest.points.length - oldest.from);
      this.#samples -= points.length;
      this.#bytes -= bytes;
      expired += points.length;
    }
    return expired;
  }

  #parcel(most: number): Parcel {
    const since = this.#queue.peek()?.at ?? 0;
    const { points, bytes } = this.#dequeue(Math.min(most, this.#waiting));
    const times = { since, at: NEVER, last: 0 };
    return { points, bytes, ...times, stored: false, resends: 0, delivered: false };
  }

  /** The oldest of the queue, so many of them, and the bytes of all of them. */
  #dequeue(count: number): { readonly points: Batch; readonly bytes: number } {
    this.#waiting -= count;
    const first = this.#queue.peek();
    // What a tick brought goes as it came.
    if (first?.from === 0 && first.points.length === count && Array.isArray(first.points)) {
      this.#queue.shift();
      return { points: first.points, bytes: first.bytes };
    }
    const parts: Batch[] = [];
    for (let left = count; left > 0; ) {
      const oldest = this.#queue.peek() as Waiting;
      const { points, from } = oldest;
      const end = Math.min(points.length, from + left);
      const whole = from === 0 && end === points.length && Array.isArray(points);
      parts.push(whole ? points : points.slice(from, end));
      left -= end - from;
      if (end === points.length) this.#queue.shift();
      else oldest.from = end;
    }
    const points = parts.length === 1 ? (parts[0] as Batch) : parts.flat();
    return { points, bytes: bytesOf(points) };
  }

  /**
   * What was taken has been delivered.
   *
   * @param at now, in milliseconds on the monotonic clock.
   * @param keep for how many milliseconds it may have to be sent again; 0 forgets it.
   */
  sent(at: number, keep: number): void {
    const parcel = this.#settle();
    if (parcel.at === NEVER) parcel.at = at;
    parcel.delivered = true;
    parcel.last = at;
    if (keep > 0 && parcel.resends < MOST_RESENDS) this.#keep(parcel);
    else this.#forget(parcel);
    this.#expire(at - keep, at);
  }

  #keep(parcel: Parcel): void {
    const { points } = parcel;
    if (Array.isArray(points)) {
      this.#lastKept = new Packed(points, this.#lastKept);
      parcel.points = this.#lastKept;
    }
    this.#kept.push(parcel);
  }

  /** What was taken could not be written: it is first in line again. */
  failed(): void {
    const parcel = this.#settle();
    if (parcel.stored && parcel.at === NEVER) this.#forget(parcel);
    else this.#return(parcel);
  }

  #return(parcel: Parcel): void {
    if (!parcel.delivered) {
      const { points, bytes, since } = parcel;
      this.#queue.unshift({ points, bytes, from: 0, at: since });
      this.#waiting += parcel.points.length;
    } else if (parcel.resends < MOST_RESENDS) this.#again.unshift(parcel);
    else this.#forget(parcel);
  }

  /** What was taken will never be written. */
  refuse(): void {
    this.#forget(this.#settle());
  }

  /** The connection broke now: what was first delivered since then has to be sent again. */
  broke(since: number, now: number): void {
    this.#expire(since, now);
    for (let parcel = this.#kept.pop(); parcel !== undefined; parcel = this.#kept.pop()) {
      this.#again.unshift(parcel);
    }
  }

  /** Forgets everything; tells how many points were {@link queued}. */
  clear(): number {
    const { queued } = this;
    this.#kept.clear();
    this.#again.clear();
    this.#queue.clear();
    this.#waiting = 0;
    this.#out = undefined;
    this.#pouring = undefined;
    this.#samples = 0;
    this.#bytes = 0;
    return queued;
  }

  #settle(): Parcel {
    const parcel = this.#out;
    if (parcel === undefined) throw new Error('a batch was settled that nobody had taken');
    this.#out = undefined;
    return parcel;
  }

  #expire(before: number, now: number): void {
    for (let oldest = this.#kept.peek(); oldest !== undefined; oldest = this.#kept.peek()) {
      // A peer that dies right after a resend has probably lost it again; one that lived on had it,
      // and a peer that closes idle connections must not be sent the same for ever.
      if (oldest.at >= before || oldest.last + SETTLED > now) return;
      this.#kept.shift();
      this.#forget(oldest);
    }
  }

  #forget(parcel: Parcel): void {
    this.#samples -= parcel.points.length;
    this.#bytes -= parcel.bytes;
  }

  #bound(): void {
    while (this.#bytes > this.#limits.bytes || this.#samples > this.#limits.samples) {
      const delivered = this.#kept.shift() ?? this.#again.shift();
      if (delivered !== undefined) {
        this.#forget(delivered);
        continue;
      }
      // Only what is being written is left, and that was within the bound when it was taken.
      if (this.#waiting === 0) return;
      const { points, bytes } = this.#dequeue(1);
      this.#samples -= 1;
      this.#bytes -= bytes;
      this.#overflow(points[0] as Point);
    }
  }
}

const all = (points: Chunk): Batch =>
  Array.isArray(points) ? points : points.slice(0, points.length);

const underWay = (parcel: Parcel | undefined): number =>
  parcel === undefined || parcel.delivered || parcel.stored ? 0 : parcel.points.length;

function bytesOf(points: Batch): number {
  const { length } = points;
  let bytes = AROUND * length;
  for (let i = 0; i < length; i += 1) bytes += (points[i] as Point).name.path.length;
  return bytes;
}
