import { Columns } from '../columns/index.ts';
import type { Batch } from '../metric/index.ts';
import {
  type Connection,
  Foreseen,
  type HandlerStatus,
  Unresponsive,
  Unsendable,
  Unsettled,
} from '../plugin/index.ts';
import type { Taken } from './backlog.ts';
import { Books } from './books.ts';
import { Complaints } from './complaints.ts';
import type { Delivery, DeliveryDeps, DeliveryOptions, Left } from './contract.ts';
import { type Line, openLine } from './line.ts';
import { Outage } from './outage.ts';
import { Respite } from './respite.ts';
import { Supply } from './supply.ts';
import { Attempt, type Backoff, Bell } from './wait.ts';

const BACKOFF: Backoff = { least: 1, most: 60 };

/** A handler instance's delivery: one loop that connects, writes, fails, pauses and connects again. */
export class Writer implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #deps: DeliveryDeps;
  readonly #backoff: Backoff;
  readonly #complaints: Complaints;
  readonly #supply: Supply;
  readonly #outage: Outage;
  readonly #respite: Respite;
  readonly #books = new Books();

  /** Something to do: a flush, an end of the connection, a stop. */
  readonly #work = new Bell();
  /** The pause between two attempts is over. */
  readonly #resume = new Bell();
  /** Everything that was queued has been settled. */
  readonly #quiet = new Bell();
  #running: Promise<void> | undefined;
  #line: Line | undefined;
  /** What may hang just now: connecting, a write, a close. */
  #pending: Attempt | undefined;
  /** What hung at the flush before: a peer that takes longer than a tick may be away. */
  #pendingBefore: Attempt | undefined;
  #due = false;
  #stopping: 'shutdown' | 'reload' | undefined;
  #halted = false;
  #closed = false;
  #unread = false;
  #note: string | undefined;

  constructor(options: DeliveryOptions, deps: DeliveryDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#backoff = options.backoff ?? BACKOFF;
    this.#complaints = new Complaints(options, deps.clock, deps.report);
    this.#outage = new Outage(deps, this.#backoff, {
      isWell: (line) =>
        this.#line === line && line.ended === undefined && this.#pending === undefined,
      over: () => this.#complaints.connected(),
    });
    this.#respite = new Respite(deps, this.#backoff, () => this.#work.ring());
    this.#supply = new Supply(options, deps, this.#books, this.#complaints);
    if (this.#supply.persists) this.#running = this.#run();
  }

  offer(points: Columns | Batch): void {
    this.#books.observed += points.length;
    // A collection that ended late is still in time for the disk.
    if (this.#closed || (this.#halted && !this.#supply.persists)) {
      this.#books.drop(this.#stopping ?? 'shutdown', points.length);
      return;
    }
    this.#supply.offer(points instanceof Columns ? points : Columns.of(points));
  }

  flush(): void {
    const stalled = this.#pending !== undefined && this.#pending === this.#pendingBefore;
    this.#pendingBefore = this.#pending;
    this.#supply.expire();
    const { ready, aside, spooled } = this.#supply;
    if (this.#halted || (!ready && aside + spooled === 0)) return;
    if (this.#supply.halfFull || this.#away || stalled) this.#pour();
    if (this.#supply.lingers && this.#stopping === undefined) return;
    this.#due = true;
    this.#work.ring();
    this.#running ??= this.#run();
  }

  get observed(): number {
    return this.#books.observed;
  }

  get settled(): number {
    return this.#books.observed - this.#supply.queued - this.#books.abandoned;
  }

  status(): HandlerStatus {
    return this.#books.status({
      name: this.#options.name,
      type: this.#options.handler.name,
      queued: this.#supply.queued,
      spooled: this.#supply.spooled,
      connected: this.#line !== undefined && this.#line.ended === undefined,
      ...(this.#line?.connection.counts && { counts: this.#line.connection.counts }),
    });
  }

  async drain(ms: number): Promise<Left> {
    let late = false;
    const deadline = this.#deps.clock.after(ms, () => {
      late = true;
      this.#quiet.ring();
    });
    this.#respite.end();
    this.flush();
    this.#resume.ring();
    while (this.#supply.due > 0 && !late && !this.#halted) await this.#quiet.heard();
    deadline.cancel();
    return { left: this.#supply.queued };
  }

  async stop(reason: 'shutdown' | 'reload', ms: number): Promise<Left> {
    this.#stopping ??= reason;
    const deadline = this.#deps.clock.after(ms, () => this.#halt());
    // Towards a peer that is away there is nothing to wait for: what is left is safe on disk.
    if (this.#supply.persists && this.#away) this.#halt();
    this.#respite.end();
    this.flush();
    this.#work.ring();
    this.#resume.ring();
    await this.#running;
    deadline.cancel();
    this.#halt();
    const left = await this.#supply.close(this.#stopping);
    this.#closed = true;
    return this.#unread ? { left, unread: true } : { left };
  }

  /** Whether the peer cannot be reached. */
  get #away(): boolean {
    return this.#line === undefined && this.#outage.lasts;
  }

  /** Puts what waits on disk, where there is one. What is there then may be sent from there. */
  #pour(): void {
    if (this.#supply.persists) void this.#supply.pour().then(() => this.#work.ring());
  }

  #halt(): void {
    this.#halted = true;
    this.#respite.end();
    const over = new Error('the time to stop is over');
    this.#pending?.giveUp(over);
    this.#line?.proof?.cancel();
    this.#line?.aborter.abort(over);
    this.#line = undefined;
    this.#work.ring();
    this.#resume.ring();
    this.#quiet.ring();
  }

  get #finished(): boolean {
    if (this.#halted) return true;
    return this.#stopping !== undefined && !this.#supply.ready && !this.#insists;
  }

  /** Whether what the peer would not take is tried until the very end: there is no disk to keep it. */
  get #insists(): boolean {
    return this.#supply.aside > 0 && !this.#supply.persists;
  }

  async #run(): Promise<void> {
    if (this.#supply.persists) {
      const found = await this.#fromDisk('opening it', this.#supply.open(), new AbortController());
      if (found !== true && !this.#supply.ready && !this.#finished) await this.#work.heard();
    }
    while (!this.#finished) {
      const failed = (await this.#connect()) ?? (await this.#serve());
      if (failed === undefined || this.#finished) continue;
      const seconds = this.#failed(failed);
      if (this.#unread) this.#halt();
      else if (seconds > 0) await this.#pause(seconds);
      // A peer that closes idle connections is called again when there is something to send.
      else if (this.#supply.due + this.#supply.spooled === 0 && this.#stopping === undefined)
        await this.#work.heard();
    }
  }

  /** Opens a connection; tells why it could not. */
  async #connect(): Promise<Failure | undefined> {
    const aborter = new AbortController();
    const attempt = new Attempt(aborter);
    this.#pending = attempt;
    try {
      const line = await openLine(this.#options, this.#deps, { attempt, aborter });
      const ended = (reason: unknown) => {
        line.ended = { error: reason };
        this.#work.ring();
      };
      line.connection.ended?.then(ended, ended);
      this.#line = line;
      return undefined;
    } catch (error) {
      aborter.abort(error);
      return { error, held: false };
    } finally {
      this.#pending = undefined;
    }
  }

  /** Writes over the open connection until it breaks, or everything is written and it is time to stop. */
  async #serve(): Promise<Failure | undefined> {
    const { clock } = this.#deps;
    this.#due = true;
    for (let line = this.#line; line !== undefined; line = this.#line) {
      if (line.ended !== undefined) return this.#lost(line, line.ended.error, clock.monotonic());
      const result = await this.#writeNext(line);
      if (result === 'written') continue;
      if (result !== 'nothing') return result;
      this.#due = false;
      this.#complaints.caughtUp();
      this.#quiet.ring();
      if (this.#stopping === undefined || this.#insists) await this.#work.heard();
      else {
        const unread = await this.#close(line);
        if (unread !== undefined) return unread;
      }
    }
    return undefined;
  }

  /**
   * Writes what is next, if there is something. Not in {@link #serve}, which waits for the next tick with
   * all that it has had in its hands: that seemed to make the points of each tick grow old in memory.
   */
  async #writeNext(line: Line): Promise<'written' | 'nothing' | Failure> {
    const taken = await this.#next();
    if (taken === undefined) return 'nothing';
    const began = this.#deps.clock.monotonic();
    const error = await this.#write(line, taken);
    return error === undefined ? 'written' : this.#lost(line, error, began);
  }

  #next(): Taken | Promise<Taken | undefined> | undefined {
    const aside = !this.#respite.lasts;
    const stored = aside && this.#stopping === undefined;
    let reading: AbortController | undefined;
    const next = this.#supply.next({ fresh: this.#due, aside, stored }, () => {
      reading = new AbortController();
      return reading.signal;
    });
    return next instanceof Promise && reading !== undefined
      ? this.#fromDisk('reading it', next, reading)
      : next;
  }

  /** Waits for a disk as long as for a peer. */
  async #fromDisk<T>(what: string, work: Promise<T>, aborter: AbortController) {
    const attempt = new Attempt(aborter);
    this.#pending = attempt;
    try {
      return await attempt.within(this.#deps.clock, this.#options.timeout, what, () => work);
    } catch (error) {
      if (!this.#halted) this.#complaints.unspooled(error, this.#supply.queued);
      return undefined;
    } finally {
      this.#pending = undefined;
    }
  }

  /** Writes one batch and books it; tells the error if the connection cannot be used any more. */
  async #write(line: Line, taken: Taken): Promise<unknown> {
    const { clock } = this.#deps;
    const { points } = taken;
    const { connection, aborter } = line;
    const attempt = new Attempt(aborter);
    this.#pending = attempt;
    try {
      await attempt.within(clock, this.#options.timeout, `writing ${points.length} points`, () =>
        connection.writePacked === undefined
          ? connection.write(points.slice(0, points.length), aborter.signal)
          : connection.writePacked(points, aborter.signal),
      );
    } catch (error) {
      if (error instanceof Unsettled && !aborter.signal.aborted) {
        const took = this.#supply.partly(taken, error.points);
        line.took ||= took;
        this.#unsettled(error, took);
        return undefined;
      }
      if (!(error instanceof Unsendable) || aborter.signal.aborted) {
        this.#supply.failed();
        const { stalled } = connection;
        if (error instanceof Unresponsive && stalled !== undefined) {
          return new Foreseen(`${error.message}: ${stalled}`, { cause: error });
        }
        return error ?? new Error('the write failed without saying why');
      }
      const lost = Math.min(error.points ?? points.length, points.length);
      this.#supply.refused(taken, lost);
      this.#complaints.refused(error, lost);
      return undefined;
    } finally {
      this.#pending = undefined;
    }
    const now = clock.monotonic();
    this.#supply.delivered(taken, now);
    line.took = true;
    this.#noted(line.connection);
    this.#complaints.taken(now);
    if (this.#supply.aside === 0) this.#complaints.settled(now);
    this.#outage.prove(line, now);
    return undefined;
  }

  /** Leaves what the peer would not take in peace for a while. */
  #unsettled(error: Unsettled, took: boolean): void {
    this.#books.failures += 1;
    const seconds = this.#respite.begin(took);
    if (seconds !== undefined) this.#complaints.unsettled(error, this.#supply.aside, seconds);
  }

  /** Says what is new about the connection, once. */
  #noted({ note }: Connection): void {
    if (note === undefined || note === this.#note) return;
    this.#note = note;
    const { name } = this.#options;
    this.#deps.log.info({ handler: name }, `handler ${name}: ${note}`);
  }

  /** @returns why the peer may not have read everything, where that is to be known. */
  async #close(line: Line): Promise<Failure | undefined> {
    const { connection } = line;
    const attempt = new Attempt(line.aborter);
    const { clock } = this.#deps;
    const began = clock.monotonic();
    const finish = this.#options.confirm === true ? connection.finish : undefined;
    this.#pending = attempt;
    try {
      const what = finish === undefined ? 'closing' : 'reading everything';
      await attempt.within(clock, this.#options.timeout, what, () =>
        finish === undefined ? connection.close() : finish.call(connection),
      );
    } catch (error) {
      if (finish !== undefined) return this.#lost(line, error, began);
      if (!this.#halted) this.#complaints.cut(error);
    } finally {
      this.#pending = undefined;
      this.#giveUp(line, undefined);
    }
    return undefined;
  }

  #giveUp(line: Line, error: unknown): void {
    line.proof?.cancel();
    line.aborter.abort(error);
    if (this.#line === line) this.#line = undefined;
  }

  /**
   * The connection broke, and the trouble began no later than the write that failed: from there back
   * counts how long the connection had held, and what is sent again.
   */
  #lost(line: Line, error: unknown, began: number): Failure {
    this.#giveUp(line, error);
    this.#supply.broke(began);
    this.#unread ||= line.took && this.#options.confirm === true;
    return { error, held: this.#outage.held(line, began) };
  }

  /** Counts and reports a failure; seconds until the next attempt come back. */
  #failed({ error, held }: Failure): number {
    this.#books.failures += 1;
    const seconds = this.#outage.begin(held);
    if (!held) this.#pour();
    this.#complaints.disconnected(error, this.#supply.due, seconds, this.#backoff.most);
    return seconds;
  }

  async #pause(seconds: number): Promise<void> {
    const over = this.#deps.clock.after(seconds * 1000, () => this.#resume.ring());
    await this.#resume.heard();
    over.cancel();
  }
}

/** Why there is no connection any more, and whether it had proved itself before. */
interface Failure {
  readonly error: unknown;
  readonly held: boolean;
}
