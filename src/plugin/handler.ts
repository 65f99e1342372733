import type { Clock } from '../clock/index.ts';
import type { Batch, Packed } from '../metric/index.ts';
import type { AgentStatus } from './status.ts';
import type * as z from './zod.ts';

/** What can be sent of a counter: the total as it stands, its rate per second, or its growth since the tick before. */
export const COUNTERS = ['raw', 'rates', 'deltas'] as const;
/** One of {@link COUNTERS}. */
export type Counters = (typeof COUNTERS)[number];

/** One connection to a peer. */
export interface Connection {
  /**
   * Resolves when the peer (or, where it does not acknowledge, the kernel) has taken the batch.
   * Rejects when the connection cannot be used any more; the agent then opens another.
   * Rejects with {@link Unsendable} when this batch can never be sent, and with {@link Unsettled} when
   * the peer has taken it but for some points, which are then sent again; the connection lives on.
   *
   * @param signal the connection's own, for all its writes: aborted when it is given up, as it is at
   *   a write's deadline.
   */
  write(batch: Batch, signal: AbortSignal): Promise<void>;
  /**
   * The same of points in columns, for a format that is sooner made of these. It is called instead of {@link write},
   * where the handler is in the agent itself; a plugin of your own, in a thread, has objects. Since 1.1.
   */
  writePacked?(points: Packed, signal: AbortSignal): Promise<void>;
  /** Hands over what is buffered and ends. */
  close(): Promise<void> | void;
  /**
   * Ends it instead of {@link close}, for whoever has written all and has to know that it was read, where a
   * peer that never acknowledges shows that by ending its own side. Rejects if it broke the connection off.
   */
  readonly finish?: (() => Promise<void>) | undefined;
  /** Settles when the connection ended between two writes, so that the agent need not find out by losing one. */
  readonly ended?: Promise<unknown>;
  /** What a person should know of this connection, such as which of several peers it is to; logged when it changes. */
  readonly note?: string | undefined;
  /** Why a write that is under way waits, if the peer has said so: it is said at the write's deadline. */
  readonly stalled?: string | undefined;
  /** What it counts besides points, by name: totals that only grow, such as packets it could not read. The agent exports them. */
  readonly counts?: Readonly<Record<string, number>> | undefined;
}

/** What a handler is given to open a connection with. */
export interface OpenContext<O extends z.ZodType = z.ZodType> {
  readonly options: z.output<O>;
  /** Aborted at the deadline for connecting, and when the connection is given up. */
  readonly signal: AbortSignal;
  /** The agent itself, for handlers that show its health. */
  readonly agent: AgentStatus;
  /** The name of the host the agent runs on. */
  readonly host: string;
  readonly clock: Clock;
  /** Seconds between two points of a series, as far as it can be told: collectors may have their own. */
  readonly interval: number;
  /** The dialect its points are named in, for a format that an audience frames in its own way. */
  readonly dialect?: string | undefined;
}

/** One of several peers among which one handler divides its points: each has its own queue and books. */
export interface Peer<O extends z.ZodType = z.ZodType> {
  /** Tells it from its siblings; the agent calls it `graphite[name]`. */
  readonly name: string;
  /** What {@link Handler.open} is given for it. */
  readonly options: z.output<O>;
  /** Whether a series of this path is sent to it; asked once per series. Absent, it takes them all. */
  readonly accepts?: (path: string) => boolean;
}

/** A plugin that sends away. It knows one connection: no queue, no retry, no naming. */
export interface Handler<O extends z.ZodType = z.ZodType> {
  /** The version of `cullinan/plugin` that it was written for: `'1.0'`; see `API`. Any, where absent. */
  readonly api?: string;
  /** The `type` in the configuration: letters, digits, `_` and `-`, 64 at most. */
  readonly name: string;
  /** One sentence: where it sends. */
  readonly summary: string;
  readonly options: O;
  /** The dialect it speaks unless it is told otherwise. */
  readonly dialect: 'otel' | 'diamond' | 'collectd' | 'prometheus' | 'ganglia' | 'ceilometer';
  /** What it wants of a counter that its dialect leaves open. */
  readonly counters: Counters;
  /** Whether sending a point twice is the same as sending it once. Then the agent resends after a broken connection. */
  readonly idempotent: boolean;
  /** Whether a resolved write means that the peer has it, rather than the kernel. */
  readonly acknowledged: boolean;
  /** Whether it also wants the early second reading that lets a person see rates right after the start. */
  readonly previews?: boolean;
  /** The peers that one configured handler stands for, at least one. Absent, it is one peer. */
  peers?(options: z.output<O>): readonly Peer<O>[];
  /** How many new names its peer takes per minute: more of them wait their turn. Absent, or undefined: any number. */
  newNamesPerMinute?(options: z.output<O>): number | undefined;
  open(context: OpenContext<O>): Promise<Connection>;
}

/** Declares a handler, which it gives back: for its types. */
export const defineHandler = <O extends z.ZodType>(handler: Handler<O>): Handler<O> => handler;
