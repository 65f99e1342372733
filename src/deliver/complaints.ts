import type { Clock } from '../clock/index.ts';
import type { Report } from '../log/index.ts';
import { Foreseen, type Unsendable } from '../plugin/index.ts';
import type { DeliveryOptions } from './contract.ts';

/** Milliseconds without a refused batch after which refusals are said to be over. */
const REFUSALS_OVER = 600_000;
/** Milliseconds without a batch of which a part was not taken, after which that is said to be over. */
const UNSETTLED_OVER = 60_000;

/** What one handler's delivery tells people: which problem stands, and when it is over. */
export class Complaints {
  readonly #options: DeliveryOptions;
  readonly #clock: Clock;
  readonly #report: Pick<Report, 'problem' | 'recovered'>;
  readonly #where: string;
  #full = false;
  #unspooled = false;
  #refusedAt: number | undefined;
  #unsettledAt: number | undefined;

  constructor(
    options: DeliveryOptions,
    clock: Clock,
    report: Pick<Report, 'problem' | 'recovered'>,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#report = report;
    this.#where = `handler ${options.name}`;
  }

  /**
   * No connection, or one that broke.
   *
   * @param seconds until the next attempt.
   */
  disconnected(error: unknown, queued: number, seconds: number, most: number): void {
    const when = seconds === 0 ? 'now' : `in ${seconds.toFixed(1)} s`;
    this.#report.problem(this.#where, {
      where: this.#where,
      error: error instanceof Error ? error : new Foreseen('the peer ended the connection'),
      effect:
        `${queued} points wait; from ${this.#options.queue.samples} on the oldest are dropped. ` +
        `Next attempt ${when}, then at growing intervals of up to ${most} s.`,
      // What the handler itself foresaw says what to do; of the network's errors nobody did.
      remedy:
        error instanceof Foreseen
          ? undefined
          : 'Check that the peer runs, listens there and can be reached from this host.',
    });
  }

  connected(): void {
    this.#report.recovered(this.#where);
  }

  overflowed(): void {
    this.#full = true;
    const { samples, bytes } = this.#options.queue;
    this.#report.problem(`${this.#where} queue`, {
      where: `queue of ${this.#where}`,
      error: new Foreseen(`it is full (at most ${samples} points, ${bytes} bytes)`),
      effect: 'The oldest points are dropped, and counted as overflow.',
      remedy: `Help the peer to keep up, or raise handlers.${configured(this.#options.name)}.queue.`,
    });
  }

  caughtUp(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#report.recovered(`${this.#where} queue`);
  }

  /** Points waited in memory for longer than they are worth. */
  expired(points: number): void {
    this.#report.problem(`${this.#where} expired`, {
      where: `queue of ${this.#where}`,
      error: new Foreseen(`its oldest points waited for more than ${this.#options.queue.age} s`),
      effect: `${points} points were dropped, and counted as expired.`,
    });
  }

  /** What should have been put on disk could not. */
  unspooled(error: unknown, queued: number): void {
    this.#unspooled = true;
    this.#report.problem(`${this.#where} spool`, {
      where: `spool of ${this.#where}`,
      error: error instanceof Foreseen ? error : new Foreseen(messageOf(error)),
      effect: `${queued} points wait in memory only, and would be lost with the agent. It tries again.`,
      remedy: `Give handlers.${configured(this.#options.name)}.queue.spool a folder that the agent may write to, with room for it.`,
    });
  }

  /** The disk takes what it should. */
  spooling(): void {
    if (!this.#unspooled) return;
    this.#unspooled = false;
    this.#report.recovered(`${this.#where} spool`);
  }

  /** What was on disk is lost. */
  lost(why: 'spool-full' | 'expired' | 'damaged', points: number): void {
    this.#report.problem(`${this.#where} ${why}`, {
      where: `spool of ${this.#where}`,
      error: new Foreseen(LOST[why]),
      effect:
        points === 0
          ? 'It cannot be told how many points were in it.'
          : `${points} points were dropped, and counted as ${why}.`,
    });
  }

  refused(error: Unsendable, points: number): void {
    this.#refusedAt = this.#clock.monotonic();
    this.#report.problem(`${this.#where} unsendable`, {
      where: this.#where,
      error,
      effect: `${points} points were dropped, and counted as unsendable.`,
    });
  }

  /**
   * The peer would not take all of a batch yet.
   *
   * @param seconds until the next attempt.
   */
  unsettled(error: Foreseen, aside: number, seconds: number): void {
    this.#unsettledAt = this.#clock.monotonic();
    this.#report.problem(`${this.#where} unsettled`, {
      where: this.#where,
      error,
      effect:
        `${aside} points wait; what it takes is delivered. ` +
        `Next attempt with them in ${seconds.toFixed(1)} s.`,
    });
  }

  /** Nothing waits that the peer would not take. */
  settled(now: number): void {
    if (this.#unsettledAt === undefined || now - this.#unsettledAt < UNSETTLED_OVER) return;
    this.#unsettledAt = undefined;
    this.#report.recovered(`${this.#where} unsettled`);
  }

  /** A batch was taken. One bad series must not say "recovered" between every two ticks. */
  taken(now: number): void {
    if (this.#refusedAt === undefined || now - this.#refusedAt < REFUSALS_OVER) return;
    this.#refusedAt = undefined;
    this.#report.recovered(`${this.#where} unsendable`);
  }

  cut(error: unknown): void {
    this.#report.problem(`${this.#where} close`, {
      where: this.#where,
      error,
      effect: 'The connection was cut; the last points may not have arrived.',
    });
  }
}

const LOST = {
  'spool-full': 'it is full, so its oldest points make room',
  expired: 'its oldest points are older than it may keep them',
  damaged: 'a part of it cannot be read',
} as const;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The key in the configuration: one handler may have several peers, `graphite[a:2003]` and so on. */
const configured = (instance: string): string => instance.replace(/\[.*$/, '');
