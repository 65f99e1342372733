import { systemClock } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { createNotifier, type Expectation, openChannel, statusLine } from '../notify/index.ts';
import type { AgentStatus } from '../plugin/index.ts';
import type { Io } from './io.ts';

/** Milliseconds after which a service counts as started, whatever a collector may still wait for. */
const PATIENCE = 10_000;

/** Reports to systemd what becomes of the service; without systemd, to nobody. */
export class Reporting {
  readonly #notifier;

  /** @param status of the agent, while there is one. */
  constructor(
    environment: Io['environment'],
    log: Log,
    status: () => AgentStatus | undefined = () => undefined,
  ) {
    let failed = false;
    const channel = openChannel(environment, {
      clock: systemClock,
      failed: (error) => {
        // Once: it would be said at each tick.
        if (!failed) log.warn({}, `systemd does not hear the agent: ${String(error)}`);
        failed = true;
      },
    });
    this.#notifier = createNotifier({
      ...{ channel, environment, clock: systemClock, pid: process.pid },
      status: () => {
        const now = status();
        return now === undefined ? 'starting' : statusLine(now);
      },
    });
  }

  /** Ready, when the first collection is over. */
  async started(config: Config, collected: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof systemClock.after> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = systemClock.after(PATIENCE, resolve);
    });
    await Promise.race([collected, late]);
    timer?.cancel();
    this.ready(config);
  }

  ready(config: Config): void {
    this.#notifier.ready(expectationOf(config));
  }

  ticked(): void {
    this.#notifier.ticked();
  }

  reloading(config: Config): void {
    this.#notifier.reloading(expectationOf(config));
  }

  stopping(config: Config): void {
    this.#notifier.stopping(expectationOf(config));
  }
}

function expectationOf({ collectors, shutdown }: Config): Expectation {
  const interval = Math.min(...collectors.map((collector) => collector.interval));
  return {
    interval: Number.isFinite(interval) ? interval : undefined,
    delivering: shutdown.timeout,
  };
}
