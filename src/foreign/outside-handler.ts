import type { Batch, Name } from '../metric/index.ts';
import {
  type AgentStatus,
  type Connection,
  Fault,
  Foreseen,
  type Handler,
  type OpenContext,
  type Peer,
  type z,
} from '../plugin/index.ts';
import type { Colony, Resident } from './colony.ts';
import { copyOf } from './outside-collector.ts';
import { type Order, untold, type Written } from './protocol.ts';
import { Refused } from './thread.ts';

/** Names that a connection knows; more are forgotten all together. */
const MOST_NAMES = 100_000;

/** Which of several peers options are for; it is no part of them. */
const PEER = Symbol('peer');

interface OfPeer {
  readonly [PEER]: number;
}

/** The peers that a handler in another thread has, by their names. */
export function peersIn(
  options: unknown,
  names: readonly string[] = [],
): readonly (Peer & { readonly options: object })[] {
  return names.map((name, peer) => ({ name, options: { ...(options as object), [PEER]: peer } }));
}

/** A handler whose connections are in another thread. */
export function handlerElsewhere(
  facts: Omit<Handler, 'open' | 'options'>,
  schema: () => z.ZodType,
  colony: Colony,
  resident: Resident,
): Handler {
  return {
    ...facts,
    get options() {
      return schema();
    },
    async open(context: OpenContext): Promise<Connection> {
      const { options, host, interval, dialect, agent, signal } = context;
      const session = colony.session();
      const { key } = resident.parcel;
      const peer = (options as Partial<OfPeer>)[PEER];
      const given = { options, peer, host, interval, dialect, agent: copyOf(agent) };
      const order = { does: 'open', key, session, ...given } as const;
      const opened = (await asked(colony, resident, session, order, signal)) as Opened;
      const giveUp = () => void colony.end(resident, session, true);
      signal.addEventListener('abort', giveUp, { once: true });
      return new ConnectionElsewhere(colony, resident, session, agent, opened);
    },
  };
}

type Opened = Written & { readonly tells: boolean };

/** Milliseconds that it has after it was given up. */
const GRACE = 1000;

async function asked(
  colony: Colony,
  resident: Resident,
  session: number,
  order: Order,
  signal: AbortSignal,
  { batch = [], transfer = [] }: { batch?: Batch; transfer?: readonly ArrayBuffer[] } = {},
): Promise<unknown> {
  try {
    const until = { signal: () => signal, grace: GRACE };
    return await colony.ask(resident, session, order, { until, transfer });
  } catch (error) {
    if (error instanceof Refused && error.told !== undefined) throw untold(error.told, batch);
    if (error instanceof Fault) throw new Foreseen(`${error.message}. ${error.remedy}`);
    throw error;
  }
}

class ConnectionElsewhere implements Connection {
  readonly ended: Promise<unknown>;
  readonly #colony: Colony;
  readonly #resident: Resident;
  readonly #session: number;
  readonly #agent: AgentStatus;
  #state: Written;
  #ids = new WeakMap<Name, number>();
  #next = 0;

  constructor(
    colony: Colony,
    resident: Resident,
    session: number,
    agent: AgentStatus,
    opened: Opened,
  ) {
    this.#colony = colony;
    this.#resident = resident;
    this.#session = session;
    this.#agent = agent;
    this.#state = opened;
    this.ended = new Promise((resolve) => {
      colony.watch(session, () => resolve(new Foreseen('its thread has ended')), resolve);
    });
  }

  get note() {
    return this.#state.note;
  }
  get stalled() {
    return this.#state.stalled;
  }
  get counts() {
    return this.#state.counts;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const { length } = batch;
    const anew = this.#next > MOST_NAMES;
    if (anew) {
      this.#ids = new WeakMap();
      this.#next = 0;
    }
    const names: [number, Name][] = [];
    const ids = new Int32Array(length);
    const values = new Float64Array(length);
    const times = new Float64Array(length);
    for (let i = 0; i < length; i += 1) {
      const { name, value, time } = batch[i] as Batch[number];
      let id = this.#ids.get(name);
      if (id === undefined) {
        id = this.#next;
        this.#next += 1;
        this.#ids.set(name, id);
        names.push([id, plainName(name)]);
      }
      ids[i] = id;
      values[i] = value;
      times[i] = time;
    }
    const agent = this.#state.asks ? { agent: copyOf(this.#agent) } : {};
    const session = this.#session;
    const order = { does: 'write', session, anew, names, ids, values, times, ...agent } as const;
    const transfer = [ids.buffer, values.buffer, times.buffer];
    const given = { batch, transfer };
    const written = asked(this.#colony, this.#resident, session, order, signal, given);
    this.#state = (await written) as Written;
  }

  async close(): Promise<void> {
    await this.#colony.end(this.#resident, this.#session);
  }
}

/** A name without what cannot be handed over. */
function plainName(name: Name): Name {
  const { series } = name;
  const { kind, name: metric, unit, labels, help } = series.metric;
  const { id, collector, host } = series;
  const plain = { kind, name: metric, unit, labels: [...labels], help };
  return { ...name, series: { id, metric: plain, collector, host, labels: { ...series.labels } } };
}
