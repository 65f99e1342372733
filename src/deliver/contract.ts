import type { Clock } from '../clock/index.ts';
import type { Columns } from '../columns/index.ts';
import type { Log, Report } from '../log/index.ts';
import type { Batch } from '../metric/index.ts';
import type {
  AgentStatus,
  Connection,
  DropReason,
  Handler,
  HandlerStatus,
} from '../plugin/index.ts';
import type { Limits } from './backlog.ts';
import type { Backoff } from './wait.ts';

/** A queue's continuation on disk. */
export interface SpoolOptions {
  /** The folder, which is this delivery's alone. */
  readonly path: string;
  /** Bytes on disk, at most. */
  readonly size: number;
  /** Seconds after which what is stored is not worth sending any more. */
  readonly age?: number | undefined;
}

export interface DeliveryOptions {
  /** The handler instance, as it is called in the configuration. */
  readonly name: string;
  readonly handler: Handler;
  /** The handler's own options, parsed. */
  readonly options: unknown;
  /** The name of the dialect that its points are named in. */
  readonly dialect?: string | undefined;
  /** The most that is held in memory, what may have to be sent again included. */
  readonly queue: Limits & {
    /** Seconds after which what waits is not worth sending any more. */
    readonly age?: number | undefined;
  };
  /** Where what waits goes while the peer is away, and when the agent ends; without it, it is lost then. */
  readonly spool?: SpoolOptions | undefined;
  /** Seconds that a batch which is not full may wait at a flush; 0 or absent, none does. */
  readonly linger?: number | undefined;
  /** Points per write, at most. */
  readonly batch: number;
  /** Seconds between two points of a series, for a format that says so. */
  readonly interval: number;
  /** Seconds for connecting, and for each write. */
  readonly timeout: number;
  /** Seconds between attempts: a random time from `least` to a ceiling that doubles up to `most`. */
  readonly backoff?: Backoff;
  /**
   * Points delivered within so many seconds before a connection broke are sent again; only if the
   * handler is idempotent. It should cover what the peer's kernel and the peer itself hold in
   * memory: Carbon writes to disk a second or more after it has read a point.
   */
  readonly resend: number;
  /**
   * Whoever delivers has to know whether the peer has read everything, where that can be found out: by
   * {@link Connection.finish} at the end. A connection that breaks after it has taken something ends it all.
   */
  readonly confirm?: boolean | undefined;
}

export interface DeliveryDeps {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly agent: AgentStatus;
  /** The name of the host the agent runs on. */
  readonly host: string;
  readonly report: Pick<Report, 'problem' | 'recovered'>;
  /** For what is no problem: how far new names are introduced, which of several peers is in use. */
  readonly log: Pick<Log, 'info'>;
}

/** What was not delivered in time, and is not on disk either. */
export interface Left {
  readonly left: number;
  /** With {@link DeliveryOptions.confirm}: what was delivered may not have been read. */
  readonly unread?: boolean;
}

/** One handler instance at work: its queue, its connection, its books. */
export interface Delivery {
  /** Queues points; never waits, never throws. What the bound pushes out is dropped as `overflow`. */
  offer(points: Columns | Batch): void;
  /** Says that a tick's points are complete: everything queued is written as soon as possible. */
  flush(): void;
  /** Points offered so far. */
  readonly observed: number;
  /**
   * Of these, how many of the first are out of memory: delivered, on disk, or dropped and counted. What
   * was dropped because the end came is not among them: whoever can observe it again should.
   */
  readonly settled: number;
  /** The books as they stand. */
  status(): HandlerStatus;
  /**
   * Waits until everything queued is delivered or `ms` milliseconds are over. Delivery goes on.
   *
   * @returns how many points are still queued.
   */
  drain(ms: number): Promise<Left>;
  /**
   * Delivers what is queued, as far as it can within `ms` milliseconds, and closes the connection.
   * What is left then goes to the spool; without one it is dropped for that reason, as is whatever is
   * still offered.
   */
  stop(reason: Extract<DropReason, 'shutdown' | 'reload'>, ms: number): Promise<Left>;
}
