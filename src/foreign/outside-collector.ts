import { type Metric, type Observation, Observations } from '../metric/index.ts';
import type { AgentStatus, CollectContext, Collector, Session, z } from '../plugin/index.ts';
import { type Colony, Interrupted, type Resident } from './colony.ts';
import { type AgentCopy, type Brought, untold } from './protocol.ts';
import { Refused } from './thread.ts';

type Items = Iterable<Observation | Error>;
type Series = Pick<Observation, 'metric' | 'labels' | 'host'>;

/** Milliseconds that a collector has after its deadline; the agent leaves it behind a little later. */
const GRACE = 100;

/**
 * The sessions of a collector that runs in another thread.
 *
 * @param options as they were written.
 */
export function sessionElsewhere(
  colony: Colony,
  resident: Resident,
  metricsFor: (options: unknown) => readonly Metric[],
  inputOf: (options: unknown) => unknown = (options) => options,
): Session {
  return new SessionElsewhere(colony, resident, metricsFor, inputOf);
}

class SessionElsewhere implements Session {
  readonly #colony: Colony;
  readonly #resident: Resident;
  readonly #metricsFor: (options: unknown) => readonly Metric[];
  readonly #inputOf: (options: unknown) => unknown;
  readonly #id: number;
  #metrics: readonly Metric[] | undefined;
  /** Whether its thread knows it. */
  #known = false;
  #asks = false;
  #series: Series[] = [];
  /** Those that were observed last, in their order. */
  #order: readonly Series[] = [];
  /** What was observed of them: the values are where its thread writes them. */
  #observed = new Observations();
  /** The same as objects, once they are needed: there is no column for a host. */
  #objects: (Series & { value: number })[] | undefined;
  #abroad = false;
  /** Where its thread and the agent write: the time, and behind it the values. There while its thread knows it. */
  #shared: Float64Array | undefined;
  settled?: (collections: number) => void;

  constructor(
    colony: Colony,
    resident: Resident,
    metricsFor: (options: unknown) => readonly Metric[],
    inputOf: (options: unknown) => unknown,
  ) {
    this.#colony = colony;
    this.#resident = resident;
    this.#metricsFor = metricsFor;
    this.#inputOf = inputOf;
    this.#id = colony.session();
    colony.watch(this.#id, () => this.#lost());
  }

  collect(context: CollectContext): Items | Promise<Items> {
    this.#metrics ??= this.#metricsFor(context.options);
    const shared = this.#asks ? undefined : this.#shared;
    if (shared === undefined) return this.#later(context, this.#ask(context));
    shared[0] = context.time;
    const until = { signal: () => context.signal, grace: GRACE };
    const brought = this.#colony.again(this.#resident, this.#id, until);
    return brought === undefined ? this.#renew() : this.#later(context, brought);
  }

  async #later(context: CollectContext, asked: Promise<unknown>): Promise<Items> {
    try {
      const brought = (await asked) as Brought | undefined;
      return brought === undefined ? this.#renew() : this.#unpack(brought);
    } catch (error) {
      // Whoever shared its thread was stopped, and it has time left: the tick is not lost to it.
      if (error instanceof Interrupted && !context.signal.aborted) return this.collect(context);
      throw error instanceof Refused && error.told !== undefined ? untold(error.told) : error;
    }
  }

  async #ask(context: CollectContext): Promise<unknown> {
    const { options, time, agent } = context;
    const { key } = this.#resident.parcel;
    const first = !this.#known;
    const copy = first || this.#asks ? { agent: copyOf(agent) } : {};
    const given = first ? { options: this.#inputOf(options) } : {};
    const order = { does: 'collect', key, session: this.#id, time, ...given, ...copy } as const;
    const until = { signal: () => context.signal, grace: GRACE };
    const brought = await this.#colony.ask(this.#resident, this.#id, order, { until });
    this.#known = true;
    return brought;
  }

  async close(): Promise<void> {
    await this.#colony.end(this.#resident, this.#id);
  }

  /** Its thread has ended: it begins anew in another one. */
  #lost(): void {
    this.#known = false;
    this.#shared = undefined;
    this.#colony.watch(this.#id, () => this.#lost());
  }

  /** The same series as in the collection before: their values are others by now. */
  #renew(): Items {
    return this.#abroad ? this.#asObjects() : this.#observed;
  }

  #asObjects(): readonly Observation[] {
    this.#objects ??= this.#order.map(({ metric, labels, host }) => {
      return { metric, labels, host, value: 0 };
    });
    const { values } = this.#observed;
    for (const [at, object] of this.#objects.entries()) object.value = values[at] as number;
    return this.#objects;
  }

  /** These are observed from now on. */
  #arrange(order: readonly Series[]): void {
    this.#order = order;
    this.#objects = undefined;
    this.#abroad = order.some(({ host }) => host !== undefined);
    this.#observed = new Observations();
    const { metrics, labels } = this.#observed;
    for (const series of order) {
      metrics.push(series.metric);
      labels.push(series.labels);
    }
    this.#observed.length = order.length;
  }

  #unpack({ anew, fresh, order, values, when, errors, thrown, awaits, asks }: Brought) {
    this.#asks = asks;
    if (awaits) {
      this.settled ??= (collections) => {
        const order = { does: 'settled', session: this.#id, collections } as const;
        if (this.#known) this.#colony.ask(this.#resident, this.#id, order).catch(() => {});
      };
    }
    if (anew) this.#series = [];
    for (const [id, metric, labels, host] of fresh) {
      const declared = this.#metrics?.[metric];
      if (declared === undefined) throw new Error('a metric came over that is not declared');
      this.#series[id] = { metric: declared, labels, host };
    }
    if (order !== undefined) this.#arrange(Array.from(order, (id) => this.#series[id] as Series));
    this.#shared = values;
    this.#observed.values = values.subarray(1);
    if (when.length === 0 && errors.length === 0 && thrown === undefined) return this.#renew();
    const items = this.#asObjects();
    const all: (Observation | Error)[] = [...items];
    for (const [at, time, seconds] of when)
      all[at] = { ...(items[at] as Observation), time, seconds };
    for (const error of errors) all.push(untold(error));
    return thrown === undefined ? all : throwing(all, untold(thrown));
  }
}

/** What there was before it broke off. */
function* throwing<T>(items: readonly T[], error: Error): Generator<T> {
  yield* items;
  throw error;
}

/** The agent's state as it is, as it can be handed over. */
export function copyOf(agent: AgentStatus): AgentCopy {
  const { collectors, handlers, schedule, counterResets, eventLoopLag } = agent;
  const { residentMemory, cpu, problem } = agent;
  return {
    collectors: collectors.map((it) => ({ ...it, outcomes: { ...it.outcomes } })),
    handlers: handlers.map((it) => ({ ...it })),
    ...{ schedule: { ...schedule }, counterResets, eventLoopLag, residentMemory, cpu, problem },
  };
}

/** A collector that runs in another thread. */
export function collectorElsewhere(
  facts: Pick<Collector, 'name' | 'summary' | 'source' | 'metrics' | 'enabled'>,
  schema: () => z.ZodType,
  more: (options: unknown) => readonly Metric[],
  colony: Colony,
  resident: Resident,
): Collector {
  const declared = Object.values(facts.metrics);
  return {
    ...facts,
    // Made when it is asked for, and not kept: it weighs as much as all the rest, and is used once.
    get options() {
      return schema();
    },
    moreMetrics: more,
    open: () => sessionElsewhere(colony, resident, (options) => [...declared, ...more(options)]),
  };
}
