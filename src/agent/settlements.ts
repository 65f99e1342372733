import type { Runner } from '../collect/index.ts';
import type { Delivery } from '../deliver/index.ts';

/** A collection, and how much each handler must have settled before all of it is out of memory. */
interface Owed {
  readonly runner: Runner;
  readonly runs: number;
  readonly marks: readonly { readonly delivery: Delivery; readonly observed: number }[];
}

/**
 * Tells collectors that ask for it (those that commit offsets) when what they observed has left the
 * agent's memory. Points leave it in the order in which they came, so a number per handler will do.
 */
export class Settlements {
  #arrived: { readonly runner: Runner; readonly runs: number }[] = [];
  #owed: Owed[] = [];

  /** A collection arrived; its points are yet to be handed on. */
  arrived(runner: Runner): void {
    const runs = runner.awaiting;
    if (runs !== undefined) this.#arrived.push({ runner, runs });
  }

  /** All points that arrived have been handed on over these lines. */
  handedOn(lines: ReadonlyMap<string, { readonly delivery: Delivery }>): void {
    if (this.#arrived.length > 0) {
      const marks = [...lines.values()].map(({ delivery }) => {
        return { delivery, observed: delivery.observed };
      });
      for (const each of this.#arrived) this.#owed.push({ ...each, marks });
      this.#arrived = [];
    }
    this.settle();
  }

  /** Looks what has settled meanwhile. */
  settle(): void {
    while (this.#owed[0]?.marks.every(({ delivery, observed }) => delivery.settled >= observed)) {
      const { runner, runs } = this.#owed.shift() as Owed;
      runner.settled(runs);
    }
  }
}
