import { Columns } from '../columns/index.ts';
import type { Batch } from '../metric/index.ts';
import { bytesOf, Queue } from './queue.ts';
import { Ring } from './ring.ts';

/** The most a backlog holds, of whatever it holds. */
export interface Limits {
  readonly samples: number;
  readonly bytes: number;
}

/**
 * How often one batch is resent at most. Without an end, a peer that takes one batch per connection
 * would get the same one for ever, and a batch that crashes the peer would do so again and again.
 */
const MOST_RESENDS = 20;

/** Milliseconds after which a peer has what it was sent on its disk: Carbon's writer sleeps one second. */
const SETTLED = 1000;

/** {@link Parcel.at} of what was never delivered by this process. */
const NEVER = -1;

interface Parcel {
  readonly points: Columns;
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

/** What {@link Backlog.take}, {@link Backlog.retry} and {@link Backlog.borrow} hand out for one write. */
export interface Taken {
  readonly points: Columns;
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
 * Five places, from old to new: `kept` was delivered a moment ago and is kept until its connection
 * has proved itself; `again` was delivered over a connection that broke; `out` is being written (and
 * `pouring` to disk); `aside` is what the peer would not take yet; `queue` waits. When the bound bites,
 * what was delivered is forgotten first, then what is aside goes, then the oldest of the queue. Knows no
 * time and no connection.
 */
export class Backlog {
  readonly #limits: Limits;
  readonly #overflow: () => void;
  readonly #kept = new Ring<Parcel>();
  readonly #again = new Ring<Parcel>();
  readonly #aside = new Queue();
  readonly #queue = new Queue();
  #out: Parcel | undefined;
  #pouring: Parcel | undefined;
  #samples = 0;
  #bytes = 0;

  /** @param overflow is told of each point that the bound pushes out, oldest first. */
  constructor(limits: Limits, overflow: () => void) {
    this.#limits = limits;
    this.#overflow = overflow;
  }

  /** Points that wait or are being written, and were never delivered. */
  get queued(): number {
    const { points } = this.#queue;
    return points + this.#aside.points + underWay(this.#out) + underWay(this.#pouring);
  }

  /** Points that nothing has been done with yet. */
  get waiting(): number {
    return this.#queue.points;
  }

  /** When the oldest of them came; `undefined` without any. */
  get since(): number | undefined {
    return this.#queue.since;
  }

  /** Whether {@link take} has something. */
  get ready(): boolean {
    return this.#queue.points > 0 || this.#again.length > 0;
  }

  /** Points that the peer would not take yet: {@link retry} has them. */
  get aside(): number {
    return this.#aside.points;
  }

  /** All that is held, for whatever reason. */
  get held(): Limits {
    return { samples: this.#samples, bytes: this.#bytes };
  }

  /** @param at now, in milliseconds on the monotonic clock. */
  add(points: Columns, at: number): void {
    if (points.length === 0) return;
    this.#queue.push(points, at);
    this.#samples += points.length;
    this.#bytes += bytesOf(points);
    this.#bound();
  }

  /** The next batch, of at most `most` points. One of sent, partly, failed and refuse must follow. */
  take(most: number): Taken | undefined {
    const again = this.#again.shift();
    if (again !== undefined) {
      again.resends += 1;
      this.#out = again;
      return { points: again.points, again: true };
    }
    return this.#takeFrom(this.#queue, most);
  }

  /** The same of what the peer would not take before. */
  retry(most: number): Taken | undefined {
    return this.#takeFrom(this.#aside, most);
  }

  #takeFrom(queue: Queue, most: number): Taken | undefined {
    this.#out = parcelOf(queue, most);
    return this.#out && { points: this.#out.points, again: false };
  }

  /**
   * Takes in a batch that is on disk and stays there until it is delivered. One of sent, partly,
   * failed and refuse must follow.
   *
   * @param deliveries how often it was delivered, over connections that broke.
   */
  borrow(stored: Batch, deliveries: number): Taken {
    const points = Columns.of(stored);
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
    const parcel =
      this.#again.shift() ?? parcelOf(this.#aside, most) ?? parcelOf(this.#queue, most);
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
    const aside = this.#aside.expire(before);
    const queue = this.#queue.expire(before);
    this.#samples -= aside.points + queue.points;
    this.#bytes -= aside.bytes + queue.bytes;
    return aside.points + queue.points;
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
    if (keep > 0 && parcel.resends < MOST_RESENDS) this.#kept.push(parcel);
    else this.#forget(parcel);
    this.#expire(at - keep, at);
    // What comes from disk comes faster than any tick.
    this.#bound();
  }

  /**
   * What was taken has been delivered but for the rest, which is set aside.
   *
   * @param at now, in milliseconds on the monotonic clock.
   */
  partly(rest: Batch, at: number): void {
    const parcel = this.#settle();
    this.#forget(parcel);
    // It was delivered once: a resend is no promise.
    if (parcel.delivered || rest.length === 0) return;
    const points = Columns.of(rest);
    this.#aside.push(points, parcel.stored ? at : parcel.since);
    this.#samples += points.length;
    this.#bytes += bytesOf(points);
  }

  /** What was taken could not be written: it is first in line again. */
  failed(): void {
    const parcel = this.#settle();
    if (parcel.stored && parcel.at === NEVER) this.#forget(parcel);
    else this.#return(parcel);
  }

  #return(parcel: Parcel): void {
    if (!parcel.delivered) {
      this.#queue.unshift(parcel.points, parcel.since);
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
    this.#aside.clear();
    this.#queue.clear();
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
      const oldest = this.#aside.points > 0 ? this.#aside : this.#queue;
      if (oldest.points === 0) return;
      const bytes = bytesOf(oldest.take(1));
      this.#samples -= 1;
      this.#bytes -= bytes;
      this.#overflow();
    }
  }
}

const all = (points: Columns): Batch => points.slice(0, points.length);

const underWay = (parcel: Parcel | undefined): number =>
  parcel === undefined || parcel.delivered || parcel.stored ? 0 : parcel.points.length;

function parcelOf(queue: Queue, most: number): Parcel | undefined {
  if (queue.points === 0) return undefined;
  const times = { since: queue.since ?? 0, at: NEVER, last: 0 };
  const points = queue.take(most);
  const bytes = bytesOf(points);
  return { points, bytes, ...times, stored: false, resends: 0, delivered: false };
}
