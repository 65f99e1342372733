import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Observation } from '../metric/index.ts';
import { bytewise, Mounts, type On } from '../mounts/index.ts';
import {
  AccessDenied,
  type CollectContext,
  codeOf,
  Foreseen,
  NoData,
  type Session,
  unlessAbsent,
} from '../plugin/index.ts';
import { printable } from '../wire/printable.ts';
import { expositionReader } from '../wire/readings/exposition.ts';
import { plainReader } from '../wire/readings/plain.ts';
import type { LineReader, Reading } from '../wire/readings/reading.ts';
import { Intake } from './intake.ts';
import { allTaken, Lines } from './lines.ts';

/** What the collector `textfile` is told. */
export interface FolderOptions {
  readonly folders: readonly string[];
  readonly as?: string | undefined;
  /** Seconds after which a file that was not written again is not read any more. */
  readonly stale?: number | undefined;
  /** Bytes of a file. */
  readonly output: number;
  readonly series: number;
}

type Context = CollectContext & { readonly options: FolderOptions };

/** Files of one folder that are read. */
const MOST_FILES = 1000;
/** Milliseconds that a mount has to answer. */
const LONGEST = 1000;

const READERS: Readonly<Record<string, () => LineReader>> = {
  '.prom': () => expositionReader({ stamps: false }),
  '.out': plainReader,
};
const endingOf = (file: string): string => /\.[^.]+$/.exec(file)?.[0] ?? '';

interface Found {
  readonly text: string;
  /** Seconds since the Unix epoch. */
  readonly mtime: number;
}

/**
 * A regular file, whole; a link to a pipe does not hold up anybody.
 *
 * @throws Foreseen for what is none, is too large, or is being written.
 */
async function readWhole(path: string, most: number): Promise<Found> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = await file.stat();
    if (!before.isFile()) throw new Foreseen(`${printable(path)} is no regular file`);
    if (before.size > most) {
      throw new Foreseen(
        `${printable(path)} has ${before.size} bytes, more than the ${most} allowed`,
      );
    }
    const buffer = Buffer.alloc(before.size);
    const { bytesRead } = await file.read(buffer, 0, before.size, 0);
    const after = await file.stat();
    if (
      after.size !== before.size ||
      after.mtimeMs !== before.mtimeMs ||
      bytesRead !== before.size
    ) {
      throw new Foreseen(`${printable(path)} was being written while it was read`);
    }
    const text = buffer.toString('utf8');
    if (text !== '' && !text.endsWith('\n')) {
      throw new Foreseen(`${printable(path)} ends within a line: it is half-written, and not read`);
    }
    return { text, mtime: before.mtimeMs / 1000 };
  } finally {
    await file.close();
  }
}

/** Reads what other programs leave in folders: Prometheus' text in `*.prom`, `name value` in `*.out`. */
export class FolderSession implements Session {
  readonly #written: (file: string, mtime: number) => Observation;
  readonly #mounts = new Mounts();
  /** Which mounts were asked at this tick. */
  readonly #asked = new Map<On, Promise<unknown>>();
  #intake: Intake | undefined;

  /** @param written makes the reading that says when a file was written. */
  constructor(written: (file: string, mtime: number) => Observation) {
    this.#written = written;
  }

  async *collect(context: Context): AsyncGenerator<Observation | Error> {
    const { options, hostname, host } = context;
    this.#mounts.update(unlessAbsent(() => host.proc.read('self/mountinfo')) ?? '');
    const { as: prefix, series: most } = options;
    const intake = this.#intake ?? new Intake({ most, prefix, own: hostname });
    this.#intake = intake;
    this.#asked.clear();
    const written: Observation[] = [];
    const errors: Error[] = [];
    let there = 0;
    for (const folder of options.folders) {
      try {
        await this.#folder(context, folder, intake, written, errors);
        there += 1;
      } catch (error) {
        if (!(error instanceof NoData)) errors.push(error as Error);
      }
    }
    if (there === 0 && errors.length === 0) {
      throw new NoData(`there is none of the folders ${options.folders.join(', ')}`);
    }
    yield* intake.observed();
    yield* written;
    yield* errors;
  }

  close(): void {}

  /** Another process asks first: what hangs in this one would hang with all that reads files. */
  async #answering({ host, signal }: Context, path: string): Promise<void> {
    const on = this.#mounts.of(path);
    if (!on.mayHang) return;
    const soon = () => AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]);
    const answer = this.#asked.get(on) ?? host.statfsGuarded(bytewise(on), soon());
    this.#asked.set(on, answer);
    await answer;
  }

  async #folder(
    context: Context,
    folder: string,
    intake: Intake,
    written: Observation[],
    errors: Error[],
  ): Promise<void> {
    const { options, time } = context;
    await this.#answering(context, folder);
    const files = (await listed(folder)).filter((file) => READERS[endingOf(file)] !== undefined);
    if (files.length > MOST_FILES) {
      errors.push(
        new Foreseen(`${folder} has ${files.length} files, of which ${MOST_FILES} are read`),
      );
    }
    for (const name of files.slice(0, MOST_FILES)) {
      const path = join(folder, name);
      try {
        // It may be a link to elsewhere.
        await this.#answering(context, path);
        const { text, mtime } = await readWhole(path, options.output);
        written.push(this.#written(path, mtime));
        if (options.stale !== undefined && time - mtime > options.stale) {
          throw new Foreseen(
            `${printable(path)} was not written for longer than ${options.stale} s`,
          );
        }
        take(intake, path, text);
      } catch (error) {
        // It went away between the list and the reading.
        if (codeOf(error) !== 'ENOENT') errors.push(wordsFor(error, path));
      }
    }
  }
}

/** A file is taken whole or not at all, as node_exporter does: half of it would be half of a truth. */
function take(intake: Intake, path: string, text: string): void {
  const reader = READERS[endingOf(path)]?.();
  if (reader === undefined) return;
  intake.take((said) => {
    const readings: Reading[] = [];
    try {
      const lines = new Lines((line) => reader.read(line, { ...said, readings }));
      lines.push(Buffer.from(text));
      allTaken(lines);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`${printable(path)} is left out: ${error.message}`);
    }
    for (const reading of readings) said.readings.push(reading);
  });
}

async function listed(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new NoData(`${folder} does not exist`);
    throw wordsFor(error, folder);
  }
}

function wordsFor(error: unknown, path: string): Error {
  const code = codeOf(error);
  if (error instanceof Foreseen || code === undefined) return error as Error;
  const what = `${printable(path)} cannot be read (${code})`;
  return code === 'EACCES' || code === 'EPERM' ? new AccessDenied(what) : new Foreseen(what);
}
