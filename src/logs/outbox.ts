import type { Entry, Finding } from './entries.ts';
import type { Ledger } from './ledger.ts';

/** Something to be handed out in one collection. */
export interface Handout {
  readonly entry: Entry;
  /** It was found at an earlier tick, and is of that time. */
  readonly late: boolean;
  /** Absent, where it is written down nowhere. */
  readonly id: number | undefined;
}

/**
 * Between what is found in logs and those who are given it: written down first, handed out once, and struck
 * out when it is safe. What a process before left behind is handed out as it was found, with its time.
 */
export class Outbox {
  readonly #ledger: Ledger;
  readonly #writes: boolean;
  /** What could not be written down yet. */
  #unwritten: Entry | undefined;
  #passing: Entry | undefined;
  #wasLate = false;
  /** Handed out and not safe, oldest first. */
  #handed: { readonly id: number; readonly collection: number }[] = [];

  /** @param writes whether anything is written down. */
  constructor(ledger: Ledger, writes: boolean) {
    this.#ledger = ledger;
    this.#writes = writes;
  }

  /**
   * Whether something new is to be looked for: in every second collection, where something old is waiting,
   * because a series has one observation in each. At a tick that the process before has written down already
   * there is nothing new: a series has one point at each time.
   *
   * @param time the tick's, in seconds since the Unix epoch.
   * @throws why what was found before still cannot be written down: until it can, nothing is looked for.
   */
  async wantsMore(time: number): Promise<boolean> {
    const unwritten = this.#unwritten;
    if (unwritten !== undefined) {
      await this.#ledger.append(unwritten);
      this.#unwritten = undefined;
      return false;
    }
    if (time === this.#ledger.time) return false;
    return this.#ledger.next() === undefined || this.#wasLate;
  }

  /**
   * Takes in what was found. It is on disk when this resolves, where there is anything to keep.
   *
   * @throws why it cannot be written down: then it is kept until it can.
   */
  async put(entry: Entry): Promise<void> {
    this.#wasLate = false;
    if (!this.#writes || !entry.findings.some(isNews)) {
      this.#passing = entry;
      return;
    }
    this.#unwritten = entry;
    await this.#ledger.append(entry);
    this.#unwritten = undefined;
  }

  /** What is to be handed out in the collection of a tick. */
  take(time: number): Handout | undefined {
    const passing = this.#passing;
    this.#passing = undefined;
    if (passing !== undefined) return { entry: passing, late: false, id: undefined };
    const next = this.#ledger.next(time) ?? this.#ledger.next();
    return next && { entry: next.entry, late: next.entry.time !== time, id: next.id };
  }

  /** All of it was handed out. */
  handedOut({ id, late }: Handout, collection: number): void {
    if (id === undefined) return;
    this.#wasLate = late;
    this.#handed.push({ id, collection });
    this.#ledger.handedOut(id);
  }

  /** What was handed out in the first so many collections is safe. */
  settled(collections: number): void {
    for (let it = this.#handed[0]; it !== undefined; it = this.#handed[0]) {
      if (it.collection > collections) return;
      this.#handed.shift();
      this.#ledger.strike(it.id);
    }
  }
}

const isNews = ({ news, left }: Finding): boolean => news || left.size > 0;
