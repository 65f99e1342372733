import type { CollectContext, Collected, Collector, Host, Session } from '../plugin/index.ts';
import { createSince } from '../rates/index.ts';
import { AgentSeen, type AtWork } from './at-work.ts';
import { type Packing, packer } from './observed.ts';
import type { AgentCopy, Brought } from './protocol.ts';

/** So few values are sooner copied than handed over. */
const SMALL = 512;

/** A collector in its thread, from when it is opened until it is closed. */
export class CollectorInside {
  readonly #collector: Collector;
  readonly #number: number;
  readonly #atWork: AtWork;
  readonly #host: Host;
  readonly #options: unknown;
  readonly #memory = createSince();
  readonly #packer: ReturnType<typeof packer>;
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

  async collect(
    time: number,
    copy: AgentCopy | undefined,
    signal: () => AbortSignal,
  ): Promise<{ value: Brought | Float64Array; transfer: ArrayBuffer[] }> {
    this.#agent.renew(copy);
    this.#memory.turn(performance.now() / 1000);
    const packing = this.#packer.begin();
    const context: CollectContext = {
      host: this.#host,
      options: this.#options,
      time,
      agent: this.#agent,
      since: this.#memory.since,
      get signal() {
        return signal();
      },
    };
    try {
      await this.#take(packing, context);
    } catch (error) {
      packing.thrown(error);
    }
    const done = packing.done();
    const awaits = this.#session?.settled !== undefined;
    const { asked: asks } = this.#agent;
    const { values, anew, fresh, order, when, errors, thrown } = done;
    const transfer = values.length > SMALL ? [values.buffer as ArrayBuffer] : [];
    const same = order === undefined && fresh.length === 0 && when.length === 0 && !anew;
    const fine = errors.length === 0 && thrown === undefined;
    // As at most ticks: every word that goes over costs.
    if (same && fine && !awaits && !asks) return { value: values, transfer };
    return { value: { ...done, awaits, asks }, transfer };
  }

  async #take(packing: Packing, context: CollectContext): Promise<void> {
    const collector = this.#collector;
    if (collector.collect === undefined && this.#session === undefined) {
      const opening = this.#atWork.now(this.#number, () => collector.open());
      this.#session = await opening;
    }
    const begin = (): Collected =>
      collector.collect?.(context) ?? (this.#session as Session).collect(context);
    const collected = await this.#atWork.now(this.#number, begin);
    if (Symbol.asyncIterator in collected) {
      for await (const item of collected) {
        this.#atWork.turn(this.#number);
        if (!packing.add(item)) return;
      }
      return;
    }
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
