import type { Clock } from '../clock/index.ts';
import { Unresponsive } from '../plugin/index.ts';

/** Wakes whoever waits for it. A ring that nobody waits for is forgotten: look before you wait. */
export class Bell {
  #wake: (() => void) | undefined;
  #heard: Promise<void> | undefined;

  ring(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#heard = undefined;
  }

  heard(): Promise<void> {
    this.#heard ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#heard;
  }
}

/**
 * Something that may hang: connecting, a write, a close. Whoever waits for it is let go when it is
 * given up, by itself at its deadline; what settles later goes unheard.
 */
export class Attempt {
  readonly #aborter: AbortController;
  #fail: ((reason: unknown) => void) | undefined;

  /** @param aborter is aborted when the attempt is given up, so that what hangs can end, too. */
  constructor(aborter: AbortController) {
    this.#aborter = aborter;
  }

  giveUp(reason: unknown): void {
    this.#fail?.(reason);
    this.#aborter.abort(reason);
  }

  /**
   * Starts it, and waits until it settles or is given up.
   *
   * Nothing that is made here holds `start`, and with it what is written. With closures that did, more of
   * each tick's points was seen to grow old in memory.
   *
   * @param seconds until the deadline.
   * @param what is not done in time, for the error: `connecting`.
   */
  async within<T>(
    clock: Clock,
    seconds: number,
    what: string,
    start: () => T | Promise<T>,
  ): Promise<T> {
    const deadline = clock.after(seconds * 1000, () =>
      this.giveUp(new Unresponsive(`${what} took longer than ${seconds} s`)),
    );
    const givenUp = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    try {
      return await Promise.race([start(), givenUp]);
    } finally {
      deadline.cancel();
      this.#fail = undefined;
    }
  }
}

/** Seconds between attempts. */
export interface Backoff {
  readonly least: number;
  readonly most: number;
}

/**
 * Seconds to wait before the next attempt: somewhere between `least` and a ceiling that doubles
 * with each failure in a row, so that a thousand agents do not return to a restarted peer at once.
 *
 * @param failures in a row, 1 or more.
 * @param random from 0 to 1.
 */
export function backoff({ least, most }: Backoff, failures: number, random: number): number {
  const ceiling = Math.min(most, least * 2 ** Math.min(failures, 32));
  return least + random * Math.max(0, ceiling - least);
}
