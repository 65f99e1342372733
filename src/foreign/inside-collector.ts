import { systemClock } from '../clock/index.ts';
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
import { type Packer, packer } from './observed.ts';
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
    this.#memory.turn(systemClock.monotonic() / 1000);
    this.#packer.begin();
    const context = new Context(
      { host: this.#host, options: this.#options, agent: this.#agent, since: this.#memory.since },
      time,
      signal,
    );
    const failed = (error: unknown) => {
      this.#packer.thrown(error);
      return this.#done();
    };
    try {
      const under = this.#take(context);
      if (under === undefined) return this.#done();
      return under.then(() => this.#done(), failed);
    } catch (error) {
      return failed(error);
    }
  }

  #done(): Brought | undefined {
    const done = this.#packer.done();
    const { asked: asks } = this.#agent;
    const { order, when, errors, thrown } = done;
    const same = order === undefined && when.length === 0;
    if (same && errors.length === 0 && thrown === undefined && !asks) return undefined;
    return { ...done, awaits: this.#session?.settled !== undefined, asks };
  }

  /** @returns nothing, where nothing had to be waited for. */
  #take(context: CollectContext): Promise<void> | undefined {
    const { collect } = this.#collector;
    if (collect === undefined && this.#session === undefined) return this.#open(context);
    const later = this.#atWork.now(this.#number, () => {
      const collected: Collected =
        collect === undefined
          ? (this.#session as Session).collect(context)
          : this.#collector.collect(context);
      if (typeof collected !== 'object' || collected === null) throw new Foreseen(NO_LIST);
      return Symbol.iterator in collected ? this.#gather(collected) : collected;
    });
    return later && this.#follow(later);
  }

  async #open(context: CollectContext): Promise<void> {
    const collector = this.#collector;
    if (collector.collect !== undefined) return;
    const session = await this.#atWork.now(this.#number, () => collector.open());
    if (typeof (session as Partial<Session> | undefined)?.collect !== 'function') {
      throw new Foreseen('what open() gave back has no collect(): return { collect, close }');
    }
    this.#session = session;
    await this.#take(context);
  }

  async #follow(later: Exclude<Collected, Iterable<unknown>>): Promise<void> {
    const collected = await later;
    if (!isIterable(collected)) throw new Foreseen(NO_LIST);
    if (Symbol.iterator in collected) {
      this.#atWork.now(this.#number, () => this.#gather(collected));
      return;
    }
    for await (const item of collected) {
      this.#atWork.turn(this.#number);
      if (!this.#packer.add(item)) return;
    }
  }

  #gather(collected: Iterable<Observation | Error>): undefined {
    const packer = this.#packer;
    for (const item of collected) if (!packer.add(item)) return;
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
