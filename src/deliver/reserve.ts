import type { Clock } from '../clock/index.ts';
import { openSpool, type Spool, type Stored } from '../store/index.ts';
import type { Backlog, Taken } from './backlog.ts';
import type { Books } from './books.ts';
import type { Complaints } from './complaints.ts';
import type { SpoolOptions } from './contract.ts';

/** Milliseconds that an ending delivery waits for a disk, however it hangs. */
const LAST_WAIT = 5000;

export interface ReserveNeeds {
  readonly spool: SpoolOptions;
  readonly backlog: Backlog;
  readonly books: Books;
  readonly complaints: Complaints;
  readonly clock: Clock;
  /** Points in one record, at most. */
  readonly batch: number;
}

/**
 * The backlog's continuation on disk: what waits is poured there while the peer is away, and comes back
 * batch by batch. A disk that fails costs nothing at once: the points stay in memory, and the next flush
 * tries again.
 */
export class Reserve {
  readonly #needs: ReserveNeeds;
  #spool: Spool | undefined;
  #opening: Promise<Spool | undefined> | undefined;
  #pouring: Promise<void> | undefined;
  #out: Stored | undefined;
  #closed = false;

  constructor(needs: ReserveNeeds) {
    this.#needs = needs;
  }

  /** Points on disk. */
  get points(): number {
    return this.#spool?.points ?? 0;
  }

  /** Whether a batch can be taken. */
  get ready(): boolean {
    return this.#spool?.ready ?? false;
  }

  /** Finds what an earlier run has left. Never rejects. */
  async open(): Promise<void> {
    await this.#opened();
  }

  /** Puts everything on disk that waits in memory. Never rejects; resolves when nothing more can be done now. */
  pour(): Promise<void> {
    this.#pouring ??= this.#pour().finally(() => {
      this.#pouring = undefined;
    });
    return this.#pouring;
  }

  /**
   * Gives the oldest batch on disk to the backlog, to be written.
   *
   * @param signal is aborted when nobody waits for it any more.
   */
  async take(signal: AbortSignal): Promise<Taken | undefined> {
    const { backlog } = this.#needs;
    const stored = await this.#spool?.take();
    if (signal.aborted) stored?.failed();
    if (signal.aborted || stored === undefined) return undefined;
    this.#out = stored;
    return backlog.borrow(stored.points, stored.deliveries);
  }

  /** What was taken was delivered, or never will be. */
  done(): void {
    void this.#out?.done();
    this.#out = undefined;
  }

  /** It was not: it stays. */
  failed(): void {
    this.#out?.failed();
    this.#out = undefined;
  }

  /** Puts on disk what is left, and lets go of it. Waits for a hanging disk only so long. */
  async close(): Promise<void> {
    const { clock } = this.#needs;
    let late = () => {};
    const patience = new Promise<void>((resolve) => {
      late = resolve;
    });
    const deadline = clock.after(LAST_WAIT, late);
    this.failed();
    const closing = async () => {
      await this.pour();
      this.#closed = true;
      await this.#spool?.close();
    };
    await Promise.race([closing(), patience]);
    this.#closed = true;
    deadline.cancel();
  }

  async #pour(): Promise<void> {
    const { backlog, batch, complaints } = this.#needs;
    const spool = await this.#opened();
    if (spool === undefined) return;
    for (let next = backlog.pour(batch); next !== undefined; next = backlog.pour(batch)) {
      try {
        await spool.append(next.points, next.deliveries);
      } catch (error) {
        backlog.pourBack();
        complaints.unspooled(error, backlog.queued);
        return;
      }
      backlog.poured();
    }
    complaints.spooling();
  }

  #opened(): Promise<Spool | undefined> {
    if (this.#spool !== undefined || this.#closed) return Promise.resolve(this.#spool);
    this.#opening ??= this.#tryOpen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #tryOpen(): Promise<Spool | undefined> {
    const { spool, books, complaints, clock, backlog } = this.#needs;
    const early: (() => void)[] = [];
    let found = false;
    try {
      const opened = await openSpool({
        folder: spool.path,
        bytes: spool.size,
        age: spool.age === undefined ? undefined : spool.age * 1000,
        now: () => clock.now(),
        unread: (error) => complaints.unspooled(error, backlog.queued),
        lost: (why, points) => {
          const book = () => {
            books.drop(why, points);
            complaints.lost(why, points);
          };
          if (found) book();
          else early.push(book);
        },
      });
      // What an earlier run had observed is this one's now, with what was lost of it.
      found = true;
      books.observed += opened.found;
      for (const book of early) book();
      this.#spool = opened;
      return opened;
    } catch (error) {
      complaints.unspooled(error, backlog.queued);
      return undefined;
    }
  }
}
