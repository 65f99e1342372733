import { setTimeout as sleep } from 'node:timers/promises';
import { type Agent, createAgent, registry } from '../agent/index.ts';
import { systemClock } from '../clock/index.ts';
import { type Config, ConfigError } from '../config/index.ts';
import type { Log, Report } from '../log/index.ts';
import type { Host } from '../plugin/index.ts';
import { EXIT, type Io, listed } from './io.ts';
import { identify, load, openHost, openLog } from './setup.ts';

/** Talk that came up while a live view had the terminal; the latest lines, for when it is over. */
const MOST_HELD = 200;

/** `cullinan run`: collects on every tick until it is told to stop. */
export async function run(io: Io, { config: path }: { config?: string }): Promise<number> {
  const handlers = io.outIsTerminal ? { live: {} } : { console: {} };
  const config = load(io, path, handlers);
  const held: string[] = [];
  const watched = ({ handlers }: Config): boolean =>
    io.errIsTerminal && handlers.some(({ handler }) => handler === registry.handlers.get('live'));
  let hold = watched(config);
  const { log, report } = openLog(io, config, {
    write: (line) => {
      if (!hold) return io.err(line);
      held.push(line);
      if (held.length > MOST_HELD) held.shift();
    },
  });

  let running = await begin(config, log, report);
  const reload = async (): Promise<void> => {
    let next: Config;
    try {
      next = load(io, path, handlers);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error(
        {},
        `the configuration was not taken over; the one before goes on.\n${error.message}`,
      );
      return;
    }
    log.level = next.log.level;
    hold = watched(next);
    if (next.fingerprint === running.config.fingerprint) {
      const { started, stopped, kept } = await running.agent.reload(next);
      running = { ...running, config: next };
      log.info(
        { started, stopped, kept: kept.length },
        `configuration reloaded: ${listed(started) || 'nothing'} started, ${listed(stopped) || 'nothing'} stopped, ${kept.length} untouched`,
      );
      return;
    }
    await end(running, log);
    running = await begin(next, log, report);
    log.info(
      {},
      'configuration reloaded: hostname, labels or host changed, so everything was started anew',
    );
  };

  // One after the other: a second reload waits for the first.
  let reloading = Promise.resolve();
  process.on('SIGHUP', () => {
    reloading = reloading.then(reload).catch((error: unknown) => {
      log.error({ stack: String(error instanceof Error ? error.stack : error) }, 'reload failed');
    });
  });
  await stopSignal();
  await reloading;
  await end(running, log);
  hold = false;
  for (const line of held) io.err(line);
  return EXIT.ok;
}

interface Running {
  readonly agent: Agent;
  readonly config: Config;
  readonly host: Host & { close(): void };
}

async function begin(config: Config, log: Log, report: Report): Promise<Running> {
  const host = openHost(config);
  const identity = await identify(config);
  const agent = createAgent({
    config,
    host,
    identity,
    clock: systemClock,
    log,
    report,
    random: Math.random,
  });
  agent.start();
  log.info(
    { collectors: config.collectors.length, files: config.files },
    `collecting from ${identity.label || 'this host'} every ${config.interval} s for ${listed(config.handlers.map(({ instance }) => instance))}`,
  );
  return { agent, config, host };
}

async function end({ agent, config, host }: Running, log: Log): Promise<void> {
  const left = await agent.stop(config.shutdown.timeout);
  host.close();
  const books = agent.status.handlers.map(
    ({ name, observed, delivered, queued, dropped, resent }) => ({
      handler: name,
      observed,
      delivered,
      queued,
      dropped,
      resent,
    }),
  );
  const said =
    left === 0
      ? 'everything was delivered'
      : `${left} points were not delivered within ${config.shutdown.timeout} s and are dropped`;
  log[left === 0 ? 'info' : 'warn']({ books }, `stopped: ${said}`);
}

/** Resolves at SIGTERM or SIGINT; a second one ends the process at once. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(EXIT.failure));
        resolve();
      });
    }
  });
  await sleep(0);
}
