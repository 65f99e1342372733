import type { Observation } from '../metric/index.ts';
import { type CollectContext, Remark, type Session } from '../plugin/index.ts';
import { StatsdAggregates } from './aggregate.ts';
import { Dispatch, type Pushed } from './dispatch.ts';
import { typesOf } from './formats.ts';
import { Intake } from './intake.ts';
import { type Bounds, Listener, type Place } from './listener.ts';

/** What the collector `push` is told. */
export interface PushOptions extends Bounds {
  readonly listen: readonly { readonly at: Place; readonly format: Pushed }[];
  readonly as?: string | undefined;
  readonly series: number;
  readonly types: readonly string[];
  readonly percentiles: readonly number[];
}

type Context = CollectContext & { readonly options: PushOptions };

/** Takes in what local programs send, and tells of it at each tick. */
export class PushSession implements Session {
  #intake: Intake | undefined;
  #aggregates: StatsdAggregates | undefined;
  #dispatch: Dispatch | undefined;
  readonly #listeners: (Listener | undefined)[] = [];
  #closed = false;

  collect(context: Context) {
    const { listen } = context.options;
    const missing = listen.some((_, i) => this.#listeners[i] === undefined);
    return missing ? this.#opened(context) : this.#told();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#listeners.map((it) => it?.close()));
  }

  async #opened(context: Context): Promise<Iterable<Observation | Error>> {
    const { options, agent, hostname } = context;
    // Whoever only looks must not take the place of the agent that runs.
    if (agent.handlers.length === 0) return [new Remark('only an agent that runs listens')];
    const { series: most, percentiles, as: prefix } = options;
    this.#intake ??= new Intake({ most, prefix, own: hostname });
    this.#aggregates ??= new StatsdAggregates(most, percentiles);
    this.#dispatch ??= new Dispatch(this.#aggregates, typesOf(options.types));
    const errors: Error[] = [];
    for (const [i, { at, format }] of options.listen.entries()) {
      if (this.#listeners[i] !== undefined) continue;
      try {
        this.#listeners[i] = await Listener.open(at, this.#answering(format), options);
      } catch (error) {
        errors.push(error as Error);
      }
    }
    if (this.#closed) await this.close();
    return [...this.#told(), ...errors];
  }

  #answering(format: Pushed): (line: string) => string | undefined {
    return (line) => {
      let answer: string | undefined;
      this.#intake?.take((said) => {
        answer = this.#dispatch?.take(line, format, said);
      });
      return answer;
    };
  }

  *#told(): Generator<Observation | Error> {
    const intake = this.#intake;
    if (intake === undefined) return;
    this.#aggregates?.flush((reading) => intake.harvest.put(reading));
    yield* intake.observed();
    const refused = this.#aggregates?.refusals() ?? 0;
    if (refused > 0) {
      yield new Remark(
        `${refused} statsd events of more names than \`series\` allows were left out`,
      );
    }
    for (const it of this.#listeners) if (it !== undefined) yield* it.turn();
  }
}
