import { type LiveHost, liveHost } from '../host/index.ts';
import type { Point } from '../metric/index.ts';
import { type Collector, Foreseen, type Parser } from '../plugin/index.ts';
import { evaluate } from '../script/index.ts';
import type { AtWork } from './at-work.ts';
import { opened } from './doors.ts';
import type { Member } from './guard.ts';
import { CollectorInside } from './inside-collector.ts';
import { ConnectionInside } from './inside-handler.ts';
import {
  type AgentCopy,
  type Beginning,
  type Brought,
  type Call,
  type Lodger,
  type Parcel,
  type Said,
  told,
} from './protocol.ts';
import { type Plugin, pluginsIn } from './shape.ts';

type Inside = CollectorInside | ConnectionInside;
type Does<D extends Call['does']> = Extract<Call, { does: D }>;

interface Resident {
  readonly number: number;
  readonly plugin: Plugin;
}

/** The plugins of a thread, their sessions and connections. */
export class Residents {
  readonly #at: Beginning['host'];
  readonly #atWork: AtWork;
  readonly #members: Member[];
  readonly #say: (said: Said) => void;
  readonly #residents = new Map<string, Resident>();
  readonly #sessions = new Map<number, { readonly number: number; readonly inside: Inside }>();
  readonly #batches = new Map<number, readonly Point[]>();
  /** Of all collectors of the agent's own that were brought: each looks for its parsers among these. */
  readonly #parsers = new Map<string, Parser>();
  #host: LiveHost | undefined;

  constructor(at: Beginning['host'], atWork: AtWork, members: Member[], say: (said: Said) => void) {
    this.#at = at;
    this.#atWork = atWork;
    this.#members = members;
    this.#say = say;
  }

  async do(order: Call, signal: () => AbortSignal): Promise<unknown> {
    switch (order.does) {
      case 'bring':
        return await this.#bring(order);
      case 'collect':
        return await this.#collect(order, signal);
      case 'settled': {
        const { inside } = this.#session(order.session);
        return inside instanceof CollectorInside && inside.settled(order.collections);
      }
      case 'open':
        return await this.#open(order, signal);
      case 'write':
        return await this.#write(order, signal);
      case 'end': {
        const session = this.#sessions.get(order.session);
        this.#sessions.delete(order.session);
        return await session?.inside.end(order.aborted);
      }
    }
  }

  /**
   * Has a session collect again.
   *
   * @returns nothing, where only the values are others.
   */
  again(
    session: number,
    signal: () => AbortSignal,
  ): Brought | undefined | Promise<Brought | undefined> {
    const { inside } = this.#session(session);
    if (!(inside instanceof CollectorInside)) throw new Error('that is no collector');
    return inside.again(signal);
  }

  /** What an order was to write. */
  batchOf(order: Call): readonly Point[] {
    const batch = this.#batches.get(order.call) ?? [];
    this.#batches.delete(order.call);
    return batch;
  }

  async #bring({ number, parcel }: Does<'bring'>): Promise<void> {
    if ('collector' in parcel) return await this.#lodge(number, parcel);
    const plugin = await this.#make(number, parcel);
    this.#residents.set(parcel.key, { number, plugin });
  }

  async #make(number: number, { path, index, as, texts, doors, maps }: Parcel): Promise<Plugin> {
    this.#members.push({ number, paths: [...texts.keys()] });
    const inside = await opened(doors);
    const script = { path, texts, doors, maps };
    const all = this.#atWork.now(number, () => pluginsIn(evaluate(script, inside), as, path));
    const plugin = all[index];
    if (plugin === undefined)
      throw new Foreseen(`${path} exports another number of plugins than before`);
    return plugin;
  }

  /** A collector of the agent's own, with parsers that are not. */
  async #lodge(number: number, { key, collector: name, parsers }: Lodger): Promise<void> {
    for (const { name, parcel } of parsers) {
      const { kind, it } = await this.#make(number, parcel);
      if (kind === 'parser') this.#parsers.set(name, it);
    }
    // Few threads need what the agent is built with.
    const { registry } = await import('../agent/index.ts');
    registry.bring({
      collectors: [],
      handlers: [],
      parsers: this.#parsers,
      revisions: new Map(),
      missed: new Set(),
    });
    const collector = registry.collectors.get(name);
    if (collector === undefined) throw new Error(`there is no collector ${name}`);
    this.#residents.set(key, { number, plugin: { kind: 'collector', it: collector } });
  }

  async #collect(
    { key, session, options, time, agent }: Does<'collect'>,
    signal: () => AbortSignal,
  ) {
    let inside = this.#sessions.get(session)?.inside;
    if (inside === undefined) {
      const { number, plugin } = this.#resident(key);
      this.#host ??= liveHost(this.#at);
      const needs = { atWork: this.#atWork, host: this.#host, agent: agent as AgentCopy };
      const collector = plugin.it as Collector;
      inside = new CollectorInside({ collector, number, options }, needs);
      this.#sessions.set(session, { number, inside });
    }
    if (!(inside instanceof CollectorInside)) throw new Error('that is no collector');
    return await inside.collect(time, agent, signal);
  }

  async #open(order: Does<'open'>, signal: () => AbortSignal) {
    const { number, plugin } = this.#resident(order.key);
    if (plugin.kind !== 'handler') throw new Error('that is no handler');
    const opening = { handler: plugin.it, number };
    const inside = await ConnectionInside.open(opening, order, this.#atWork, signal());
    const { session } = order;
    this.#sessions.set(session, { number, inside });
    const ended = (error?: unknown) =>
      this.#say({ said: 'ended', session, error: error === undefined ? undefined : told(error) });
    inside.ended?.then(ended, ended);
    return { ...inside.state, tells: inside.ended !== undefined };
  }

  async #write(order: Does<'write'>, signal: () => AbortSignal) {
    const { inside } = this.#session(order.session);
    if (!(inside instanceof ConnectionInside)) throw new Error('that is no connection');
    const batch = inside.batch(order);
    this.#batches.set(order.call, batch);
    await inside.write(batch, signal());
    this.#batches.delete(order.call);
    return inside.state;
  }

  #resident(key: string): Resident {
    const resident = this.#residents.get(key);
    if (resident === undefined) throw new Error(`${key} was not brought here`);
    return resident;
  }

  #session(session: number) {
    const found = this.#sessions.get(session);
    if (found === undefined) throw new Error('the session has ended');
    return found;
  }
}
