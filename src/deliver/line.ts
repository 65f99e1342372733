import type { Timer } from '../clock/index.ts';
import type { Connection } from '../plugin/index.ts';
import type { DeliveryDeps, DeliveryOptions } from './contract.ts';
import type { Attempt } from './wait.ts';

/** One connection, from the attempt to open it until it is given up. */
export interface Line {
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

/**
 * Opens a connection within the deadline.
 *
 * @param by what gives it up: the attempt, with the aborter it was made with.
 */
export async function openLine(
  { handler, options, dialect, interval, timeout }: DeliveryOptions,
  { clock, agent, host }: DeliveryDeps,
  { attempt, aborter }: { readonly attempt: Attempt; readonly aborter: AbortController },
): Promise<Line> {
  const { signal } = aborter;
  const connection = await attempt.within(clock, timeout, 'connecting', async () => {
    const known = { agent, host, clock, dialect, interval };
    const opened = await handler.open({ options, signal, ...known });
    // Nobody waits any more for a connection that comes too late.
    if (signal.aborted) abandon(opened);
    return opened;
  });
  signal.throwIfAborted();
  const opened = clock.monotonic();
  return { connection, aborter, opened, ended: undefined, took: false, proof: undefined };
}

function abandon(connection: Connection): void {
  new Promise<void>((closed) => closed(connection.close())).catch(() => {
    // It was given up already; how it ends is of no interest.
  });
}
