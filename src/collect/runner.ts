import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock/index.ts';
import type { Report } from '../log/index.ts';
import type { Sample } from '../metric/index.ts';
import {
  type AgentStatus,
  type CollectContext,
  type Collected,
  type Collector,
  type CollectorStatus,
  Fault,
  Foreseen,
  type Host,
  NoData,
  OUTCOMES,
  type Outcome,
  Remark,
  type Session,
  Unresponsive,
} from '../plugin/index.ts';
import { createSince } from '../rates/index.ts';
import { type CollectorSeries, createCollectorSeries } from './collector-series.ts';
import type { Ids } from './series.ts';

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
  readonly ids: Ids;
  readonly report: Report;
}

/** One run of a collector: what it brought, and how it ended. */
export interface Collection {
  readonly outcome: Outcome;
  /** As long as a sample, the array holds until the next run. */
  readonly samples: readonly Sample[];
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

/** After its deadline a collection has this many milliseconds to end by itself and say what hung. */
const GRACE = 250;

export function createRunner(options: RunnerOptions, needs: RunnerNeeds): Runner {
  return new CollectorRunner(options, needs);
}

class CollectorRunner implements Runner {
  readonly #options: RunnerOptions;
  readonly #needs: RunnerNeeds;
  readonly #series: CollectorSeries;
  readonly #memory = createSince();
  /** Of the latest run, and filled anew by each: for a hypervisor it would be a MiB of garbage a tick. */
  readonly #samples: Sample[] = [];
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
  /** The kinds of problems that were there in the latest collection. */
  readonly #standing = new Set<string>();

  constructor(options: RunnerOptions, needs: RunnerNeeds) {
    this.#options = options;
    this.#needs = needs;
    const { collector } = options;
    const declared = [
      ...Object.values(collector.metrics),
      ...(collector.moreMetrics?.(options.options) ?? []),
    ];
    this.#series = createCollectorSeries(
      collector.foreign === true ? undefined : declared,
      needs.ids,
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
      return { outcome: 'skipped', samples: [] };
    }
    const run = new Run(time, this.#needs.clock, this.#options.timeout, this.#samples);
    const collected = this.#begin(run);
    if (collected === undefined) return this.#end(run);
    if (collected instanceof Promise || Symbol.asyncIterator in collected) {
      return this.#drain(run, collected);
    }
    try {
      this.#series.gather(collected, run.time, run.samples, run.errors);
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
    this.#needs.report.forget(this.#key);
    await session?.close();
  }

  get #key(): string {
    return `collector ${this.#options.instance}`;
  }

  #begin(run: Run): Collected | Promise<Collected> | undefined {
    const { collector } = this.#options;
    this.#runs += 1;
    this.#series.turn(run.at);
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
          this.#series.gather(items, run.time, run.samples, run.errors);
          return;
        }
        for await (const item of items) {
          if (run.abandoned || this.#closed) return;
          this.#series.gather([item], run.time, run.samples, run.errors);
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
    run.samples.length = this.#series.stamped;
    this.#seconds += clock.monotonic() / 1000 - run.at;
    const outcome = run.outcome();
    if (run.samples.length > 0) this.#series.complete();
    this.#outcomes[outcome] += 1;
    if (!this.#closed) this.#say(run);
    return { outcome, samples: run.samples };
  }

  /** Says each kind of problem once, and its end when a collection has gone well without it. */
  #say(run: Run): void {
    this.#sayRefused();
    const { errors, thrown, samples } = run;
    if (errors.length === 0 && thrown === undefined && this.#standing.size === 0) return;
    // One device that went away in the middle of a reading is nothing to speak of.
    const spoken: unknown[] = errors.filter((error) => !(error instanceof NoData));
    const kinds = kindsOf(thrown === undefined ? spoken : [...spoken, thrown]);
    const { report } = this.#needs;
    const { instance } = this.#options;
    const fewer = kinds.size < this.#standing.size;
    for (const kind of this.#standing) {
      if (kinds.has(kind)) continue;
      this.#standing.delete(kind);
      // Without samples, or with another in its place, it has not gone but changed.
      if (samples.length > 0 && fewer) report.recovered(`${this.#key} ${kind}`);
      else report.forget(`${this.#key} ${kind}`);
    }
    for (const [kind, { error, times }] of kinds) {
      this.#standing.add(kind);
      const more = times > 1 ? ` ${times - 1} more like it.` : '';
      const extent = samples.length === 0 ? 'no' : 'only a part of the';
      report.problem(`${this.#key} ${kind}`, {
        where: `collector ${instance}`,
        error,
        effect:
          error instanceof Remark
            ? `Nothing is missing because of it.${more}`
            : `This tick has ${extent} ${instance} samples.${more}`,
        remedy: remedyFor(error, instance),
        absent: error instanceof NoData || error instanceof Remark,
      });
    }
  }

  #refusedSaid = 0;
  #sayRefused(): void {
    const refused = this.#series.refused - this.#refusedSaid;
    const key = `${this.#key} series`;
    if (refused === 0) {
      this.#needs.report.recovered(key);
      return;
    }
    this.#refusedSaid = this.#series.refused;
    const { instance, newSeriesPerHour } = this.#options;
    this.#needs.report.problem(key, {
      where: `collector ${instance}`,
      error: new Foreseen(
        `${refused} observations belong to new series beyond the ${newSeriesPerHour} allowed in an hour`,
      ),
      effect: 'They are left out and counted in cullinan.collector.refused.',
      remedy: `Exclude short-lived devices, or raise collectors.${instance}.newSeriesPerHour.`,
    });
  }
}

/** So many kinds of problems of one collector are told apart; what is beyond them counts as one. */
const MOST_KINDS = 8;

/** Errors by kind: their message without what may be another in every tick. */
function kindsOf(errors: readonly unknown[]): Map<string, { error: unknown; times: number }> {
  const kinds = new Map<string, { error: unknown; times: number }>();
  for (const error of errors) {
    const message = error instanceof Error ? error.message : String(error);
    let kind = message.slice(0, 200).replace(/"[^"]*"|(?<!line )\b\d+(\.\d+)?/g, '#');
    if (!kinds.has(kind) && kinds.size >= MOST_KINDS) kind = 'others';
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { error, times: 1 });
    else known.times += 1;
  }
  return kinds;
}

function remedyFor(error: unknown, instance: string): string | undefined {
  if (error instanceof Fault) return error.remedy;
  switch (error instanceof Error ? error.name : '') {
    case 'AccessDenied':
      return `Let the agent's user read it, or set collectors.${instance}.enabled to false.`;
    case 'NoData':
      return `If it should be there, check host.proc, host.sys and host.root; if not, set collectors.${instance}.enabled to false.`;
    case 'ParseError':
      return 'If the file looks right to you, report it with a recording: cullinan record DIR.';
    case 'Unresponsive':
      return `See why it does not answer, or exclude it (cullinan describe ${instance}).`;
    default:
      return undefined;
  }
}

/** What one collection is given. A class, because its signal is made only for those that ask. */
class Context implements CollectContext {
  readonly host: Host;
  readonly agent: AgentStatus;
  readonly options: unknown;
  readonly since: CollectContext['since'];
  readonly hostname: string;
  readonly interval: number | undefined;
  readonly #run: Run;

  constructor(
    run: Run,
    { host, agent, hostname }: RunnerNeeds,
    options: unknown,
    since: CollectContext['since'],
    interval: number | undefined,
  ) {
    this.#run = run;
    this.host = host;
    this.agent = agent;
    this.options = options;
    this.since = since;
    this.hostname = hostname;
    this.interval = interval;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get time(): number {
    return this.#run.time;
  }
}

/** The state of one collection. */
class Run {
  readonly time: number;
  /** Seconds on the monotonic clock. */
  readonly at: number;
  readonly samples: Sample[];
  readonly errors: Error[] = [];
  thrown: unknown;
  abandoned = false;
  readonly #clock: Clock;
  readonly #timeout: number;
  #controller: AbortController | undefined;
  #timer: { cancel(): void } | undefined;

  constructor(time: number, clock: Clock, timeout: number, samples: Sample[]) {
    this.samples = samples;
    // What was divided is held on the heap by V8, also where it is whole: once for each series.
    this.time = (time | 0) === time ? time | 0 : time;
    this.at = clock.monotonic() / 1000;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Made when it is first asked for: most collectors are synchronous and never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // A collector may wait for any number of mounts at once.
      setMaxListeners(0, this.#controller.signal);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  /** Resolves when the deadline and the time of grace are over. */
  abandonment(): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = this.#clock.after(this.#timeout * 1000, () => {
        this.abort(new Unresponsive(`not done after ${this.#timeout} s`));
        this.#timer = this.#clock.after(GRACE, () => {
          this.abandoned = true;
          resolve();
        });
      });
    });
  }

  settle(): void {
    this.#timer?.cancel();
    if (this.abandoned) {
      this.thrown ??= new Unresponsive(`did not end within ${this.#timeout} s and was left behind`);
    }
  }

  outcome(): Outcome {
    if (this.abandoned) return 'timed-out';
    const all = this.thrown === undefined ? this.errors : [...this.errors, this.thrown];
    const errors = all.length === 0 ? all : all.filter((error) => !(error instanceof Remark));
    if (errors.length === 0) return 'ok';
    if (this.samples.length > 0) return 'partial';
    return errors.every((error) => error instanceof NoData) ? 'no-data' : 'failed';
  }
}
