import type { Clock } from '../clock/index.ts';
import { type Readings, samplesOf } from '../columns/index.ts';
import type { Report } from '../log/index.ts';
import type { Sample } from '../metric/index.ts';
import {
  type AgentStatus,
  type CollectContext,
  type Collected,
  type Collector,
  type CollectorStatus,
  Foreseen,
  type Host,
  OUTCOMES,
  type Outcome,
  type Session,
} from '../plugin/index.ts';
import { createSince } from '../rates/index.ts';
import { createCollectorSeries } from './collector-series.ts';
import { Complaints } from './complaints.ts';
import type { CollectorSeries } from './contract.ts';
import { Context, Run } from './run.ts';
import type { Table } from './series.ts';

export interface RunnerOptions {
  /** The instance's name in the configuration. */
  readonly instance: string;
  readonly collector: Collector;
  /** Its options, parsed. */
  readonly options: unknown;
  /** Seconds a collection may take. */
  readonly timeout: number;
  readonly newSeriesPerHour: number;
  /** Seconds from one tick to the next. */
  readonly interval?: number | undefined;
}

export interface RunnerNeeds {
  readonly clock: Clock;
  readonly host: Host;
  /** The name of the host the agent runs on. */
  readonly hostname: string;
  readonly agent: AgentStatus;
  readonly table: Table;
  readonly report: Report;
}

/** One run of a collector: what it brought, and how it ended. */
export class Collection {
  readonly outcome: Outcome;
  /** They hold until the next run. */
  readonly readings: Readings | undefined;

  constructor(outcome: Outcome, readings?: Readings) {
    this.outcome = outcome;
    this.readings = readings;
  }

  /** The same as objects, which are made when they are asked for. */
  get samples(): readonly Sample[] {
    return this.readings === undefined ? [] : samplesOf(this.readings);
  }
}

/** Runs one collector, again and again, and never throws. */
export interface Runner {
  readonly status: CollectorStatus;
  /** Counters that went backwards so far. */
  readonly counterResets: number;
  /**
   * Collects once and stamps what is observed with `time`, in seconds since the Unix epoch. Answers
   * at once if the collector is synchronous; otherwise by the deadline, with what was there by then.
   * While an abandoned collection still hangs, every further one is `skipped`.
   */
  run(time: number): Collection | Promise<Collection>;
  /** Runs begun so far, where the collector wants to know what has settled of them; else `undefined`. */
  readonly awaiting: number | undefined;
  /** Tells the collector that what its first so many runs observed is out of the agent's memory. */
  settled(runs: number): void;
  /** Counts a tick without a run. */
  skip(): void;
  close(): Promise<void>;
}

export function createRunner(options: RunnerOptions, needs: RunnerNeeds): Runner {
  return new CollectorRunner(options, needs);
}

class CollectorRunner implements Runner {
  readonly #options: RunnerOptions;
  readonly #needs: RunnerNeeds;
  readonly #series: CollectorSeries;
  readonly #complaints: Complaints;
  readonly #memory = createSince();
  readonly #outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    Outcome,
    number
  >;
  #session: Session | undefined;
  /** The session, also after it was closed. */
  #awaiter: Session | undefined;
  #runs = 0;
  #seconds = 0;
  #hanging = false;
  #running: Run | undefined;
  #closed = false;

  constructor(options: RunnerOptions, needs: RunnerNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#complaints = new Complaints(options, needs.report);
    const { collector } = options;
    const declared = [
      ...Object.values(collector.metrics),
      ...(collector.moreMetrics?.(options.options) ?? []),
    ];
    this.#series = createCollectorSeries(
      collector.foreign === true ? undefined : declared,
      needs.table,
      { collector: options.instance, host: needs.hostname },
      options.newSeriesPerHour,
    );
  }

  get counterResets(): number {
    return this.#series.resets;
  }

  get status(): CollectorStatus {
    return {
      name: this.#options.instance,
      outcomes: this.#outcomes,
      seconds: this.#seconds,
      series: this.#series.size,
      refused: this.#series.refused,
    };
  }

  skip(): void {
    this.#outcomes.skipped += 1;
  }

  run(time: number): Collection | Promise<Collection> {
    if (this.#hanging || this.#closed) {
      this.skip();
      return new Collection('skipped');
    }
    const run = new Run(time, this.#needs.clock, this.#options.timeout);
    const collected = this.#begin(run);
    if (collected === undefined) return this.#end(run);
    if (collected instanceof Promise || Symbol.asyncIterator in collected) {
      return this.#drain(run, collected);
    }
    try {
      this.#series.gather(collected, run.errors);
    } catch (error) {
      run.thrown = error;
    }
    return this.#end(run);
  }

  get awaiting(): number | undefined {
    return this.#session?.settled === undefined ? undefined : this.#runs;
  }

  settled(runs: number): void {
    this.#awaiter?.settled?.(runs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#running?.abort(new Foreseen('the collector was closed'));
    const session = this.#session;
    this.#session = undefined;
    this.#series.clear();
    this.#complaints.forget();
    await session?.close();
  }

  #begin(run: Run): Collected | Promise<Collected> | undefined {
    const { collector } = this.#options;
    this.#runs += 1;
    this.#series.turn(run.at, run.time);
    this.#memory.turn(run.at);
    try {
      if (collector.collect !== undefined) return collector.collect(this.#context(run));
      if (this.#session !== undefined) return this.#session.collect(this.#context(run));
      const opened = collector.open();
      if (!(opened instanceof Promise)) {
        this.#session = this.#awaiter = opened;
        return opened.collect(this.#context(run));
      }
      return opened.then(async (session) => {
        if (this.#closed) {
          await session.close();
          return [];
        }
        this.#session = this.#awaiter = session;
        return session.collect(this.#context(run));
      });
    } catch (error) {
      run.thrown = error;
      return undefined;
    }
  }

  #context(run: Run): CollectContext {
    const { options, interval } = this.#options;
    return new Context(run, this.#needs, options, this.#memory.since, interval);
  }

  async #drain(run: Run, collected: Collected | Promise<Collected>): Promise<Collection> {
    this.#hanging = true;
    this.#running = run;
    const all = (async () => {
      try {
        const items = await collected;
        if (!(Symbol.asyncIterator in items)) {
          if (run.abandoned || this.#closed) return;
          this.#series.gather(items, run.errors);
          return;
        }
        for await (const item of items) {
          if (run.abandoned || this.#closed) return;
          this.#series.gather([item], run.errors);
        }
      } catch (error) {
        run.thrown = error;
      }
    })().finally(() => {
      this.#hanging = false;
      this.#running = undefined;
    });
    await Promise.race([all, run.abandonment()]);
    return this.#end(run);
  }

  #end(run: Run): Collection {
    const { clock } = this.#needs;
    run.settle();
    const { readings } = this.#series;
    run.samples = readings.length;
    this.#seconds += clock.monotonic() / 1000 - run.at;
    const outcome = run.outcome();
    if (run.samples > 0) this.#series.complete();
    this.#outcomes[outcome] += 1;
    if (!this.#closed) {
      this.#complaints.refused(this.#series.refused);
      this.#complaints.ran(run);
    }
    return new Collection(outcome, readings);
  }
}
