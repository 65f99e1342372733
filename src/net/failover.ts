import {
  type Batch,
  type Connection,
  duration,
  Foreseen,
  Unresponsive,
  z,
} from '../plugin/index.ts';

/** One of several peers that can stand in for each other. */
export interface Candidate {
  /** How it is called in messages. */
  readonly name: string;
  open(signal: AbortSignal): Promise<Connection>;
}

/** The options of a handler that knows {@link failover}. */
export const failoverOptions = () =>
  z
    .strictObject({
      patience: duration()
        .prefault('3s')
        .describe('Time a host has to answer before the next is tried.'),
      retry: duration()
        .prefault('30s')
        .describe('Time between two looks at whether an earlier host is well again.'),
    })
    .prefault({});

export interface FailoverOptions {
  /** Seconds that a candidate has to answer, except the last, which has all the time that is left. */
  readonly patience: number;
  /** Seconds between two looks at whether a candidate before the one in use is well again. */
  readonly retry: number;
}

/** A candidate that answers, and then lets nobody write. */
interface Stall {
  readonly error: Error;
  /** How often in a row. */
  readonly times: number;
  /** Until when it counts as not well, in milliseconds. */
  readonly until: number;
}

/**
 * Which candidates stall, by rank. It outlives connections, because that is not seen when one is opened;
 * options are as good as the handler that has them.
 */
const stalls = new WeakMap<FailoverOptions, Map<number, Stall>>();

const stallsOf = (options: FailoverOptions): Map<number, Stall> => {
  const known = stalls.get(options) ?? new Map<number, Stall>();
  stalls.set(options, known);
  return known;
};

/** How often the time doubles for which one that stalls again and again counts as not well. */
const MOST_DOUBLINGS = 5;

/** A connection that is open, to the candidate of this rank. */
interface Held {
  readonly rank: number;
  readonly connection: Connection;
  /** Aborting it gives the connection up. */
  readonly aborter: AbortController;
  over: boolean;
}

/**
 * One connection to the first of several candidates that answers. While that is not the first of
 * all, those before it are tried again from time to time, in the background of a write; the write
 * after one has answered goes to it, and the connection before is ended in order. Of one alone it is its own.
 *
 * One whose connection was given up while it let nobody write ({@link Connection.stalled}) counts as not
 * well for the time between two looks, and twice as long each time that happens again: only a write can
 * tell. It is tried all the same where no other answers.
 */
export async function failover(
  candidates: readonly Candidate[],
  options: FailoverOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return await only.open(signal);
  const known = stallsOf(options);
  const ranks = [...candidates.keys()];
  const stalled = ranks.filter((rank) => isStalled(known, rank));
  const failures = stalled.flatMap((rank) => known.get(rank)?.error ?? []);
  const order = [...ranks.filter((rank) => !stalled.includes(rank)), ...stalled];
  for (const [i, rank] of order.entries()) {
    const last = i === order.length - 1;
    try {
      const candidate = candidates[rank] as Candidate;
      const held = await attempt(candidate, rank, last ? undefined : options.patience, signal);
      return new Failover(candidates, options, signal, held, failures[0]);
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  throw new Foreseen(
    `no host answers: ${failures.map(({ message }) => message).join('; ')}. ` +
      'Check that one of them runs, listens there and can be reached from this host.',
    { cause: failures[0] },
  );
}

const isStalled = (known: ReadonlyMap<number, Stall>, rank: number): boolean =>
  performance.now() < (known.get(rank)?.until ?? 0);

/** @param patience seconds; `undefined` waits for as long as `signal` allows. */
async function attempt(
  { name, open }: Candidate,
  rank: number,
  patience: number | undefined,
  signal: AbortSignal,
): Promise<Held> {
  signal.throwIfAborted();
  const aborter = new AbortController();
  const abort = () => aborter.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true, signal: aborter.signal });
  const late = new Unresponsive(`${name}: no answer for ${patience} s`);
  const timer =
    patience === undefined ? undefined : setTimeout(() => aborter.abort(late), patience * 1000);
  try {
    const connection = await open(aborter.signal);
    aborter.signal.throwIfAborted();
    return { rank, connection, aborter, over: false };
  } catch (error) {
    const reason: unknown = aborter.signal.aborted ? aborter.signal.reason : error;
    aborter.abort(reason);
    throw reason;
  } finally {
    clearTimeout(timer);
  }
}

class Failover implements Connection {
  readonly #candidates: readonly Candidate[];
  readonly #options: FailoverOptions;
  readonly #signal: AbortSignal;
  /** Why the one in use is not the first. */
  readonly #reason: Error | undefined;
  readonly ended: Promise<unknown>;
  #end: (reason: unknown) => void = () => {};
  #used: Held;
  /** Open and idle, until the next write goes to it. */
  #better: Held | undefined;
  #looking = false;
  #looked = performance.now();
  #closed = false;

  constructor(
    candidates: readonly Candidate[],
    options: FailoverOptions,
    signal: AbortSignal,
    used: Held,
    reason: Error | undefined,
  ) {
    this.#candidates = candidates;
    this.#options = options;
    this.#signal = signal;
    this.#reason = reason;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#used = used;
    this.#watch(used);
    // However it is given up: because a write has failed, or at its deadline.
    signal.addEventListener('abort', () => this.#blame(), { once: true });
  }

  /** Remembers it if the one in use lets nobody write. */
  #blame(): void {
    const { rank, connection } = this.#used;
    const { stalled } = connection;
    if (stalled === undefined) return;
    const known = stallsOf(this.#options);
    const times = (known.get(rank)?.times ?? 0) + 1;
    const away = this.#options.retry * 2 ** Math.min(times - 1, MOST_DOUBLINGS);
    const error = new Foreseen(`${this.#candidates[rank]?.name}: ${stalled}`);
    known.set(rank, { error, times, until: performance.now() + away * 1000 });
  }

  get note(): string {
    const { rank, connection } = this.#used;
    const why = rank === 0 || this.#reason === undefined ? '' : `, because ${this.#reason.message}`;
    const more = connection.note === undefined ? '' : `; ${connection.note}`;
    return `delivers to ${this.#candidates[rank]?.name}${why}${more}`;
  }

  get counts(): Connection['counts'] {
    return this.#used.connection.counts;
  }

  get stalled(): string | undefined {
    return this.#used.connection.stalled;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    if (this.#better !== undefined) this.#change(this.#better);
    if (this.#used.rank > 0) void this.#look();
    const { rank, connection } = this.#used;
    await connection.write(batch, signal);
    stallsOf(this.#options).delete(rank);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#better?.aborter.abort();
    await this.#used.connection.close();
  }

  async finish(): Promise<void> {
    const { connection } = this.#used;
    if (connection.finish === undefined) return await this.close();
    this.#closed = true;
    this.#better?.aborter.abort();
    await connection.finish();
  }

  #watch(held: Held): void {
    const over = (reason: unknown) => {
      held.over = true;
      if (held === this.#used) this.#end(reason);
      if (held === this.#better) this.#better = undefined;
    };
    held.connection.ended?.then(over, over);
  }

  #change(better: Held): void {
    const { connection, aborter } = this.#used;
    this.#used = better;
    this.#better = undefined;
    // What the kernel has of the old one is still delivered; how it ends is of no interest.
    const gone = () => aborter.abort();
    new Promise<void>((closed) => closed(connection.close())).then(gone, gone);
  }

  async #look(): Promise<void> {
    const now = performance.now();
    if (this.#looking || now - this.#looked < this.#options.retry * 1000) return;
    this.#looking = true;
    for (const [rank, candidate] of this.#candidates.entries()) {
      if (rank >= this.#used.rank || this.#closed) break;
      if (isStalled(stallsOf(this.#options), rank)) continue;
      try {
        const held = await attempt(candidate, rank, this.#options.patience, this.#signal);
        if (this.#closed) return held.aborter.abort();
        this.#better = held;
        this.#watch(held);
        break;
      } catch {
        // Still not well: the reason was said when the one in use was chosen.
      }
    }
    this.#looked = performance.now();
    this.#looking = false;
  }
}
