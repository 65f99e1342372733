import type { Observation } from '../metric/index.ts';
import {
  type CollectContext,
  type Collected,
  type Collector,
  Foreseen,
  type Host,
  type Session,
} from '../plugin/index.ts';
import { createSince } from '../rates/index.ts';
import { AgentSeen, type AtWork } from './at-work.ts';
import { type Packer, type Packing, packer } from './observed.ts';
import type { AgentCopy, Brought } from './protocol.ts';

const NO_LIST =
  'what collect() gave back is no list of observations: write *collect() { yield metrics.….observe(…); }';

/** A collector in its thread, from when it is opened until it is closed. */
export class CollectorInside {
  readonly #collector: Collector;
  readonly #number: number;
  readonly #atWork: AtWork;
  readonly #host: Host;
  readonly #options: unknown;
  readonly #memory = createSince();
  readonly #packer: Packer;
  readonly #agent: AgentSeen;
  #session: Session | undefined;

  constructor(
    it: { readonly collector: Collector; readonly number: number; readonly options: unknown },
    needs: { readonly atWork: AtWork; readonly host: Host; readonly agent: AgentCopy },
  ) {
    const { collector, number, options } = it;
    this.#collector = collector;
    this.#number = number;
    this.#atWork = needs.atWork;
    this.#host = needs.host;
    this.#agent = new AgentSeen(needs.agent);
    const work = () => {
      const parsed: unknown = collector.options.parse(options);
      return { parsed, more: collector.moreMetrics?.(parsed) ?? [] };
    };
    const { parsed, more } = this.#atWork.now(number, work);
    this.#options = parsed;
    this.#packer = packer([...Object.values(collector.metrics), ...more]);
  }

  /** Collects at the time that the agent wrote in front of the values. */
  again(signal: () => AbortSignal): Brought | undefined | Promise<Brought | undefined> {
    return this.collect(this.#packer.time, undefined, signal);
  }

  /** @returns nothing, where only the values are others than at the collection before. */
  collect(
    time: number,
    copy: AgentCopy | undefined,
    signal: () => AbortSignal,
  ): Brought | undefined | Promise<Brought | undefined> {
    this.#agent.renew(copy);
    this.#memory.turn(performance.now() / 1000);
    const packing = this.#packer.begin();
    const context = new Context(
      { host: this.#host, options: this.#options, agent: this.#agent, since: this.#memory.since },
      time,
      signal,
    );
    const failed = (error: unknown) => {
      packing.thrown(error);
      return this.#done(packing);
    };
    try {
      const under = this.#take(packing, context);
      if (under === undefined) return this.#done(packing);
      return under.then(() => this.#done(packing), failed);
    } catch (error) {
      return failed(error);
    }
  }

  #done(packing: Packing): Brought | undefined {
    const done = packing.done();
    const { asked: asks } = this.#agent;
    const { order, when, errors, thrown } = done;
    const same = order === undefined && when.length === 0;
    if (same && errors.length === 0 && thrown === undefined && !asks) return undefined;
    return { ...done, awaits: this.#session?.settled !== undefined, asks };
  }

  /** @returns nothing, where nothing had to be waited for. */
  #take(packing: Packing, context: CollectContext): Promise<void> | undefined {
    const { collect } = this.#collector;
    if (collect === undefined && this.#session === undefined) return this.#open(packing, context);
    const collected = this.#atWork.now(this.#number, () =>
      collect === undefined
        ? (this.#session as Session).collect(context)
        : (this.#collector.collect?.(context) as Collected),
    );
    if (typeof collected !== 'object' || collected === null) throw new Foreseen(NO_LIST);
    if (!(Symbol.iterator in collected)) return this.#follow(packing, collected);
    this.#gather(packing, collected);
    return undefined;
  }

  async #open(packing: Packing, context: CollectContext): Promise<void> {
    const collector = this.#collector;
    if (collector.collect !== undefined) return;
    const session = await this.#atWork.now(this.#number, () => collector.open());
    if (typeof (session as Partial<Session> | undefined)?.collect !== 'function') {
      throw new Foreseen('what open() gave back has no collect(): return { collect, close }');
    }
    this.#session = session;
    await this.#take(packing, context);
  }

  async #follow(packing: Packing, later: Exclude<Collected, Iterable<unknown>>): Promise<void> {
    const collected = await later;
    if (!isIterable(collected)) throw new Foreseen(NO_LIST);
    if (Symbol.iterator in collected) return this.#gather(packing, collected);
    for await (const item of collected) {
      this.#atWork.turn(this.#number);
      if (!packing.add(item)) return;
    }
  }

  #gather(packing: Packing, collected: Iterable<Observation | Error>): void {
    this.#atWork.now(this.#number, () => {
      for (const item of collected) if (!packing.add(item)) return;
    });
  }

  settled(collections: number): void {
    this.#atWork.now(this.#number, () => this.#session?.settled?.(collections));
  }

  async end(): Promise<void> {
    await this.#atWork.now(this.#number, () => this.#session?.close());
  }
}

/** What a collection is given. A class, because a getter of an object of its own costs as much as a collection. */
class Context implements CollectContext {
  readonly host: Host;
  readonly options: unknown;
  readonly agent: AgentSeen;
  readonly since: CollectContext['since'];
  readonly time: number;
  readonly #signal: () => AbortSignal;

  constructor(
    {
      host,
      options,
      agent,
      since,
    }: Omit<CollectContext, 'time' | 'signal' | 'agent'> & { readonly agent: AgentSeen },
    time: number,
    signal: () => AbortSignal,
  ) {
    this.host = host;
    this.options = options;
    this.agent = agent;
    this.since = since;
    this.time = time;
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }
}

const isIterable = (it: unknown): boolean =>
  typeof it === 'object' && it !== null && (Symbol.iterator in it || Symbol.asyncIterator in it);
