import { fstatSync, writeFileSync } from 'node:fs';
import { registry, Taps } from '../agent/index.ts';
import { systemClock } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import { Level, type Log, Recent, type Report, redact } from '../log/index.ts';
import { Foreseen } from '../plugin/index.ts';
import {
  type Answers,
  type Condition,
  conditionOf,
  type Flow,
  type LogLevelAnswer,
  type LogRequest,
  snapshot,
  type TapRequest,
} from '../status/index.ts';
import { Answering } from './answering.ts';
import { EXIT, type Io, listed } from './io.ts';
import { Reporting } from './reporting.ts';
import { type Assembled, assemble, type Loading, loadWithPlugins, openLog } from './setup.ts';
import { signals } from './signals.ts';
import { version } from './version.ts';

/** Talk that came up while a live view had the terminal; the latest lines, for when it is over. */
const MOST_HELD = 200;
/** What a configuration that cannot be loaded means to an agent that runs. */
const KEPT = 'The configuration before goes on.';
/** Milliseconds after which the first points are on their way. */
const POINTS_FIRST = 50;
/** Seconds for which another level holds, unless said. */
const USUAL_WISH = 600;

/** `cullinan run`: collects on every tick until it is told to stop. */
export async function run(io: Io, { config: path }: { config?: string }): Promise<number> {
  // First of all: a signal that comes while the agent starts waits until it has started.
  const told = signals();
  takeName();
  const service = await Service.create(io, path);
  service.reloadSoon = told.reload;
  await service.start();
  // Whoever only prints has nothing left to do when its reader has gone (`| head`).
  process.stdout.on('error', () => {
    service.readerGone = true;
    if (service.onlyPrints) told.stop();
  });
  while ((await told.next()) === 'reload') await service.reload();
  await service.stop();
  return EXIT.ok;
}

interface Running extends Assembled {
  readonly config: Config;
}

/** Takes the name that `top` and the log of the OOM killer show: Node leaves its own, or "MainThread". */
function takeName(): void {
  try {
    writeFileSync('/proc/self/comm', 'cullinan');
  } catch {
    // Other systems have no such file.
  }
}

/**
 * Whether standard output is the journal, by what systemd says of it (systemd.exec(5)). Nobody reads
 * metrics there: a service without a handler sends none.
 */
function intoJournal({ environment }: Io): boolean {
  try {
    const { dev, ino } = fstatSync(1);
    return environment['JOURNAL_STREAM'] === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** The configuration as it is by now. The plugins that it does not use are forgotten. */
async function read(
  io: Io,
  path: string | undefined,
  how: Pick<Loading, 'say' | 'consequence'>,
): Promise<Config> {
  const handlers = io.outIsTerminal ? { live: {} } : intoJournal(io) ? {} : { console: {} };
  const { config, plugins } = await loadWithPlugins(io, path, { ...how, handlers });
  await plugins.close();
  return config;
}

/** The agent as a service: one at a time, replaced only by one that is ready to run. */
class Service {
  readonly #io: Io;
  readonly #path: string | undefined;
  readonly #log: Log;
  readonly #report: Report;
  /** Every secret of every configuration so far: the log may still speak of one that is gone. */
  readonly #secrets = new Set<string>();
  readonly #held: string[] = [];
  readonly #answering: Answering;
  readonly #reporting: Reporting;
  readonly #level: Level;
  readonly #recent = new Recent();
  readonly #taps = new Taps(systemClock);
  #hold = false;
  #config: Config;
  #running: Running | undefined;
  /** Why there is nothing to tell while nothing runs. */
  #pause = 'it is starting';

  /** @throws a ConfigError. */
  static async create(io: Io, path: string | undefined): Promise<Service> {
    const said: string[] = [];
    const late: { say: (line: string) => void } = { say: (line) => void said.push(line) };
    const config = await read(io, path, { say: (line) => late.say(line) });
    const service = new Service(io, path, config);
    late.say = (line) => service.#log.warn({}, line);
    for (const line of said) late.say(line);
    return service;
  }

  private constructor(io: Io, path: string | undefined, config: Config) {
    this.#io = io;
    this.#path = path;
    this.#config = config;
    const { log, report } = openLog(io, this.#config, {
      secrets: this.#secrets,
      write: (line) => this.#say(line),
    });
    this.#log = log;
    this.#report = report;
    this.#level = new Level(log, systemClock);
    const answers: Answers = {
      answer: (request) => {
        switch (request.ask) {
          case 'status':
            return this.#snapshot();
          case 'health':
            return this.#condition();
          case 'lines':
            return { lines: this.#recent.lines };
          case 'log':
            return this.#logLevel(request);
          case 'reload':
            return this.#askedToReload();
        }
      },
      tap: (request) => this.#tap(request),
    };
    const condition = () => this.#condition();
    this.#answering = new Answering(io.environment, { log, report, answers, condition });
    this.#reporting = new Reporting(io.environment, log, () => this.#running?.agent.status);
    this.#take(this.#config);
  }

  /** Has the agent reload, after whatever it does now. */
  reloadSoon: (() => void) | undefined;

  /** Nobody reads standard output any more: what only prints need not be waited for. */
  readerGone = false;

  get onlyPrints(): boolean {
    return this.#config.handlers.every(({ handler }) => handler.name === 'console');
  }

  async start(): Promise<void> {
    this.#begin(await this.#assemble(this.#config));
    // The first points go first: to listen takes as much CPU as a tick.
    await new Promise((sent) => void systemClock.after(POINTS_FIRST, () => sent(undefined)));
    await this.#answering.follow(this.#config);
  }

  async reload(): Promise<void> {
    this.#reporting.reloading(this.#config);
    const say = (line: string) => this.#log.warn({}, line);
    try {
      const next = await read(this.#io, this.#path, { say, consequence: KEPT });
      await this.#replace(next);
      await this.#answering.follow(next);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#log.error({}, `the configuration was not reloaded\n${why}`);
    }
    this.#reporting.ready(this.#config);
  }

  /** Whoever asks is told what is wrong with the configuration, if something is. */
  async #askedToReload(): Promise<{ reloading: true; warnings: readonly string[] }> {
    const warnings: string[] = [];
    const say = (line: string) => void warnings.push(line);
    try {
      await read(this.#io, this.#path, { say, consequence: KEPT });
    } catch (error) {
      throw new Foreseen(error instanceof Error ? error.message : String(error));
    }
    this.reloadSoon?.();
    return { reloading: true, warnings };
  }

  async stop(): Promise<void> {
    this.#reporting.stopping(this.#config);
    this.#pause = 'it is stopping';
    await this.#end();
    await this.#answering.end();
    this.#hold = false;
    for (const line of this.#held) this.#io.err(line);
  }

  async #replace(next: Config): Promise<void> {
    const now = this.#running;
    if (now !== undefined && next.fingerprint() === this.#config.fingerprint()) {
      this.#take(next);
      const { started, stopped, kept } = await now.agent.reload(next);
      this.#running = { ...now, config: next };
      this.#log.info(
        { started, stopped, kept },
        `configuration reloaded: started ${listed(started) || 'nothing'}, stopped ${listed(stopped) || 'nothing'}, ${kept.length} untouched`,
      );
      return;
    }
    for (const secret of next.secrets) this.#secrets.add(secret);
    const ready = await this.#assemble(next);
    this.#pause = 'it is beginning anew, with another configuration';
    await this.#end();
    this.#take(next);
    this.#begin(ready);
    this.#log.info({}, 'configuration reloaded: hostname, labels or host changed, so all is new');
  }

  #snapshot() {
    const running = this.#running;
    if (running === undefined) throw new Foreseen(this.#pause);
    const { agent, identity } = running;
    const own = { version: version(), host: identity.label, pid: process.pid };
    const told = snapshot(agent.status, { ...own, uptime: process.uptime() });
    // What is logged is free of secrets; what is asked for has to be, too.
    return { ...told, problem: told.problem && redact(told.problem, this.#secrets) };
  }

  #condition(): Condition {
    const running = this.#running;
    if (running === undefined) return { alive: false, ready: false, reasons: [this.#pause] };
    const { since, interval } = running.agent.ticking;
    return conditionOf({ status: running.agent.status, sinceTick: since, interval });
  }

  #logLevel({ level, seconds }: LogRequest): LogLevelAnswer {
    if (level === 'configured') this.#level.end();
    else if (level !== undefined) this.#level.wish(level, seconds ?? USUAL_WISH);
    const now = this.#level.now;
    if (level !== undefined) {
      const until = now.seconds === undefined ? '' : ` for ${now.seconds} s, as somebody asked`;
      this.#log[now.level === 'debug' ? 'debug' : 'info']({}, `logging ${now.level}${until}`);
    }
    return now;
  }

  async #tap(request: TapRequest): Promise<Flow> {
    const { handler } = request;
    const names = this.#running?.agent.status.handlers.map(({ name }) => name) ?? [];
    const known = names.some((name) => name === handler || name.startsWith(`${handler}[`));
    if (handler !== undefined && !known) {
      throw new Foreseen(`there is no handler ${handler}; there are ${listed(names)}`);
    }
    return this.#taps.add(request);
  }

  #take(config: Config): void {
    this.#config = config;
    for (const secret of config.secrets) this.#secrets.add(secret);
    this.#level.configure(config.log.level);
    const live = registry.handlers.get('live');
    this.#hold = this.#io.errIsTerminal && config.handlers.some(({ handler }) => handler === live);
  }

  async #assemble(config: Config): Promise<Running> {
    const needs = {
      ...{ log: this.#log, report: this.#report, taps: this.#taps },
      ticked: () => this.#reporting.ticked(),
    };
    return { ...(await assemble(config, needs)), config };
  }

  #begin(running: Running): void {
    this.#running = running;
    const { agent, identity, config } = running;
    void this.#reporting.started(config, agent.start());
    const handlers = listed(config.handlers.map(({ instance }) => instance));
    this.#log.info(
      { collectors: config.collectors.length, files: config.files },
      `collecting from ${identity.path || 'this host'} every ${config.interval} s for ${handlers || 'nobody: name a handler in the configuration'}`,
    );
  }

  async #end(): Promise<void> {
    if (this.#running === undefined) return;
    const { agent, config, dispose } = this.#running;
    this.#running = undefined;
    const left = await agent.stop(this.readerGone && this.onlyPrints ? 0 : config.shutdown.timeout);
    await dispose();
    const books = agent.status.handlers.map(
      ({ name, observed, delivered, queued, spooled, dropped, resent }) => ({
        handler: name,
        observed,
        delivered,
        queued,
        spooled,
        dropped,
        resent,
      }),
    );
    const lost = books.reduce((sum, { observed, delivered, spooled }) => {
      return sum + observed - delivered - spooled;
    }, 0);
    const spooled = books.reduce((sum, book) => sum + book.spooled, 0);
    const earlier = lost - left;
    const said = [
      ...(left + spooled === 0 ? ['everything that was queued was delivered'] : []),
      ...(spooled > 0 ? [`${spooled} points wait in the spool for the next start`] : []),
      ...(left > 0 ? [`${left} points were not delivered in time and are dropped`] : []),
      ...(earlier > 0 ? [`${earlier} had been dropped before`] : []),
    ].join('; ');
    this.#log[lost === 0 ? 'info' : 'warn']({ books }, `stopped: ${said}`);
  }

  #say(line: string): void {
    this.#recent.add(line);
    if (!this.#hold) {
      this.#io.err(line);
      return;
    }
    this.#held.push(line);
    if (this.#held.length > MOST_HELD) this.#held.shift();
  }
}
