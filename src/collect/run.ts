import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock/index.ts';
import {
  type AgentStatus,
  type CollectContext,
  type Host,
  NoData,
  type Outcome,
  Remark,
  Unresponsive,
} from '../plugin/index.ts';

/** After its deadline a collection has this many milliseconds to end by itself and say what hung. */
const GRACE = 250;

/** What one collection is given. A class, because its signal is made only for those that ask. */
export class Context implements CollectContext {
  readonly host: Host;
  readonly agent: AgentStatus;
  readonly options: unknown;
  readonly since: CollectContext['since'];
  readonly hostname: CollectContext['hostname'];
  readonly interval: number | undefined;
  readonly #run: Run;

  constructor(
    run: Run,
    { host, agent, hostname }: Pick<CollectContext, 'host' | 'agent' | 'hostname'>,
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
export class Run {
  readonly time: number;
  /** Seconds on the monotonic clock. */
  readonly at: number;
  /** How many it brought. */
  samples = 0;
  readonly errors: Error[] = [];
  thrown: unknown;
  abandoned = false;
  readonly #clock: Clock;
  readonly #timeout: number;
  #controller: AbortController | undefined;
  #timer: { cancel(): void } | undefined;

  constructor(time: number, clock: Clock, timeout: number) {
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
    if (this.samples > 0) return 'partial';
    return errors.every((error) => error instanceof NoData) ? 'no-data' : 'failed';
  }
}
