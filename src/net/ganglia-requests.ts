import type { MetricId } from '../wire/ganglia.ts';

type Heard = (id: MetricId) => void;

/**
 * Requests for metadata (Ganglia's packet 136), from whoever in this process hears them to whoever of it
 * sends metrics: a channel has one listener at a port where it is no multicast group, and that is not the sender.
 */
export const gangliaRequests = {
  /** Has a sender hear of every request, until it calls what it gets. */
  listen(heard: Heard): () => void {
    listeners.add(heard);
    return () => listeners.delete(heard);
  },
  /** Passes a request on. */
  pass(id: MetricId): void {
    for (const heard of listeners) heard(id);
  },
} as const;

const listeners = new Set<Heard>();
