import { type Clock, systemClock } from '../clock/index.ts';
import type { Observation } from '../metric/index.ts';
import { AccessDenied, codeOf, Foreseen, type Parsing } from '../plugin/index.ts';
import type { Left } from './entries.ts';
import { type Files, liveFiles } from './files.ts';
import { Glob, isGlob } from './glob.ts';
import type { JournalForm } from './journal-lines.ts';
import { isJournal } from './journal-query.ts';
import { LineFinder } from './lines.ts';
import type { Loss } from './loss.ts';
import { openReader } from './open-reader.ts';
import { type Followed, isQuiet } from './quiet.ts';
import { type Scratch, scratch } from './read-on.ts';
import { placeOf } from './reader.ts';
import { observed, Run } from './run.ts';

export interface FollowNeeds {
  /**
   * Where a log is, as an absolute path; a glob is any number of them, whose lines are counted together.
   * Or the journal, as {@link journalQuery} has it.
   */
  readonly path: string;
  /** Just opened. */
  readonly parsing: Parsing;
  readonly needles?: readonly string[] | undefined;
  /** What the parser is given of the journal's entries; see {@link Parser.journal}. */
  readonly journal?: JournalForm | undefined;
  /**
   * Where a log begins that is there at the very first look, of which nothing is known. One that
   * appears later begins at its start.
   */
  readonly from: 'end' | 'start';
  /** How far each log was read before. */
  readonly places: ReadonlyMap<string, Left>;
  readonly clock?: Clock | undefined;
  readonly files?: Files | undefined;
  /** Whether to stop for now, asked between two pieces of a log. */
  readonly paused?: (() => boolean) | undefined;
}

/** What one look brought. */
export interface Look {
  readonly observations: readonly Observation[];
  /** The real time that these are from, in seconds; `undefined` where nobody knows. */
  readonly seconds: number | undefined;
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
  /** There was no time to read all that there is. */
  readonly cut: boolean;
  /** How far was read, of each log where that changed; `undefined` where a log is given up. */
  readonly left: ReadonlyMap<string, Left | undefined>;
}

/** A log of a glob that is gone is looked for as often. */
const LOOKED_FOR = 60_000;
/** What was written so shortly before may be written again at what counts as the same time. */
const RACY = 100;
/** A log of a glob that is gone may be written to where it is now for so many milliseconds. */
const LINGERS = 3_600_000;
/** Then it is forgotten: what has its name, if it comes back, is read from its start. */
const FORGOTTEN = 7 * 24 * 3_600_000;

/** Milliseconds in which journalctl has to write something. */
const PATIENCE = 5000;

/**
 * Follows logs: at each look it reads what is new, through everything that they are rotated to. It keeps
 * nothing: how far they were read is handed back with what was found, to be written down together.
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
  /** Nothing is known of what was there before. */
  #first: boolean;
  /** Logs that were there at the first look and could not be read. */
  readonly #unseen = new Set<string>();
  #lost: Loss[] = [];
  #bytes = 0;
  #paused = false;
  /** The log at which the time was over. */
  #last: string | undefined;
  #closed = false;
  /** When the report before was made, in milliseconds since the Unix epoch; of the places, at first. */
  #reported: number | undefined;

  /** @param shared memory to read into, which nobody else uses during a look. */
  constructor(needs: FollowNeeds, shared: Scratch = scratch()) {
    const { path, places, parsing, needles } = needs;
    this.#needs = needs;
    this.#scratch = shared;
    this.#files = needs.files ?? liveFiles;
    this.#clock = needs.clock ?? systemClock;
    const isKnown = (log: string) => this.#logs.has(log);
    this.#glob =
      isGlob(path) && !isJournal(path)
        ? new Glob(path, this.#files, this.#clock.now, isKnown)
        : undefined;
    this.#run = new Run(parsing, undefined);
    this.#finder = new LineFinder(this.#run.offer, needles);
    this.#first = !places.has(path);
    for (const [log, left] of places) {
      if (this.#glob === undefined ? log === path : log !== path) this.#begin(log, left);
      if (this.#reported === undefined || left.at > this.#reported) this.#reported = left.at;
    }
  }

  async look(): Promise<Look> {
    const errors: Error[] = [];
    const left = new Map<string, Left | undefined>();
    const { lines } = this.#finder;
    const { known } = this.#run;
    const bytes = this.#bytes;
    this.#lost = [];
    let whole = true;
    const paths = await this.#paths((error) => {
      whole = false;
      errors.push(errorOf(error, this.#needs.path));
    });
    let cut = false;
    const now = this.#clock.monotonic();
    for (const path of this.#inTurn(paths)) {
      if (isQuiet(this.#files, this.#logs.get(path), now)) continue;
      cut = this.#needs.paused?.() ?? false;
      if (cut) break;
      this.#paused = false;
      try {
        const followed = this.#logs.get(path) ?? (await this.#meet(path));
        await this.#read(followed);
      } catch (error) {
        errors.push(errorOf(error, path));
      }
      const followed = this.#logs.get(path);
      if (followed !== undefined) this.#say(followed, left);
      if (this.#paused) {
        this.#last = path;
        cut = true;
        break;
      }
    }
    this.#tidy(left);
    // Of logs that were not found yet nobody knows whether they were there.
    if (whole && !cut && this.#first) {
      this.#first = false;
      if (this.#glob !== undefined) {
        left.set(this.#needs.path, { at: this.#clock.now(), positions: [] });
      }
    }
    const seconds = this.#since();
    const observations = this.#observed(seconds ?? 1, errors);
    if (this.#run.error !== undefined) errors.push(broken(this.#run.error, this.#needs.path));
    this.#run.error = undefined;
    return {
      observations,
      seconds,
      lines: this.#finder.lines - lines,
      known: this.#run.known - known,
      bytes: this.#bytes - bytes,
      absent: !cut && errors.length === 0 && !this.#anything(),
      cut,
      logs: this.#logs.size,
      lost: this.#lost,
      errors,
      left,
    };
  }

  /** What was found; nothing where the parser breaks on it, which costs no other log anything. */
  #observed(seconds: number, errors: Error[]): readonly Observation[] {
    const { parsing, path } = this.#needs;
    try {
      return observed(parsing, seconds);
    } catch (error) {
      errors.push(errorOf(error, path));
      return [];
    }
  }

  /** Has a look that is under way end soon, with nothing. */
  close(): void {
    this.#closed = true;
  }

  #anything(): boolean {
    for (const { reader } of this.#logs.values()) {
      if (reader.positions.length > 0 || reader.cursor?.entry !== undefined) return true;
    }
    return false;
  }

  async #paths(failed: (error: unknown) => void): Promise<readonly string[]> {
    if (this.#glob === undefined) return [this.#needs.path];
    const found = await this.#glob.paths(failed);
    if (found.length === this.#logs.size && found.every((path) => this.#isHere(path))) return found;
    const now = this.#clock.monotonic();
    const here = new Set(found);
    const paths = [...found];
    for (const followed of this.#logs.values()) {
      if (here.has(followed.path)) {
        followed.gone = undefined;
        continue;
      }
      // What is gone may have left something to read where it was rotated to.
      followed.gone ??= now;
      const due = now - followed.closely >= LOOKED_FOR || followed.gone === now;
      if (due && now - followed.gone < LINGERS) paths.push(followed.path);
    }
    return paths;
  }

  /** Where there is not the time for all, those come first that it was too short for before. */
  #inTurn(paths: readonly string[]): readonly string[] {
    if (this.#last === undefined) return paths;
    const next = paths.indexOf(this.#last) + 1;
    this.#last = undefined;
    return [...paths.slice(next), ...paths.slice(0, next)];
  }

  #isHere(path: string): boolean {
    const followed = this.#logs.get(path);
    return followed !== undefined && followed.gone === undefined;
  }

  #begin(path: string, left: Left | undefined): Followed {
    const { path: _, paused, journal: form, ...needs } = this.#needs;
    const reader = openReader(
      {
        ...needs,
        ...{ path, files: this.#files, clock: this.#clock },
        ...{ finder: this.#finder, scratch: this.#scratch, form, patience: PATIENCE },
        lost: (loss) => void this.#lost.push(loss),
        paused: () => {
          this.#paused = paused?.() ?? false;
          return this.#paused;
        },
        progress: (more) => {
          this.#bytes += more;
          if (this.#closed) throw new Foreseen('the collector was closed');
        },
      },
      left,
    );
    const closely = Number.NEGATIVE_INFINITY;
    const said = left === undefined ? '' : JSON.stringify(placeOf(reader));
    const followed = {
      path,
      reader,
      seen: undefined,
      closely,
      said,
      last: undefined,
      gone: undefined,
    };
    this.#logs.set(path, followed);
    return followed;
  }

  /** A log of which nothing is known. */
  async #meet(path: string): Promise<Followed> {
    const wasThere = this.#first || this.#unseen.has(path);
    const followed = this.#begin(path, undefined);
    if (!wasThere || this.#needs.from === 'start') return followed;
    try {
      await followed.reader.startAtEnd();
      this.#unseen.delete(path);
    } catch (error) {
      // When it can be read, it is one that was there.
      this.#logs.delete(path);
      this.#unseen.add(path);
      throw error;
    }
    return followed;
  }

  async #read(followed: Followed): Promise<void> {
    const { path, reader } = followed;
    if (isJournal(path)) return await reader.catchUp();
    const stat = await this.#files.stat(path);
    followed.seen = undefined;
    if (stat === undefined && reader.positions.length === 0) return;
    await reader.catchUp();
    if (this.#paused) return;
    followed.closely = this.#clock.monotonic();
    // It may have been written to since, at the same time.
    const racy = stat !== undefined && Math.abs(this.#clock.now() - stat.modified) < RACY;
    if (!racy) followed.seen = stat;
  }

  /** Hands back how far a log was read, where that is new. */
  #say(followed: Followed, left: Map<string, Left | undefined>): void {
    const { path, reader, last } = followed;
    const place = placeOf(reader);
    if (place.positions === last?.positions && place.cursor === last.cursor) return;
    followed.last = place;
    const said = JSON.stringify(place);
    if (said === followed.said) return;
    followed.said = said;
    left.set(path, { at: this.#clock.now(), ...place });
  }

  /** Forgets logs of a glob that are gone for long. */
  #tidy(left: Map<string, Left | undefined>): void {
    const now = this.#clock.monotonic();
    for (const { path, gone } of this.#logs.values()) {
      if (gone === undefined || now - gone < FORGOTTEN) continue;
      this.#logs.delete(path);
      left.set(path, undefined);
    }
  }

  #since(): number | undefined {
    const now = this.#clock.now();
    const before = this.#reported;
    this.#reported = now;
    if (before === undefined) return undefined;
    // Where the clock was set back it cannot tell.
    return now > before ? (now - before) / 1000 : 1;
  }
}

/** What is foreseen of a log says it all. */
function errorOf(error: unknown, path: string): Error {
  const code = codeOf(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new AccessDenied(`${path}: the agent's user may not read it`, { cause: error });
  }
  if (code !== undefined)
    return new Foreseen(`${path}: ${(error as Error).message}`, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** A parser knows of no path: what it says is of a line. */
function broken(error: unknown, path: string): Error {
  const { message, stack } = errorOf(error, path);
  const said = `${path}: the parser broke on lines, which are left out: ${message}`;
  return Object.assign(new Error(said, { cause: error }), { stack });
}
