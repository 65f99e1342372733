import type { Metric, Observation } from '../metric/index.ts';
import type { Host } from './host.ts';
import type { AgentStatus } from './status.ts';
import type * as z from './zod.ts';

/**
 * What one collection yields. An `Error` in place of an observation says that one device, mount or
 * guest could not be observed: it is counted and reported once, and its siblings are kept. A
 * collector that cannot observe anything throws.
 *
 * A collector that asks once and then knows everything promises a plain iterable: one that is
 * asynchronous itself costs a turn for each observation.
 */
export type Collected =
  | Iterable<Observation | Error>
  | AsyncIterable<Observation | Error>
  | Promise<Iterable<Observation | Error>>;

/** How much each of some numbers grew since the collection before. */
export type Growths<K extends PropertyKey> = { readonly [key in K]: number } & {
  /** Measured on the monotonic clock. */
  readonly seconds: number;
};

/** What a collector is given at each tick. */
export interface CollectContext<O extends z.ZodType = z.ZodType> {
  readonly host: Host;
  readonly options: z.output<O>;
  /** The tick's, in seconds since the Unix epoch: what observations are stamped with. */
  readonly time: number;
  /** Aborted at the collection's deadline. */
  readonly signal: AbortSignal;
  /**
   * Remembers a row under a key until the next collection, and says how much each of its `counters`
   * has grown since the collection before; a number that is absent grew by 0. `undefined` the first
   * time, after a collection in which the key was missing, and when any of them went backwards.
   */
  since<K extends string>(
    key: string,
    row: Readonly<Partial<Record<K, number | undefined>>>,
    counters: readonly K[],
  ): Growths<K> | undefined;
  /** The agent itself, for the collector that reports on it. */
  readonly agent: AgentStatus;
  /** What the agent's host is called, for programs that are told so. Absent where a plugin runs apart. */
  readonly hostname?: string | undefined;
  /** Seconds from one tick to the next. Absent likewise. */
  readonly interval?: number | undefined;
}

/** A collector that keeps something between ticks: a tail, a connection, a listener. */
export interface Session<O extends z.ZodType = z.ZodType> {
  collect(context: CollectContext<O>): Collected;
  /**
   * Everything that its first so many collections observed is out of the agent's memory: delivered, on
   * disk in a spool, or dropped and counted; not what was dropped because the agent ended. A tail
   * commits its offset then. It may come once more after `close`.
   */
  settled?(collections: number): void;
  close(): Promise<void> | void;
}

interface Declared<O extends z.ZodType> {
  /** The version of `cullinan/plugin` that it was written for: `'1.0'`; see `API`. Any, where absent. */
  readonly api?: string;
  /** The key in the configuration: letters, digits, `_` and `-`, 64 at most. */
  readonly name: string;
  /** One sentence: what it observes. */
  readonly summary: string;
  readonly options: O;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** What it observes besides, where that is a matter of its options: each metric the same object always. */
  moreMetrics?(options: z.output<O>): readonly Metric[];
  /**
   * Observes what others call as they like: each metric the same object as long as it is observed. Its
   * readings may be older than the tick, and a tick may pass without one.
   */
  readonly foreign?: boolean;
  /** Whether it runs without being configured; yes unless said. */
  readonly enabled?: boolean;
  /** The files it reads and what it asks for: `reads` in the reference. */
  readonly source: string;
}

/** A plugin that observes. It knows no time, no host name and no handler; it never logs or retries. */
export type Collector<O extends z.ZodType = z.ZodType> = Declared<O> &
  (
    | { collect(context: CollectContext<O>): Collected; open?: undefined }
    | { open(): Session<O> | Promise<Session<O>>; collect?: undefined }
  );

/** Declares a collector, which it gives back: for its types. */
export const defineCollector = <O extends z.ZodType>(collector: Collector<O>): Collector<O> =>
  collector;
