/** How one collection ended. */
export type Outcome = 'ok' | 'partial' | 'no-data' | 'failed' | 'timed-out' | 'skipped';
/** How a collection may end. */
export const OUTCOMES: readonly Outcome[] = [
  'ok',
  'partial',
  'no-data',
  'failed',
  'timed-out',
  'skipped',
];

/**
 * Why a point never reached its peer.
 *
 * - `overflow`: the queue was full, and the oldest went first.
 * - `expired`: it waited for longer than `queue.age`, or `queue.spool.age` on disk.
 * - `spool-full`: the spool was full, and the oldest went first.
 * - `damaged`: it could not be read from the spool again.
 * - `held-back`: its name was new and waited its turn, with more points than there was room for.
 * - `unsendable`: the codec or the peer refused it for good.
 * - `shutdown`: still queued when the agent's time to stop was over.
 * - `reload`: its handler was removed or changed, and could not be drained in time.
 */
export const DROP_REASONS = [
  'overflow',
  'expired',
  'spool-full',
  'damaged',
  'held-back',
  'unsendable',
  'shutdown',
  'reload',
] as const;
/** One of {@link DROP_REASONS}. */
export type DropReason = (typeof DROP_REASONS)[number];

/** What has become of a collector since the agent started. */
export interface CollectorStatus {
  readonly name: string;
  /** Collections so far, by outcome. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Time spent collecting so far, on the monotonic clock. */
  readonly seconds: number;
  /** Series that live now. */
  readonly series: number;
  /** Observations left out because their series would have passed the cap on new series. */
  readonly refused: number;
}

/** One handler's books: observed = delivered + queued + spooled + dropped, at every moment. */
export interface HandlerStatus {
  /** The instance. */
  readonly name: string;
  /** The handler it is an instance of. */
  readonly type: string;
  /** Points routed to this handler, and those that an earlier run of the agent had left in its spool. */
  readonly observed: number;
  readonly delivered: number;
  /** Waiting in memory, or being written. */
  readonly queued: number;
  /** Waiting on disk. */
  readonly spooled: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Points sent once more after a broken connection; counted as delivered only once. */
  readonly resent: number;
  /** Failed connections and writes so far. */
  readonly failures: number;
  readonly connected: boolean;
  /** What its connection counts besides, if it is open and does. */
  readonly counts?: Readonly<Record<string, number>> | undefined;
}

/** What the agent knows of itself. */
export interface AgentStatus {
  readonly collectors: readonly CollectorStatus[];
  readonly handlers: readonly HandlerStatus[];
  readonly schedule: {
    readonly clockSteps: number;
    readonly suspends: number;
    readonly lateTicks: number;
  };
  /** Counters that went backwards. */
  readonly counterResets: number;
  /** How late the latest wake-up for a tick came, in seconds: for so long the event loop was held up. */
  readonly eventLoopLag: number;
  /** Resident memory in bytes. */
  readonly residentMemory: number;
  /** CPU time of the process so far, in seconds. */
  readonly cpu: { readonly user: number; readonly system: number };
  /** The last problem that was logged, if it still stands. */
  readonly problem: string | undefined;
}
