import type { Clock, Timer } from '../../src/clock/index.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to move on. Timers fire in order, at their exact time.
 * The wall clock can be stepped and the machine suspended without any time passing for the program.
 */
export class SimulatedClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #suspended = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** @param wall milliseconds since the Unix epoch. */
  constructor(wall = Date.UTC(2026, 0, 1)) {
    this.#wall = wall;
  }

  now = (): number => Math.floor(this.#wall);
  monotonic = (): number => this.#monotonic;
  boottime = (): number => this.#monotonic + this.#suspended;

  after = (ms: number, callback: () => void): Timer => {
    this.#order += 1;
    const timer = { at: this.#monotonic + Math.max(ms, 0), order: this.#order, callback };
    this.#pending.add(timer);
    return { cancel: () => this.#pending.delete(timer) };
  };

  /** Timers that have not fired. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Lets time pass and fires what comes due. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#move(next.at);
      next.callback();
    }
    this.#move(end);
  }

  /** Like {@link advance}, and lets promises settle after every timer. */
  async run(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#move(next.at);
      next.callback();
      await settle();
    }
    this.#move(end);
  }

  /** Time passes while the program does not get to run: timers come due late. */
  stall(ms: number): void {
    this.#move(this.#monotonic + ms);
  }

  /** Somebody sets the wall clock. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: the wall clock and the boot clock go on, the monotonic clock does not. */
  suspend(ms: number): void {
    this.#wall += ms;
    this.#suspended += ms;
  }

  #next(end: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#pending) {
      const sooner =
        next === undefined ||
        timer.at < next.at ||
        (timer.at === next.at && timer.order < next.order);
      if (timer.at <= end && sooner) next = timer;
    }
    return next;
  }

  #move(monotonic: number): void {
    if (monotonic <= this.#monotonic) return;
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

/** Lets everything that is ready to run, run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
