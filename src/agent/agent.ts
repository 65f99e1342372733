import type { Clock, Timer } from '../clock/index.ts';
import { type Collection, createRunner, createTable, type Runner } from '../collect/index.ts';
import { Draft, type Readings, samplesOf } from '../columns/index.ts';
import type { CollectorConfig, Config } from '../config/index.ts';
import { createDelivery, type Left } from '../deliver/index.ts';
import type { Log, Report } from '../log/index.ts';
import type { Sample } from '../metric/index.ts';
import type { AgentStatus, Collector, Host } from '../plugin/index.ts';
import { createSchedule, stagger } from '../schedule/index.ts';
import { differences } from './differences.ts';
import { Disturbances } from './disturbances.ts';
import { createOutlet, handOn, type Identity, type Line } from './outlet.ts';
import { type Destination, destinations } from './peers.ts';
import { Settlements } from './settlements.ts';
import { Status } from './status.ts';
import type { Taps } from './taps.ts';

export interface AgentNeeds {
  readonly config: Config;
  readonly host: Host;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  readonly report: Report;
  /** 0 ≤ number < 1. */
  readonly random: () => number;
  /** Another way for a collector to observe the same, on a host where it cannot read its files. */
  readonly adapt?: ((collector: Collector, config: CollectorConfig) => Collector) | undefined;
  /** Called after each wake-up of the scheduler in which something was due. */
  readonly ticked?: (() => void) | undefined;
  /** Where points are shown as they pass. */
  readonly taps?: Taps | undefined;
}

/** What a reload did, by instance name. */
export interface Changes {
  readonly started: readonly string[];
  readonly stopped: readonly string[];
  readonly kept: readonly string[];
}

/** The agent: collectors on a schedule, their samples named and handed to every handler. */
export interface Agent {
  readonly status: AgentStatus;
  /** Seconds since a tick last ran, or since the start where none has; and between two, at most. */
  readonly ticking: { readonly since: number; readonly interval: number };
  /**
   * Starts collecting on the wall clock's ticks; the first collection is made at once. Resolves when it
   * is over for each collector, and never rejects.
   */
  start(): Promise<void>;
  /** Collects everything once and stamps it with `time`, without a schedule. Resolves with the samples. */
  collect(time: number): Promise<readonly Sample[]>;
  /**
   * Takes another configuration with the same globals (its `fingerprint`); whatever did not change
   * lives on, state and connections included.
   */
  reload(config: Config): Promise<Changes>;
  /** Ends collecting and delivers what is queued, for at most `deadline` seconds. Resolves with the points left over. */
  stop(deadline: number): Promise<number>;
}

/** A person who watches sees rates after this many milliseconds instead of an interval. */
const PREVIEW = 1000;

export function createAgent(needs: AgentNeeds): Agent {
  return new HostAgent(needs);
}

class HostAgent implements Agent {
  readonly #needs: AgentNeeds;
  readonly #table = createTable();
  readonly #runners = new Map<string, { config: CollectorConfig; runner: Runner }>();
  readonly #lines = new Map<string, Line>();
  readonly #settlements = new Settlements();
  readonly #schedule;
  readonly #disturbances: Disturbances;
  #config: Config;
  #lag = 0;
  #endedResets = 0;
  #ticked = false;
  /** The first collections that take their time, while the agent starts. */
  #first: Promise<unknown>[] | undefined;
  /** When something last ran, on the monotonic clock. */
  #ran = 0;
  #preview: Timer | undefined;

  readonly status: AgentStatus = new Status({
    collectors: () => [...this.#runners.values()].map(({ runner }) => runner.status),
    handlers: () => [...this.#lines.values()].map(({ delivery }) => delivery.status()),
    schedule: () => this.#disturbances.counts,
    counterResets: () => {
      let resets = this.#endedResets;
      for (const { runner } of this.#runners.values()) resets += runner.counterResets;
      return resets;
    },
    lag: () => this.#lag / 1000,
    problem: () => this.#needs.report.standing,
  });

  constructor(needs: AgentNeeds) {
    this.#needs = needs;
    this.#config = needs.config;
    this.#disturbances = new Disturbances(needs.log);
    this.#schedule = createSchedule({
      clock: needs.clock,
      disturbed: (disturbance) => this.#disturbances.add(disturbance),
      afterWake: (lateness) => {
        this.#lag = lateness;
        this.#ticked = true;
        this.#ran = this.#needs.clock.monotonic();
        this.#flush();
        needs.ticked?.();
      },
    });
    for (const handler of this.#config.handlers.flatMap(destinations)) this.#addHandler(handler);
    for (const collector of this.#config.collectors) this.#addCollector(collector);
  }

  get ticking() {
    const { clock } = this.#needs;
    const interval = Math.min(...this.#config.collectors.map(({ interval }) => interval));
    const since = (clock.monotonic() - this.#ran) / 1000;
    // Without a collector there are no ticks to miss.
    return { since: Number.isFinite(interval) ? since : 0, interval };
  }

  async start(): Promise<void> {
    const { clock } = this.#needs;
    const first: Promise<unknown>[] = [];
    this.#first = first;
    this.#ran = clock.monotonic();
    this.#schedule.start();
    this.#first = undefined;
    this.#ticked = false;
    const lines = [...this.#lines.values()];
    if (lines.length > 0 && lines.every(({ outlet }) => outlet.config.handler.previews)) {
      this.#preview = clock.after(PREVIEW, () => void this.#readEarly());
    }
    await Promise.allSettled(first);
  }

  async collect(time: number): Promise<readonly Sample[]> {
    const collections = await Promise.all(
      [...this.#runners.values()].map(({ runner }) => runner.run(time)),
    );
    const samples = collections.flatMap((collection) => collection.samples);
    for (const { outlet, points } of this.#lines.values()) outlet.samples(samples, points);
    this.#flush();
    return samples;
  }

  async reload(config: Config): Promise<Changes> {
    this.#config = config;
    const lines = [...this.#lines.values()].map(({ outlet }) => outlet.config);
    const handlers = differences(lines, config.handlers.flatMap(destinations));
    const runners = [...this.#runners.values()].map((it) => it.config);
    const collectors = differences(runners, config.collectors);
    const endings = [
      ...handlers.stopped.map((it) => this.#endHandler(it, config.shutdown.timeout)),
      ...collectors.stopped.map((it) => this.#endCollector(it)),
    ];
    for (const handler of handlers.started) this.#addHandler(handler);
    for (const collector of collectors.started) this.#addCollector(collector);
    await Promise.allSettled(endings);
    return {
      started: [...handlers.started, ...collectors.started].map(({ instance }) => instance),
      stopped: [...handlers.stopped, ...collectors.stopped],
      kept: [...handlers.kept, ...collectors.kept],
    };
  }

  async stop(deadline: number): Promise<number> {
    this.#schedule.stop();
    this.#preview?.cancel();
    await Promise.allSettled([...this.#runners.values()].map(({ runner }) => runner.close()));
    const left = await Promise.all(
      [...this.#lines.values()].map((line) => this.#end(line, 'shutdown', deadline)),
    );
    this.#settlements.settle();
    return left.reduce((sum, one) => sum + one.left, 0);
  }

  #addHandler(config: Destination): void {
    const { clock, random, report, log, identity } = this.#needs;
    const outlet = createOutlet(config, this.#config, identity);
    const delivery = createDelivery(
      {
        name: config.instance,
        handler: config.handler,
        options: config.options,
        dialect: config.dialect,
        queue: config.queue,
        spool: config.queue.spool,
        batch: config.batch,
        interval: config.interval ?? this.#config.interval,
        linger: config.linger,
        timeout: config.timeout,
        backoff: config.backoff,
        resend: config.handler.idempotent ? (config.resend ?? 2 * this.#config.interval) : 0,
      },
      { clock, random, agent: this.status, host: identity.label, report, log },
    );
    this.#lines.set(config.instance, { outlet, delivery, points: new Draft() });
  }

  #addCollector(config: CollectorConfig): void {
    const { clock, host, identity, report, adapt } = this.#needs;
    const collector = adapt?.(config.collector, config) ?? config.collector;
    const runner = createRunner(
      { ...config, collector },
      {
        clock,
        host,
        hostname: identity.label,
        agent: this.status,
        table: this.#table,
        report,
      },
    );
    this.#runners.set(config.instance, { config, runner });
    this.#schedule.add({
      name: config.instance,
      interval: Math.round(config.interval * 1000),
      offset: stagger(config.stagger * 1000, identity.label),
      skipped: () => runner.skip(),
      run: ({ time }) => {
        const collection = runner.run(time);
        if (!(collection instanceof Promise)) return this.#arrived(runner, collection);
        const settled = collection.then((late) => {
          const result = this.#arrived(runner, late);
          this.#flush();
          return result;
        });
        this.#first?.push(settled);
        return settled;
      },
    });
  }

  #arrived(runner: Runner, { outcome, readings }: Collection): 'fine' | 'failed' {
    this.#route(readings);
    const { log } = this.#needs;
    if (log.level === 'debug') {
      const { name, seconds } = runner.status;
      const where = `collector ${name}`;
      log.debug({ where, seconds }, `${where}: ${outcome}, ${readings?.length ?? 0} samples`);
    }
    this.#settlements.arrived(runner);
    // A run that was skipped because the one before still hangs is no success.
    const fine = outcome === 'ok' || outcome === 'partial' || outcome === 'no-data';
    return fine ? 'fine' : 'failed';
  }

  /** Names samples for every handler. What one wake-up brings is handed on together: see {@link #flush}. */
  #route(readings: Readings | undefined): void {
    if (readings === undefined || readings.length === 0) return;
    const taps = this.#needs.taps?.open;
    if (taps === undefined) {
      for (const { outlet, points } of this.#lines.values()) outlet.points(readings, points);
    } else this.#routeTapped(readings, taps);
  }

  #routeTapped(readings: Readings, taps: NonNullable<Taps['open']>): void {
    const lines = [...this.#lines.values()];
    const samples = samplesOf(readings);
    for (const tap of taps)
      tap.observed(
        samples,
        lines.map(({ outlet }) => outlet),
      );
    for (const { outlet, points } of lines) {
      const from = points.length;
      outlet.points(readings, points);
      const sent = points.since(from);
      for (const tap of taps) tap.sent(outlet, sent);
    }
  }

  #flush(): void {
    const { log } = this.#needs;
    const debugs = log.level === 'debug';
    for (const [instance, line] of this.#lines) {
      if (debugs) {
        const where = `handler ${instance}`;
        log.debug({ where }, `${where}: ${line.points.length} points are queued`);
      }
      handOn(line);
      line.delivery.flush();
    }
    this.#settlements.handedOn(this.#lines);
  }

  /**
   * Reads once more soon after the start, so that a person who watches need not wait an interval for
   * rates. Only where nobody else listens: other handlers have one sample per tick. A tick that came
   * meanwhile has brought the rates already.
   */
  async #readEarly(): Promise<void> {
    if (this.#ticked) return;
    const now = this.#needs.clock.now() / 1000;
    for (const { config, runner } of [...this.#runners.values()]) {
      const { readings } = await runner.run(Math.floor(now / config.interval) * config.interval);
      this.#route(readings);
    }
    this.#flush();
  }

  #end(line: Line, reason: 'shutdown' | 'reload', deadline: number): Promise<Left> {
    line.outlet.rest(line.points);
    handOn(line);
    return line.delivery.stop(reason, deadline * 1000);
  }

  /** Ends a handler that a reload removed or changed, and tells what became of its points. */
  async #endHandler(instance: string, deadline: number): Promise<void> {
    const { log, report } = this.#needs;
    const line = this.#lines.get(instance) as Line;
    this.#lines.delete(instance);
    const { left } = await this.#end(line, 'reload', deadline);
    report.forget(`handler ${instance}`);
    const { observed, delivered, spooled, dropped } = line.delivery.status();
    const said = [
      ...(left + spooled === 0 ? ['everything was delivered'] : []),
      ...(spooled > 0 ? [`${spooled} points stay in its spool`] : []),
      ...(left > 0 ? [`${left} points were not delivered in time and are dropped`] : []),
    ].join('; ');
    log[left === 0 ? 'info' : 'warn'](
      { books: [{ handler: instance, observed, delivered, spooled, dropped }] },
      `handler ${instance} ended: ${said}`,
    );
  }

  /** Ends a collector that a reload removed or changed. */
  #endCollector(instance: string): Promise<void> {
    const { runner } = this.#runners.get(instance) as { runner: Runner };
    this.#schedule.remove(instance);
    this.#runners.delete(instance);
    this.#endedResets += runner.counterResets;
    return runner.close();
  }
}
