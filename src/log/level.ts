import type { Clock, Timer } from '../clock/index.ts';
import type { Log } from './log.ts';

/** How much is logged: as configured, or for a while as somebody wished who looks at a running agent. */
export class Level {
  readonly #log: Log;
  readonly #clock: Clock;
  #configured: string;
  #wish: { readonly until: number; readonly timer: Timer } | undefined;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#configured = log.level;
  }

  /** The configuration says so, now or again. A wish goes on until its time is over. */
  configure(level: string): void {
    this.#configured = level;
    if (this.#wish === undefined) this.#log.level = level;
  }

  /** Logs so much for so many seconds. */
  wish(level: string, seconds: number): void {
    this.#wish?.timer.cancel();
    const timer = this.#clock.after(seconds * 1000, () => this.end());
    this.#wish = { until: this.#clock.monotonic() + seconds * 1000, timer };
    this.#log.level = level;
  }

  /** As configured again. */
  end(): void {
    this.#wish?.timer.cancel();
    this.#wish = undefined;
    this.#log.level = this.#configured;
  }

  get now(): {
    readonly level: string;
    readonly configured: string;
    readonly seconds: number | undefined;
  } {
    const left = this.#wish && Math.ceil((this.#wish.until - this.#clock.monotonic()) / 1000);
    return { level: this.#log.level, configured: this.#configured, seconds: left };
  }
}
