import { join } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { type Hold, holdFolder } from '../store/index.ts';
import {
  decodeEntries,
  type Entry,
  encodeEntries,
  encodeEntry,
  encodeStruck,
  keep,
  type Left,
  type Places,
  type Waiting,
} from './entries.ts';
import { type Files, liveFiles } from './files.ts';

/** A ledger that has grown by so many bytes, and to twice its size, is written anew. */
const GROWTH = 1024 * 1024;
/** Entries that may wait to be struck out, and observations in them. */
const MOST_WAITING = { entries: 360, observations: 100_000 };

/**
 * Where logs were left that are being followed, and what was found in them that may not have left the
 * agent's memory: one file in a folder that is this process's own.
 *
 * What was found and how far was read is one line, and on disk before anybody is given what was found.
 * It is struck out when that is safe. Whoever begins after a crash hands out what was not struck out, as
 * it was found, and reads on from there.
 */
export class Ledger {
  readonly #folder: string;
  readonly #path: string;
  readonly #files: Files;
  #places: Places = new Map();
  #waiting: Waiting[] = [];
  #last = 0;
  #time: number | undefined;
  /** Entries that were handed out by this process. */
  readonly #handed = new Set<number>();
  #bytes = 0;
  /** Its size when it was last written whole. */
  #whole = 0;
  /** What is on disk may end anyhow: it has to be written whole. */
  #unsure = true;
  #hold: Hold | undefined;
  #inUse: Promise<void> = Promise.resolve();
  #users = 0;
  /** One after the other. */
  #writing: Promise<void> = Promise.resolve();

  readonly #take: (folder: string) => Promise<Hold>;

  constructor(folder: string, files: Files = liveFiles, take = holdFolder) {
    this.#take = take;
    this.#folder = folder;
    this.#path = join(folder, 'ledger');
    this.#files = files;
  }

  /** Waits until whoever used it before has ended. @returns what ends this use. */
  async enter(): Promise<() => Promise<void>> {
    const before = this.#inUse;
    let end = () => {};
    this.#inUse = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    this.#users += 1;
    let ended = false;
    return async () => {
      if (ended) return;
      ended = true;
      this.#users -= 1;
      end();
      await this.#writing;
      await this.#letGo();
    };
  }

  /**
   * Finds out what is known.
   *
   * @param writes whether anything will be written: then the folder is taken. Whoever only looks is in
   *   nobody's way.
   * @throws {@link Foreseen} if another process has it, or if the ledger is none.
   */
  async open(writes: boolean): Promise<void> {
    if (this.#hold !== undefined) return;
    if (!writes) {
      await this.#load();
      return;
    }
    const hold = await this.#take(this.#folder);
    try {
      await this.#load();
      this.#hold = hold;
    } finally {
      if (this.#hold === undefined) await hold.release();
    }
  }

  /** How far a reader has read each log. */
  places(reader: string): ReadonlyMap<string, Left> {
    return this.#places.get(reader) ?? new Map();
  }

  /** The time of the last entry, in seconds since the Unix epoch; `undefined` before there was any. */
  get time(): number | undefined {
    return this.#time;
  }

  /** The oldest entry that was not yet handed out, of a tick where one is given. */
  next(time?: number): Waiting | undefined {
    return this.#waiting.find(
      ({ id, entry }) => !this.#handed.has(id) && (time === undefined || entry.time === time),
    );
  }

  /** All of an entry was handed out. What then waits for too long is in the agent's memory only. */
  handedOut(id: number): void {
    this.#handed.add(id);
    let entries = this.#waiting.length;
    if (entries < 2) return;
    let observations = this.#waiting.reduce((sum, it) => sum + observationsIn(it), 0);
    for (const oldest of this.#waiting) {
      if (entries <= MOST_WAITING.entries && observations <= MOST_WAITING.observations) return;
      if (!this.#handed.has(oldest.id)) continue;
      entries -= 1;
      observations -= observationsIn(oldest);
      this.strike(oldest.id);
    }
  }

  /**
   * Writes an entry down. It is on disk when this resolves.
   *
   * @throws the file system's errors: then it is as if nothing had been asked.
   */
  append(entry: Entry): Promise<void> {
    return this.#oneByOne(async () => {
      const id = this.#last + 1;
      const line = encodeEntry(id, entry);
      await this.#write(line, true);
      this.#last = id;
      this.#time = entry.time;
      for (const { reader, left } of entry.findings) {
        for (const [log, it] of left) keep(this.#places, reader, log, it);
      }
      const findings = entry.findings.map((it) => ({ ...it, left: new Map<string, Left>() }));
      this.#waiting.push({ id, entry: { time: entry.time, findings } });
    });
  }

  /** An entry is safe. What cannot be written is handed out again, the same. */
  strike(id: number): void {
    if (!this.#waiting.some((it) => it.id === id)) return;
    this.#waiting = this.#waiting.filter((it) => it.id !== id);
    this.#handed.delete(id);
    const struck = this.#oneByOne(async () => {
      if (this.#hold !== undefined && !this.#unsure) await this.#write(encodeStruck(id), false);
      await this.#letGo();
    });
    struck.catch(() => {});
  }

  /** Waits until all is written. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #load(): Promise<void> {
    const text = await this.#files.load(this.#path);
    this.#unsure = true;
    this.#handed.clear();
    if (text === undefined) {
      this.#places = new Map();
      this.#waiting = [];
      this.#last = 0;
      this.#time = undefined;
      return;
    }
    try {
      const { places, waiting, last, time, torn } = decodeEntries(text);
      this.#time = time;
      this.#places = places;
      this.#waiting = [...waiting];
      this.#last = last;
      this.#unsure = torn;
      this.#bytes = this.#whole = text.length;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Foreseen(
        `${this.#path}: this is no ledger of logs: ${why}. What was read until when is not known. ` +
          'Remove the file to begin anew at the end of each log.',
        { cause: error },
      );
    }
  }

  async #write(line: string, sync: boolean): Promise<void> {
    const grown = this.#bytes > this.#whole * 2 + GROWTH;
    try {
      if (this.#unsure || grown) {
        const text =
          encodeEntries({
            ...{ places: this.#places, waiting: this.#waiting },
            ...{ last: this.#last, time: this.#time },
          }) + line;
        const draft = `${this.#path}.new`;
        await this.#files.store(draft, text);
        await this.#files.rename(draft, this.#path);
        await this.#files.sync(this.#folder);
        this.#bytes = this.#whole = text.length;
        this.#unsure = false;
      } else {
        await this.#files.append(this.#path, line, sync);
        this.#bytes += line.length;
      }
    } catch (error) {
      this.#unsure = true;
      const code = codeOf(error);
      if (code === undefined) throw error;
      throw new Foreseen(
        `${this.#path}: cannot be written (${code}). Nothing is read of the logs until it can, and nothing is lost: see to it that the folder is there, writable and not full.`,
        { cause: error },
      );
    }
  }

  #oneByOne(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => {});
    return done;
  }

  /** What nobody uses, and has nothing more to write, is another process's to take. */
  async #letGo(): Promise<void> {
    if (this.#users > 0 || this.#waiting.length > 0) return;
    const hold = this.#hold;
    this.#hold = undefined;
    await hold?.release();
  }
}

const observationsIn = ({ entry }: Waiting): number =>
  entry.findings.reduce((sum, { observations }) => sum + observations.length, 0);

const ledgers = new Map<string, Ledger>();

/** This process's ledger in a folder: whoever follows on after a reload finds what is under way. */
export function ledgerIn(folder: string): Ledger {
  const known = ledgers.get(folder) ?? new Ledger(folder);
  ledgers.set(folder, known);
  return known;
}
