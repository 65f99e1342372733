import { expect, vi } from 'vitest';
import { imbalance } from '../support/delivery.ts';
import type { Observations, RunningAgent } from '../support/running.ts';
import type { FaultPeer, Points } from './subject.ts';

/** The archive rounds as the dialect says, to whole numbers at most; a wire that keeps all digits does not. */
const ROUNDING = 0.5;

/**
 * The points that have not arrived. An agent that is started again within a second observes that tick
 * twice; then either will do.
 */
function missing(observed: Observations, received: Points): Observations {
  const gone = new Map<string, ReadonlyMap<number, ReadonlySet<number>>>();
  for (const [path, points] of observed) {
    const there = received.get(path);
    const rest = [...points].filter(([time, values]) => {
      const arrived = there?.get(time) ?? Number.NaN;
      return ![...values].some((value) => Math.abs(arrived - value) <= ROUNDING);
    });
    if (rest.length > 0) gone.set(path, new Map(rest));
  }
  return gone;
}

/** Waits until everything observed so far has arrived, then ends the agent and audits its books. */
export async function expectAllArrived(
  agent: RunningAgent,
  ...peers: readonly FaultPeer[]
): Promise<void> {
  const observed = agent.observations();
  await vi.waitFor(
    async () => {
      const received = await Promise.all(peers.map((peer) => peer.received()));
      expect(received.reduce(missing, observed)).toEqual(new Map());
    },
    { timeout: 20_000, interval: 200 },
  );
  const books = (await agent.stop()).get('subject');
  expect(books && imbalance(books)).toBe(0);
}
