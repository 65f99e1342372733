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
 * Starts something and waits until it settles or `aborter` aborts, which it does at the deadline
 * by itself. What settles later goes unheard.
 *
 * @param seconds until the deadline.
 * @param what is not done in time, for the error: `connecting`.
 */
export function within<T>(
  clock: Clock,
  seconds: number,
  aborter: AbortController,
  what: string,
  start: () => T | Promise<T>,
): Promise<T> {
  const { signal } = aborter;
  return new Promise((resolve, reject) => {
    const deadline = clock.after(seconds * 1000, () =>
      aborter.abort(new Unresponsive(`${what} took longer than ${seconds} s`)),
    );
    const abort = () => {
      deadline.cancel();
      reject(signal.reason);
    };
    const settled = () => {
      deadline.cancel();
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort, { once: true });
    new Promise<T>((started) => started(start())).then(
      (result) => {
        settled();
        resolve(result);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

/**
 * Seconds to wait before the next attempt: somewhere between `least` and a ceiling that doubles
 * with each failure in a row, so that a thousand agents do not return to a restarted peer at once.
 *
 * @param failures in a row, 1 or more.
 * @param random from 0 to 1.
 */
export function backoff(
  { least, most }: { readonly least: number; readonly most: number },
  failures: number,
  random: number,
): number {
  const ceiling = Math.min(most, least * 2 ** Math.min(failures, 32));
  return least + random * Math.max(0, ceiling - least);
}
