import { Columns, Draft } from '../columns/index.ts';
import type { Point } from '../metric/index.ts';
import type { DropReason } from '../plugin/index.ts';
import { Backlog, type Taken } from './backlog.ts';
import type { Books } from './books.ts';
import type { Complaints } from './complaints.ts';
import type { DeliveryDeps, DeliveryOptions } from './contract.ts';
import { Introductions } from './introductions.ts';
import { Reserve } from './reserve.ts';

/**
 * Everything one handler has yet to send, wherever it waits: new names for their turn, fresh points in
 * memory, and, where there is a spool, the rest on disk. Knows time and no connection.
 */
export class Supply {
  readonly #options: DeliveryOptions;
  readonly #clock: DeliveryDeps['clock'];
  readonly #books: Books;
  readonly #complaints: Complaints;
  readonly #backlog: Backlog;
  /** Where new names wait their turn; `undefined` where the peer takes any number. */
  readonly #introductions: Introductions | undefined;
  readonly #introduced = new Draft();
  readonly #reserve: Reserve | undefined;
  readonly #keep: number;
  #overflow = 0;
  /** Whether the next batch should be one that has waited, if there is one as well as a fresh one. */
  #lateNext = false;
  /** Whether that should come from disk, if there is one as well as one that was set aside. */
  #storedNext = false;

  constructor(
    options: DeliveryOptions,
    { clock, log }: Pick<DeliveryDeps, 'clock' | 'log'>,
    books: Books,
    complaints: Complaints,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#books = books;
    this.#complaints = complaints;
    this.#keep = options.handler.idempotent ? options.resend * 1000 : 0;
    const { name, handler, queue, spool, batch } = options;
    const perMinute = handler.newNamesPerMinute?.(options.options);
    // Both together hold no more than the queue may.
    const half = { samples: Math.ceil(queue.samples / 2), bytes: queue.bytes / 2 };
    const dropped = () => books.drop('held-back', 1);
    this.#introductions =
      perMinute === undefined
        ? undefined
        : new Introductions({ name, perMinute, limits: half, clock, log, dropped });
    this.#backlog = new Backlog(perMinute === undefined ? queue : half, () => {
      this.#overflow += 1;
      books.drop('overflow', 1);
    });
    this.#reserve =
      spool && new Reserve({ spool, batch, clock, books, complaints, backlog: this.#backlog });
  }

  /** Points in memory that were never delivered. */
  get queued(): number {
    return this.#backlog.queued + (this.#introductions?.waiting ?? 0);
  }

  /** Of them, those that wait for nothing but the peer. */
  get due(): number {
    return this.#backlog.queued;
  }

  /** Points on disk. */
  get spooled(): number {
    return this.#reserve?.points ?? 0;
  }

  /** Of these, those that the peer would not take yet. */
  get aside(): number {
    return this.#backlog.aside;
  }

  /** Whether there is something fresh, or something to send again. */
  get ready(): boolean {
    return this.#backlog.ready;
  }

  /** Whether what an earlier run has left on disk should be looked for. */
  get persists(): boolean {
    return this.#reserve !== undefined;
  }

  /** Whether what waits takes more than half of the memory there is for it. */
  get halfFull(): boolean {
    const { queue } = this.#options;
    const { queued, held } = this.#backlog;
    const bytes = held.samples === 0 ? 0 : (held.bytes * queued) / held.samples;
    return queued > queue.samples / 2 || bytes > queue.bytes / 2;
  }

  /** Whether a batch that is not full may wait a little longer. */
  get lingers(): boolean {
    const { linger = 0, batch } = this.#options;
    const { since, waiting } = this.#backlog;
    if (linger === 0 || since === undefined) return false;
    return waiting < batch && this.#clock.monotonic() - since < linger * 1000;
  }

  offer(points: Columns): void {
    const before = this.#overflow;
    const fresh = this.#introductions === undefined ? points : this.#sifted(points);
    this.#backlog.add(fresh, this.#clock.monotonic());
    if (this.#overflow > before) this.#complaints.overflowed();
  }

  /** Those whose names are introduced. */
  #sifted(points: Columns): Columns {
    const through = this.#introductions?.sift(points.slice(0, points.length)) ?? [];
    for (const { name, value, time } of through) this.#introduced.push(name, value, time);
    return this.#introduced.take();
  }

  /** Drops what has waited in memory for too long. */
  expire(): void {
    const { age } = this.#options.queue;
    if (age === undefined) return;
    const expired = this.#backlog.expire(this.#clock.monotonic() - age * 1000);
    if (expired === 0) return;
    this.#books.drop('expired', expired);
    this.#complaints.expired(expired);
  }

  /** Finds what an earlier run has left on disk; tells whether there is anything. */
  async open(): Promise<boolean> {
    await this.#reserve?.open();
    return this.#reserve?.ready ?? false;
  }

  /** Puts what waits on disk, if there is one. */
  async pour(): Promise<void> {
    if (this.#backlog.ready || this.aside > 0) await this.#reserve?.pour();
  }

  /**
   * The next batch; one of delivered, partly, failed and refused must follow. What is fresh and what has
   * waited, set aside or on disk, take turns: none waits for another.
   *
   * @param may which of them may go.
   * @param signal is asked for when a disk is read, which may hang until it is aborted.
   */
  next(
    may: { readonly fresh: boolean; readonly aside: boolean; readonly stored: boolean },
    signal: () => AbortSignal,
  ): Taken | Promise<Taken | undefined> | undefined {
    const { batch } = this.#options;
    const aside = may.aside && this.aside > 0;
    const reserve = may.stored && this.#reserve?.ready === true ? this.#reserve : undefined;
    const late = aside || reserve !== undefined;
    const fresh = may.fresh && !(late && this.#lateNext) ? this.#backlog.take(batch) : undefined;
    this.#lateNext = fresh !== undefined;
    if (fresh !== undefined) return fresh;
    const stored = reserve !== undefined && (!aside || this.#storedNext);
    this.#storedNext = !stored;
    return stored ? reserve.take(signal()) : aside ? this.#backlog.retry(batch) : undefined;
  }

  delivered({ points, again }: Taken, now: number): void {
    this.#reserve?.done();
    if (again) this.#books.resent += points.length;
    else this.#books.delivered += points.length;
    this.#backlog.sent(now, this.#keep);
  }

  /**
   * The peer has it but for the rest, which is set aside.
   *
   * @returns whether it took any of it.
   */
  partly({ points, again }: Taken, rest: readonly Point[]): boolean {
    const taken = Math.max(0, points.length - rest.length);
    this.#reserve?.done();
    if (again) this.#books.resent += taken;
    else this.#books.delivered += taken;
    this.#backlog.partly(rest, this.#clock.monotonic());
    return taken > 0;
  }

  failed(): void {
    this.#backlog.failed();
    this.#reserve?.failed();
  }

  /** @param lost how many of its points the peer did not take: it has the others. */
  refused({ points, again }: Taken, lost: number): void {
    this.#reserve?.done();
    this.#backlog.refuse();
    if (again) return;
    this.#books.drop('unsendable', lost);
    this.#books.delivered += points.length - lost;
  }

  /** The connection broke, and the trouble began at a moment: what was delivered shortly before is sent again. */
  broke(began: number): void {
    this.#backlog.broke(began - this.#keep, this.#clock.monotonic());
  }

  /** The end: what is left goes to disk or is dropped. @returns how much was dropped. */
  async close(reason: Extract<DropReason, 'shutdown' | 'reload'>): Promise<number> {
    if (this.#reserve !== undefined) {
      this.#backlog.add(Columns.of(this.#introductions?.release() ?? []), this.#clock.monotonic());
      await this.#reserve.close();
    }
    const left = this.#backlog.clear() + (this.#introductions?.release().length ?? 0);
    this.#books.drop(reason, left);
    return left;
  }
}
