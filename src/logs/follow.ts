import { type Clock, systemClock } from '../clock/index.ts';
import type { Observation } from '../metric/index.ts';
import type { Parsing } from '../plugin/index.ts';
import { type Files, liveFiles, type Stat } from './files.ts';
import { Glob, isGlob } from './glob.ts';
import { sameFile } from './identity.ts';
import type { Ledger } from './ledger.ts';
import { LineFinder } from './lines.ts';
import type { Loss } from './loss.ts';
import { observed, Run } from './run.ts';
import type { State } from './state.ts';
import { type Scratch, scratch, Tail } from './tail.ts';

export interface FollowNeeds {
  /** Where a log is, as an absolute path; a glob is any number of them, whose lines are counted together. */
  readonly path: string;
  /** What tells this parser's state from others' at the same log. */
  readonly parser: string;
  /** Just opened. */
  readonly parsing: Parsing;
  readonly needles?: readonly string[] | undefined;
  /** Where a log begins of which nothing is known when following begins. One that appears later begins at its start. */
  readonly from: 'end' | 'start';
  readonly ledger: Ledger;
  readonly clock?: Clock | undefined;
  readonly files?: Files | undefined;
}

/** What one look brought. */
export interface Look {
  readonly observations: readonly Observation[];
  readonly lines: number;
  readonly known: number;
  readonly bytes: number;
  /** Nothing is there, and nothing is known of it. */
  readonly absent: boolean;
  /** Logs that are followed. */
  readonly logs: number;
  readonly lost: readonly Loss[];
  /** Of a log that could not be read; the others were. */
  readonly errors: readonly Error[];
}

/** A log that has not changed is looked at more closely after so many milliseconds. */
const CLOSELY = 60_000;
/** Looks that may wait to be settled; beyond them, two become one. */
const MOST_UNSETTLED = 1000;

interface Followed {
  readonly path: string;
  readonly tail: Tail;
  /** As it was when it had been read to its end. */
  seen: Stat | undefined;
  /** When it was last looked at closely, on the monotonic clock. */
  closely: number;
}

/**
 * Follows logs: at each look it reads what is new, through everything that they are rotated to. How far
 * they were read is written down once somebody says that what was found until then is safe: whoever
 * dies before reads the same lines again.
 */
export class Follow {
  readonly #needs: FollowNeeds;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #glob: Glob | undefined;
  readonly #logs = new Map<string, Followed>();
  readonly #run: Run;
  readonly #finder: LineFinder;
  readonly #scratch: Scratch;
  #lost: Loss[] = [];
  #bytes = 0;
  #signal: AbortSignal | undefined;
  /** When the report before was made, in milliseconds since the Unix epoch; of the state, at first. */
  #reported: number | undefined;
  #looks = 0;
  /** What is to be written once a look has settled, oldest first. */
  #unsettled: { look: number; readonly states: Map<string, State> }[] = [];
  #writing: Promise<void> = Promise.resolve();
  #unwritten: Error | undefined;

  /** @param shared memory to read into, which nobody else uses during a look. */
  constructor(needs: FollowNeeds, shared: Scratch = scratch()) {
    this.#needs = needs;
    this.#scratch = shared;
    this.#files = needs.files ?? liveFiles;
    this.#clock = needs.clock ?? systemClock;
    this.#glob = isGlob(needs.path) ? new Glob(needs.path, this.#files) : undefined;
    this.#run = new Run(needs.parsing, undefined);
    this.#finder = new LineFinder(this.#run.offer, needs.needles);
  }

  /** @param signal ends it early: what is not read then is read at the next look. */
  async look(signal: AbortSignal): Promise<Look> {
    const errors: Error[] = [];
    const states = new Map<string, State>();
    const { lines } = this.#finder;
    const { known } = this.#run;
    const bytes = this.#bytes;
    this.#signal = signal;
    this.#lost = [];
    this.#looks += 1;
    for (const path of await this.#paths()) {
      if (signal.aborted) break;
      try {
        const followed = this.#logs.get(path) ?? (await this.#begin(path));
        if (await this.#read(followed)) states.set(path, this.#stateOf(followed));
      } catch (error) {
        if (!signal.aborted) errors.push(error instanceof Error ? error : new Error(String(error)));
        const followed = this.#logs.get(path);
        if (followed !== undefined) states.set(path, this.#stateOf(followed));
      }
    }
    this.#keep(states);
    const found = this.#report();
    if (this.#unwritten !== undefined) errors.push(this.#unwritten);
    if (this.#run.error instanceof Error) errors.push(this.#run.error);
    this.#run.error = undefined;
    return {
      observations: found,
      lines: this.#finder.lines - lines,
      known: this.#run.known - known,
      bytes: this.#bytes - bytes,
      absent:
        [...this.#logs.values()].every(({ tail }) => tail.positions.length === 0) &&
        this.#bytes === 0,
      logs: this.#logs.size,
      lost: this.#lost,
      errors,
    };
  }

  /** What the first so many looks found is safe. */
  settled(looks: number): void {
    const states = new Map<string, State>();
    while (this.#unsettled[0] !== undefined && this.#unsettled[0].look <= looks) {
      for (const [path, state] of this.#unsettled.shift()?.states ?? []) states.set(path, state);
    }
    if (states.size > 0) this.#writing = this.#writing.then(() => this.#write(states));
  }

  /** Waits until everything that has settled is written down. */
  written(): Promise<void> {
    return this.#writing;
  }

  async #paths(): Promise<readonly string[]> {
    if (this.#glob === undefined) return [this.#needs.path];
    const paths = new Set(await this.#glob.paths());
    // What is gone may have left something to read where it was rotated to.
    for (const path of this.#logs.keys()) paths.add(path);
    return [...paths];
  }

  async #begin(path: string): Promise<Followed> {
    const { from, ledger, parser } = this.#needs;
    const state = await ledger.load(parser, path);
    const tail = new Tail(
      {
        ...{
          path,
          files: this.#files,
          clock: this.#clock,
          finder: this.#finder,
          scratch: this.#scratch,
        },
        lost: (loss) => void this.#lost.push(loss),
        progress: (more) => {
          this.#bytes += more;
          this.#signal?.throwIfAborted();
        },
      },
      state?.positions ?? [],
    );
    if (state !== undefined) this.#reported = Math.min(state.at, this.#reported ?? state.at);
    else if (this.#looks === 1 && from === 'end') await tail.startAtEnd();
    const followed = { path, tail, seen: undefined, closely: Number.NEGATIVE_INFINITY };
    this.#logs.set(path, followed);
    return followed;
  }

  /** @returns whether anything was new. */
  async #read(followed: Followed): Promise<boolean> {
    const { path, tail, seen } = followed;
    const now = this.#clock.monotonic();
    const stat = await this.#files.stat(path);
    // Whoever had a file open that was rotated away may write to it for a while.
    const quiet = now - followed.closely < CLOSELY && tail.positions.length <= 1;
    if (quiet && seen !== undefined && stat !== undefined && unchanged(seen, stat)) return false;
    const before = tail.positions;
    followed.seen = undefined;
    await tail.catchUp();
    followed.closely = now;
    followed.seen = stat;
    return before !== tail.positions;
  }

  #stateOf({ tail }: Followed): State {
    return { at: this.#clock.now(), positions: tail.positions, pending: [] };
  }

  #keep(states: Map<string, State>): void {
    if (states.size === 0) return;
    this.#unsettled.push({ look: this.#looks, states });
    if (this.#unsettled.length <= MOST_UNSETTLED) return;
    const [first, second] = this.#unsettled;
    if (first === undefined || second === undefined) return;
    for (const [path, state] of first.states) {
      if (!second.states.has(path)) second.states.set(path, state);
    }
    this.#unsettled.shift();
  }

  #report(): readonly Observation[] {
    const now = this.#clock.now();
    const before = this.#reported;
    this.#reported = now;
    const seconds = before !== undefined && now > before ? (now - before) / 1000 : 1;
    return observed(this.#needs.parsing, seconds);
  }

  /** Never rejects: what could not be written is said at the next look, and written at the next change. */
  async #write(states: ReadonlyMap<string, State>): Promise<void> {
    try {
      await this.#needs.ledger.store(this.#needs.parser, states);
      this.#unwritten = undefined;
    } catch (error) {
      this.#unwritten = error instanceof Error ? error : new Error(String(error));
    }
  }
}

const unchanged = (a: Stat, b: Stat): boolean =>
  sameFile(a, b) && a.bytes === b.bytes && a.modified === b.modified;
