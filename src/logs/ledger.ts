import { type Hold, holdFolder } from '../store/index.ts';
import { type Files, liveFiles } from './files.ts';
import { loadState, type State, statePath, storeState } from './state.ts';

/** Folders that this process holds, and how many ledgers are in each. */
const holds = new Map<string, { users: number; readonly hold: Promise<Hold> }>();

/** Where logs were left that are being followed: a folder that is this process's own. */
export class Ledger {
  readonly #folder: string;
  readonly #files: Files;
  #holding = false;
  #closed = false;

  constructor(folder: string, files: Files = liveFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  /** `undefined` if nothing is known of the log. */
  load(parser: string, log: string): Promise<State | undefined> {
    return loadState(this.#files, statePath(this.#folder, parser, log));
  }

  /**
   * Writes down how far each log was read. The folder is taken here and not before: whoever only looks,
   * and has nothing to write down, is in nobody's way.
   *
   * @param states by the paths of the logs.
   */
  async store(parser: string, states: ReadonlyMap<string, State>): Promise<void> {
    await this.#take();
    for (const [log, state] of states) {
      await storeState(this.#files, statePath(this.#folder, parser, log), state);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#holding) return;
    this.#holding = false;
    const shared = holds.get(this.#folder);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    holds.delete(this.#folder);
    const hold = await shared.hold;
    await hold.release();
  }

  async #take(): Promise<void> {
    // What settles after the end is still written: nobody else has begun by then.
    if (this.#holding || this.#closed) return;
    const shared = holds.get(this.#folder) ?? { users: 0, hold: holdFolder(this.#folder) };
    holds.set(this.#folder, shared);
    try {
      await shared.hold;
    } catch (error) {
      if (holds.get(this.#folder) === shared) holds.delete(this.#folder);
      throw error;
    }
    shared.users += 1;
    this.#holding = true;
  }
}
