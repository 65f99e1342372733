import type { Timer } from '../clock/index.ts';
import type { DeliveryDeps } from './contract.ts';
import { type Backoff, backoff } from './wait.ts';

/** The time in which what the peer would not take yet is left in peace, with what is on disk. */
export class Respite {
  readonly #deps: Pick<DeliveryDeps, 'clock' | 'random'>;
  readonly #backoff: Backoff;
  readonly #ended: () => void;
  #timer: Timer | undefined;
  /** Attempts in a row of which it took nothing. */
  #refusals = 0;

  /** @param ended is called at the end of each. */
  constructor(deps: Pick<DeliveryDeps, 'clock' | 'random'>, backoff: Backoff, ended: () => void) {
    this.#deps = deps;
    this.#backoff = backoff;
    this.#ended = ended;
  }

  /** Whether one is under way. */
  get lasts(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Begins one, if none is under way.
   *
   * @param took whether the peer took something of the attempt.
   * @returns how many seconds it lasts; `undefined` if one was under way.
   */
  begin(took: boolean): number | undefined {
    if (this.lasts) return undefined;
    this.#refusals = took ? 1 : this.#refusals + 1;
    const seconds = backoff(this.#backoff, this.#refusals, this.#deps.random());
    this.#timer = this.#deps.clock.after(seconds * 1000, () => this.end());
    return seconds;
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#ended();
  }
}
