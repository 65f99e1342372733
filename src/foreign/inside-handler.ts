import { systemClock } from '../clock/index.ts';
import type { Name, Point } from '../metric/index.ts';
import { type Connection, Foreseen, type Handler } from '../plugin/index.ts';
import { AgentSeen, type AtWork } from './at-work.ts';
import type { Order, Written } from './protocol.ts';

type Opening = Extract<Order, { does: 'open' }>;
type Writing = Extract<Order, { does: 'write' }>;

/** A handler's connection in its thread. */
export class ConnectionInside {
  readonly #number: number;
  readonly #atWork: AtWork;
  readonly #agent: AgentSeen;
  readonly #connection: Connection;
  /** The connection's own: a write that is given up gives it up. */
  readonly #aborter: AbortController;
  readonly #names = new Map<number, Name>();

  static async open(
    { handler, number }: { readonly handler: Handler; readonly number: number },
    { options, peer, host, interval, dialect, agent }: Opening,
    atWork: AtWork,
    signal: AbortSignal,
  ): Promise<ConnectionInside> {
    const seen = new AgentSeen(agent);
    const aborter = new AbortController();
    follow(aborter, signal);
    const opening = atWork.now(number, () => {
      const parsed: unknown = handler.options.parse(options);
      const its = peer === undefined ? undefined : handler.peers?.(parsed)[peer];
      return handler.open({
        ...{
          options: its?.options ?? parsed,
          signal: aborter.signal,
          agent: seen,
          host,
          interval,
          dialect,
        },
        clock: systemClock,
      });
    });
    const connection: Partial<Connection> | undefined = await opening;
    if (typeof connection?.write !== 'function' || typeof connection.close !== 'function') {
      throw new Foreseen('what open() gave back is no connection: return { write, close }');
    }
    return new ConnectionInside(number, atWork, seen, connection as Connection, aborter);
  }

  private constructor(
    number: number,
    atWork: AtWork,
    agent: AgentSeen,
    connection: Connection,
    aborter: AbortController,
  ) {
    this.#number = number;
    this.#atWork = atWork;
    this.#agent = agent;
    this.#connection = connection;
    this.#aborter = aborter;
  }

  get ended(): Promise<unknown> | undefined {
    return this.#connection.ended;
  }

  /** The points of a batch, as they came over. */
  batch({ anew, names, ids, values, times, agent }: Writing): readonly Point[] {
    this.#agent.renew(agent);
    if (anew) this.#names.clear();
    for (const [id, name] of names) this.#names.set(id, name);
    const points: Point[] = [];
    for (let i = 0; i < ids.length; i += 1) {
      const name = this.#names.get(ids[i] as number);
      if (name === undefined) throw new Error('a name did not come over');
      points.push({ name, value: values[i] as number, time: times[i] as number });
    }
    return points;
  }

  async write(batch: readonly Point[], signal: AbortSignal): Promise<void> {
    follow(this.#aborter, signal);
    const own = this.#aborter.signal;
    await this.#atWork.now(this.#number, () => this.#connection.write(batch, own));
  }

  /** What is to be known of it besides. */
  get state(): Written {
    const { note, stalled, counts } = this.#connection;
    return { note, stalled, counts: counts && { ...counts }, asks: this.#agent.asked };
  }

  async end(aborted: boolean): Promise<void> {
    if (aborted) this.#aborter.abort(new Error('the connection was given up'));
    await this.#atWork.now(this.#number, () => this.#connection.close());
  }
}

const follow = (aborter: AbortController, signal: AbortSignal): void => {
  signal.addEventListener('abort', () => aborter.abort(signal.reason), { once: true });
};
