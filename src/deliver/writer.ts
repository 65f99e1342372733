import type { Timer } from '../clock/index.ts';
import type { Point } from '../metric/index.ts';
import {
  type Connection,
  type DropReason,
  type HandlerStatus,
  Unsendable,
} from '../plugin/index.ts';
import { Backlog, type Taken } from './backlog.ts';
import { Complaints } from './complaints.ts';
import type { Delivery, DeliveryDeps, DeliveryOptions, Left } from './contract.ts';
import { Introductions } from './introductions.ts';
import { Attempt, Bell, backoff } from './wait.ts';

const BACKOFF = { least: 1, most: 60 };

/** One connection, from the attempt to open it until it is given up. */
interface Line {
  readonly connection: Connection;
  /** Aborting it gives the connection up. */
  readonly aborter: AbortController;
  /** Milliseconds on the monotonic clock. */
  readonly opened: number;
  /** Why it ended while nothing was being written. */
  ended: { readonly error: unknown } | undefined;
  /** Whether it has taken a batch. */
  took: boolean;
  /** Set while the connection has yet to prove that an earlier problem is over. */
  proof: Timer | undefined;
}

/** A handler instance's delivery: one loop that connects, writes, fails, pauses and connects again. */
export class Writer implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #deps: DeliveryDeps;
  readonly #backoff: { readonly least: number; readonly most: number };
  readonly #complaints: Complaints;
  readonly #backlog: Backlog;
  /** Where new names wait their turn; `undefined` where the peer takes any number. */
  readonly #introductions: Introductions | undefined;
  readonly #keep: number;

  #observed = 0;
  #delivered = 0;
  #resent = 0;
  #failures = 0;
  readonly #dropped: Record<DropReason, number> = {
    overflow: 0,
    'held-back': 0,
    unsendable: 0,
    shutdown: 0,
    reload: 0,
  };

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
  #due = false;
  #failuresInRow = 0;
  #problem = false;
  #stopping: 'shutdown' | 'reload' | undefined;
  #halted = false;
  #note: string | undefined;

  constructor(options: DeliveryOptions, deps: DeliveryDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#backoff = options.backoff ?? BACKOFF;
    this.#complaints = new Complaints(options, deps.clock, deps.report);
    this.#keep = options.handler.idempotent ? options.resend * 1000 : 0;
    const { name, handler, queue } = options;
    const perMinute = handler.newNamesPerMinute?.(options.options);
    // Both together hold no more than the queue may.
    const half = { samples: Math.ceil(queue.samples / 2), bytes: queue.bytes / 2 };
    const { clock, log } = deps;
    this.#introductions =
      perMinute === undefined
        ? undefined
        : new Introductions({ name, perMinute, limits: half, clock, log });
    this.#backlog = new Backlog(perMinute === undefined ? queue : half, () => {
      this.#dropped.overflow += 1;
    });
  }

  offer(points: readonly Point[]): void {
    this.#observed += points.length;
    if (this.#halted) {
      this.#dropped[this.#stopping ?? 'shutdown'] += points.length;
      return;
    }
    const before = this.#dropped.overflow;
    this.#backlog.add(this.#introductions?.sift(points) ?? points);
    if (this.#dropped.overflow > before) this.#complaints.overflowed();
  }

  flush(): void {
    if (this.#halted || !this.#backlog.ready) return;
    this.#due = true;
    this.#work.ring();
    this.#running ??= this.#run();
  }

  status(): HandlerStatus {
    return {
      name: this.#options.name,
      type: this.#options.handler.name,
      observed: this.#observed,
      delivered: this.#delivered,
      queued: this.#backlog.queued + this.#held,
      dropped: { ...this.#dropped, 'held-back': this.#introductions?.dropped ?? 0 },
      resent: this.#resent,
      failures: this.#failures,
      connected: this.#line !== undefined && this.#line.ended === undefined,
    };
  }

  async drain(ms: number): Promise<Left> {
    let late = false;
    const deadline = this.#deps.clock.after(ms, () => {
      late = true;
      this.#quiet.ring();
    });
    this.flush();
    this.#resume.ring();
    while (this.#backlog.queued > 0 && !late && !this.#halted) await this.#quiet.heard();
    deadline.cancel();
    return { left: this.#backlog.queued + this.#held };
  }

  async stop(reason: 'shutdown' | 'reload', ms: number): Promise<Left> {
    this.#stopping ??= reason;
    const deadline = this.#deps.clock.after(ms, () => this.#halt());
    this.flush();
    this.#work.ring();
    this.#resume.ring();
    await this.#running;
    deadline.cancel();
    this.#halt();
    const left = this.#backlog.clear() + (this.#introductions?.clear() ?? 0);
    this.#dropped[this.#stopping] += left;
    return { left };
  }

  /** Points of names that wait to be introduced. */
  get #held(): number {
    return this.#introductions?.waiting ?? 0;
  }

  #halt(): void {
    this.#halted = true;
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
    return this.#halted || (this.#stopping !== undefined && !this.#backlog.ready);
  }

  async #run(): Promise<void> {
    while (!this.#finished) {
      const failed = (await this.#connect()) ?? (await this.#serve());
      if (failed === undefined || this.#finished) continue;
      const seconds = this.#failed(failed);
      if (seconds > 0) await this.#pause(seconds);
      // A peer that closes idle connections is called again when there is something to send.
      else if (this.#backlog.queued === 0 && this.#stopping === undefined) await this.#work.heard();
    }
  }

  /** Opens a connection; tells why it could not. */
  async #connect(): Promise<Failure | undefined> {
    const { clock, agent, host } = this.#deps;
    const { handler, options, dialect, timeout } = this.#options;
    const aborter = new AbortController();
    const attempt = new Attempt(aborter);
    this.#pending = attempt;
    const { signal } = aborter;
    try {
      const connection = await attempt.within(clock, timeout, 'connecting', async () => {
        const opened = await handler.open({ options, signal, agent, host, clock, dialect });
        // Nobody waits any more for a connection that comes too late.
        if (signal.aborted) abandon(opened);
        return opened;
      });
      signal.throwIfAborted();
      const line: Line = {
        connection,
        aborter,
        opened: clock.monotonic(),
        ended: undefined,
        took: false,
        proof: undefined,
      };
      const ended = (reason: unknown) => {
        line.ended = { error: reason };
        this.#work.ring();
      };
      connection.ended?.then(ended, ended);
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
      const taken = this.#due ? this.#backlog.take(this.#options.batch) : undefined;
      if (taken !== undefined) {
        const began = clock.monotonic();
        const error = await this.#write(line, taken);
        if (error !== undefined) return this.#lost(line, error, began);
        continue;
      }
      this.#due = false;
      this.#complaints.caughtUp();
      this.#quiet.ring();
      if (this.#stopping !== undefined) await this.#close(line);
      else await this.#work.heard();
    }
    return undefined;
  }

  /** Writes one batch and books it; tells the error if the connection cannot be used any more. */
  async #write(line: Line, taken: Taken): Promise<unknown> {
    const { clock } = this.#deps;
    const { points, again } = taken;
    const { connection, aborter } = line;
    const attempt = new Attempt(aborter);
    this.#pending = attempt;
    try {
      await attempt.within(clock, this.#options.timeout, `writing ${points.length} points`, () =>
        connection.write(points, aborter.signal),
      );
    } catch (error) {
      if (!(error instanceof Unsendable) || aborter.signal.aborted) {
        this.#backlog.failed();
        return error ?? new Error('the write failed without saying why');
      }
      this.#backlog.refuse();
      if (!again) this.#dropped.unsendable += points.length;
      this.#complaints.refused(error, points.length);
      return undefined;
    } finally {
      this.#pending = undefined;
    }
    const now = clock.monotonic();
    if (again) this.#resent += points.length;
    else this.#delivered += points.length;
    this.#backlog.sent(now, this.#keep);
    line.took = true;
    this.#noted(line.connection);
    this.#complaints.taken(now);
    this.#prove(line, now);
    return undefined;
  }

  /** Says what is new about the connection, once. */
  #noted({ note }: Connection): void {
    if (note === undefined || note === this.#note) return;
    this.#note = note;
    const { name } = this.#options;
    this.#deps.log.info({ handler: name }, `handler ${name}: ${note}`);
  }

  async #close(line: Line): Promise<void> {
    const attempt = new Attempt(line.aborter);
    this.#pending = attempt;
    try {
      await attempt.within(this.#deps.clock, this.#options.timeout, 'closing', () =>
        line.connection.close(),
      );
    } catch (error) {
      if (!this.#halted) this.#complaints.cut(error);
    } finally {
      this.#pending = undefined;
      this.#giveUp(line, undefined);
    }
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
    this.#backlog.broke(began - this.#keep, this.#deps.clock.monotonic());
    return { error, held: line.took && began - line.opened >= this.#backoff.least * 1000 };
  }

  /** Counts and reports a failure; seconds until the next attempt come back. */
  #failed({ error, held }: Failure): number {
    this.#failures += 1;
    this.#failuresInRow = held ? 0 : this.#failuresInRow + 1;
    const seconds = held ? 0 : backoff(this.#backoff, this.#failuresInRow, this.#deps.random());
    this.#problem = true;
    this.#complaints.disconnected(error, this.#backlog.queued, seconds, this.#backoff.most);
    return seconds;
  }

  async #pause(seconds: number): Promise<void> {
    const over = this.#deps.clock.after(seconds * 1000, () => this.#resume.ring());
    await this.#resume.heard();
    over.cancel();
  }

  /** A problem is over when a connection has taken a batch, has not died young and is not stuck. */
  #prove(line: Line, now: number): void {
    if (!this.#problem || line.proof !== undefined) return;
    const young = this.#backoff.least * 1000 - (now - line.opened);
    if (young <= 0) this.#proven();
    else
      line.proof = this.#deps.clock.after(young, () => {
        line.proof = undefined;
        const stuck = this.#pending !== undefined;
        if (this.#line === line && line.ended === undefined && !stuck) this.#proven();
      });
  }

  #proven(): void {
    this.#problem = false;
    this.#failuresInRow = 0;
    this.#complaints.connected();
  }
}

/** Why there is no connection any more, and whether it had proved itself before. */
interface Failure {
  readonly error: unknown;
  readonly held: boolean;
}

function abandon(connection: Connection): void {
  new Promise<void>((closed) => closed(connection.close())).catch(() => {
    // It was given up already; how it ends is of no interest.
  });
}
