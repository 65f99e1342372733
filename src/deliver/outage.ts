import type { DeliveryDeps } from './contract.ts';
import type { Line } from './line.ts';
import { type Backoff, backoff } from './wait.ts';

/**
 * The time in which the peer cannot be delivered to: from a connection that failed to one that has taken a
 * batch, has not died young and is not stuck.
 */
export class Outage {
  readonly #deps: Pick<DeliveryDeps, 'clock' | 'random'>;
  readonly #backoff: Backoff;
  readonly #isWell: (line: Line) => boolean;
  readonly #over: () => void;
  #lasts = false;
  /** Connections in a row that did not hold. */
  #failures = 0;

  /**
   * @param isWell whether a connection is still there, and not stuck.
   * @param over is called at its end.
   */
  constructor(
    deps: Pick<DeliveryDeps, 'clock' | 'random'>,
    backoff: Backoff,
    { isWell, over }: { readonly isWell: (line: Line) => boolean; readonly over: () => void },
  ) {
    this.#deps = deps;
    this.#backoff = backoff;
    this.#isWell = isWell;
    this.#over = over;
  }

  get lasts(): boolean {
    return this.#lasts;
  }

  /** Whether a connection had held for long enough when the trouble with it began. */
  held({ took, opened }: Line, began: number): boolean {
    return took && began - opened >= this.#backoff.least * 1000;
  }

  /**
   * A connection failed.
   *
   * @param held whether it had {@link held} until then.
   * @returns seconds until the next attempt.
   */
  begin(held: boolean): number {
    this.#lasts = true;
    this.#failures = held ? 0 : this.#failures + 1;
    return held ? 0 : backoff(this.#backoff, this.#failures, this.#deps.random());
  }

  /** A connection has taken a batch. */
  prove(line: Line, now: number): void {
    if (!this.#lasts || line.proof !== undefined) return;
    const young = this.#backoff.least * 1000 - (now - line.opened);
    if (young <= 0) this.#end();
    else
      line.proof = this.#deps.clock.after(young, () => {
        line.proof = undefined;
        if (this.#isWell(line)) this.#end();
      });
  }

  #end(): void {
    this.#lasts = false;
    this.#failures = 0;
    this.#over();
  }
}
