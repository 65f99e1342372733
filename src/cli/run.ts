import { setTimeout as sleep } from 'node:timers/promises';
import { registry } from '../agent/index.ts';
import { type Config, ConfigError } from '../config/index.ts';
import type { Log, Report } from '../log/index.ts';
import { EXIT, type Io, listed } from './io.ts';
import { type Assembled, assemble, load, openLog } from './setup.ts';

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
      next = load(io, path, handlers, 'The configuration before goes on.');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error(
        {},
        `the configuration was not reloaded
${error.message}`,
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

interface Running extends Assembled {
  readonly config: Config;
}

async function begin(config: Config, log: Log, report: Report): Promise<Running> {
  const assembled = await assemble(config, { log, report });
  assembled.agent.start();
  const handlers = config.handlers.map(({ instance }) => instance);
  log.info(
    { collectors: config.collectors.length, files: config.files },
    `collecting from ${assembled.identity.path || 'this host'} every ${config.interval} s for ${listed(handlers)}`,
  );
  return { ...assembled, config };
}

async function end({ agent, config, dispose }: Running, log: Log): Promise<void> {
  const left = await agent.stop(config.shutdown.timeout);
  await dispose();
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

/**
 * A Ctrl-C may come twice at once: from the terminal, and from npm, which has had it too and passes
 * it on. Nobody repeats himself within this time (milliseconds).
 */
const SAME_SIGNAL = 300;

/** Resolves at SIGTERM or SIGINT; a second one ends the process at once. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    let told: number | undefined;
    // Not once(): between the end of one listener and the next, the signal would kill the process.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (told !== undefined && now - told > SAME_SIGNAL) process.exit(EXIT.failure);
        told ??= now;
        resolve();
      });
    }
  });
  await sleep(0);
}
