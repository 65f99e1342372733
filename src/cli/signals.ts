import { systemClock } from '../clock/index.ts';
import { EXIT } from './io.ts';

/** What the process is told from outside. */
export type Told = 'reload' | 'stop';

/**
 * A Ctrl-C may come twice at once: from the terminal, and from npm, which has had it too and passes
 * it on. Nobody repeats himself within this time (milliseconds).
 */
const SAME_SIGNAL = 300;

/**
 * Listens to SIGHUP (reload), SIGTERM and SIGINT (stop) from now on. What comes while nobody waits is
 * kept: several reloads as one, and a stop before any reload. A second stop ends the process at once.
 */
export function signals(): {
  next(): Promise<Told>;
  /** Asks for a stop from inside. */
  stop(): void;
  /** Asks for a reload from inside. */
  reload(): void;
} {
  let reload = false;
  let stopped: number | undefined;
  let wake: (() => void) | undefined;
  const askReload = () => {
    reload = true;
    wake?.();
  };
  process.on('SIGHUP', askReload);
  // Not once(): between the end of one listener and the next, the signal would kill the process.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const now = systemClock.monotonic();
      if (stopped !== undefined && now - stopped > SAME_SIGNAL) process.exit(EXIT.failure);
      stopped ??= now;
      wake?.();
    });
  }
  // Made here, and not while somebody waits for the next: the code that packages keep of a start has the order in
  // which functions came to be, and must not tell whether a peer answered sooner.
  const wakes = (resolve: () => void) => {
    wake = resolve;
  };
  const idle = () => {};
  return {
    reload: askReload,
    stop() {
      stopped ??= systemClock.monotonic();
      wake?.();
    },
    async next() {
      // Made also where nobody waits for it: the code that packages keep of a start must not tell how soon it was stopped.
      const woken = new Promise<void>(wakes);
      if (stopped === undefined && !reload) {
        // Signals alone do not keep a process alive.
        const alive = setInterval(idle, 2 ** 30);
        await woken;
        clearInterval(alive);
      }
      wake = undefined;
      if (stopped !== undefined) return 'stop';
      reload = false;
      return 'reload';
    },
  };
}
