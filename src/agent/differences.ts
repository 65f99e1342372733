/** What an instance is called, and what changes when anything that matters to it does. */
interface Instance {
  readonly instance: string;
  readonly fingerprint: () => string;
}

/** What a reload has to do: what it need not touch, what it ends, and what it begins then. */
export interface Differences<C> {
  readonly kept: readonly string[];
  readonly stopped: readonly string[];
  readonly started: readonly C[];
}

/** Compares what runs with what shall run. What has changed is stopped and started. */
export function differences<C extends Instance>(
  running: Iterable<C>,
  wanted: readonly C[],
): Differences<C> {
  const started = new Map(wanted.map((it) => [it.instance, it]));
  const kept: string[] = [];
  const stopped: string[] = [];
  for (const { instance, fingerprint } of running) {
    if (started.get(instance)?.fingerprint() !== fingerprint()) stopped.push(instance);
    else {
      kept.push(instance);
      started.delete(instance);
    }
  }
  return { kept, stopped, started: [...started.values()] };
}
