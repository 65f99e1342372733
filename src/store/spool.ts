import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch } from '../metric/index.ts';
import { Foreseen } from '../plugin/index.ts';
import { type Hold, holdFolder, makeFolder } from './hold.ts';
import { DONE, encodeRecord, Names } from './record.ts';
import { markDone, type Place, readPlace, type Segment, scan, writeWhole } from './segment.ts';

/** Why what is on disk will never be delivered. */
export type SpoolLoss = 'spool-full' | 'expired' | 'damaged';

export interface SpoolNeeds {
  readonly folder: string;
  /** The most that it takes of the disk. */
  readonly bytes: number;
  /** Milliseconds after which what is stored is not worth sending any more. */
  readonly age: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Is told of what could not be read, and is left where it is. */
  readonly unread: (error: unknown) => void;
  /** Is told of points that were stored, and are lost; of none where their number was lost, too. */
  readonly lost: (why: SpoolLoss, points: number) => void;
}

/** A batch on disk that is being delivered. It stays there until it is settled. */
export interface Stored {
  readonly points: Batch;
  /** How often it was delivered already, over connections that broke. */
  readonly deliveries: number;
  /** It was delivered, or never will be: it is not given out again, whatever happens to this process. */
  done(): Promise<void>;
  /** It was not: it is the first to be given out again. */
  failed(): void;
}

/**
 * A handler's queue on disk: batches in order, in files of which the oldest go when it is full.
 *
 * What `append` has resolved for survives the process and, as far as the disk keeps its promise, a loss
 * of power. A file is written by one process and never again by a later one, so that a record torn by a
 * crash is the last of its file; a record that cannot be read costs itself.
 */
export interface Spool {
  /** Points that wait, or are being delivered, and were never delivered before. */
  readonly points: number;
  /** What was found when it was opened, lost points included. */
  readonly found: number;
  /** Whether there is something to take. */
  readonly ready: boolean;
  /** Bytes on disk. */
  readonly bytes: number;
  /**
   * Stores a batch.
   *
   * @param deliveries how often it was delivered already, over connections that broke; such points are
   *   nowhere counted.
   * @throws the disk's error; then nothing of the batch is stored.
   */
  append(points: Batch, deliveries: number): Promise<void>;
  /**
   * The oldest batch. It must be settled before the next is taken.
   *
   * @throws the disk's error where it cannot be read now; it stays the oldest.
   */
  take(): Promise<Stored | undefined>;
  /** Lets go of the folder. What waits stays there. */
  close(): Promise<void>;
}

/** A segment is closed when it has so much, or a quarter of what the spool may take. */
const SEGMENT_BYTES = 1024 * 1024;
const SEGMENT = /^(\d{12})\.jsonl\.gz$/;
/** More delivered-before than this is not told apart. */
const MOST_DELIVERIES = DONE - 1;

/**
 * Takes a folder for a spool, and finds what an earlier process has left there.
 *
 * @throws the file system's error, or {@link Foreseen} if another process uses the folder.
 */
export async function openSpool(needs: SpoolNeeds): Promise<Spool> {
  const hold = await holdFolder(needs.folder);
  try {
    const spool = new DiskSpool(needs, hold);
    await spool.find();
    return spool;
  } catch (error) {
    await hold.release();
    throw error;
  }
}

class DiskSpool implements Spool {
  readonly #needs: SpoolNeeds;
  readonly #hold: Hold;
  /** Oldest first; the last one may be open for writing. */
  #segments: Segment[] = [];
  #writing: { readonly segment: Segment; readonly file: FileHandle } | undefined;
  #next = 1;
  #points = 0;
  #found = 0;
  #bytes = 0;
  /** What is being delivered, whether or not its segment still is. */
  #out: { readonly segment: Segment; readonly place: Place } | undefined;
  readonly #names = new Names();
  /** One thing is done to the disk at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(needs: SpoolNeeds, hold: Hold) {
    this.#needs = needs;
    this.#hold = hold;
  }

  get points(): number {
    return this.#points;
  }

  get found(): number {
    return this.#found;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get ready(): boolean {
    return this.#out === undefined && this.#segments.some(({ waiting }) => waiting.length > 0);
  }

  async find(): Promise<void> {
    const { folder } = this.#needs;
    const names = (await readdir(folder)).filter((name) => SEGMENT.test(name)).sort();
    for (const name of names) {
      this.#next = Number(SEGMENT.exec(name)?.[1]) + 1;
      const path = join(folder, name);
      const bytes = await readFile(path).catch((error: unknown) => {
        this.#needs.unread(error);
        return undefined;
      });
      if (bytes === undefined) continue;
      const segment: Segment = { path, bytes: bytes.length, waiting: [] };
      this.#segments.push(segment);
      this.#bytes += bytes.length;
      this.#note(segment, bytes);
      if (segment.waiting.length === 0) await this.#remove(segment);
    }
    await this.#expire();
  }

  append(points: Batch, deliveries: number): Promise<void> {
    return this.#inTurn(async () => {
      const state = Math.min(deliveries, MOST_DELIVERIES);
      const at = this.#needs.now();
      const record = encodeRecord(points, { at, state });
      await this.#makeRoom(record.length);
      await this.#checkLinked();
      const { segment, file } = this.#writing ?? (await this.#begin());
      const offset = segment.bytes;
      try {
        await writeWhole(file, record, offset);
        await file.datasync();
      } catch (error) {
        await this.#abandon(file, offset);
        throw error;
      }
      segment.bytes += record.length;
      this.#bytes += record.length;
      segment.waiting.push({
        ...{ offset, length: record.length, points: points.length },
        ...{ at, state, settled: false },
      });
      if (state === 0) this.#points += points.length;
    });
  }

  take(): Promise<Stored | undefined> {
    return this.#inTurn(async () => {
      await this.#expire();
      for (const segment of [...this.#segments]) {
        for (let place = segment.waiting[0]; place !== undefined; place = segment.waiting[0]) {
          const points = await readPlace(segment, place, this.#names);
          if (points !== undefined) return this.#give(segment, place, points);
          this.#lose('damaged', place);
          await this.#settle(segment, place);
        }
      }
      return undefined;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writing?.file.close();
      this.#writing = undefined;
      await this.#hold.release();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Notes what waits in a segment, and what is torn or rotten there. */
  #note(segment: Segment, bytes: Buffer): void {
    const { places, torn, gaps } = scan(bytes);
    for (const place of [...places, ...torn]) {
      if (place.state !== 0) continue;
      this.#found += place.points;
      this.#points += place.points;
    }
    segment.waiting.push(...places);
    for (const place of torn) this.#lose('damaged', place);
    for (let i = 0; i < gaps; i += 1) this.#needs.lost('damaged', 0);
  }

  async #begin() {
    const { folder } = this.#needs;
    const path = join(folder, `${String(this.#next).padStart(12, '0')}.jsonl.gz`);
    await makeFolder(folder);
    const file = await open(path, 'wx', 0o640);
    this.#next += 1;
    const segment: Segment = { path, bytes: 0, waiting: [] };
    this.#segments.push(segment);
    this.#writing = { segment, file };
    return this.#writing;
  }

  /** Notices when somebody has deleted the file that is being written: what was in it is gone. */
  async #checkLinked(): Promise<void> {
    const { segment, file } = this.#writing ?? {};
    if (segment === undefined || file === undefined) return;
    if ((await file.stat()).nlink > 0) return;
    await this.#giveUp(segment, 'damaged');
  }

  /** Keeps within the bound: closes what is long enough, and gives up the oldest. */
  async #makeRoom(length: number): Promise<void> {
    const { bytes: most, folder } = this.#needs;
    if (length > most) {
      throw new Foreseen(`a batch takes ${length} bytes, and the spool ${folder} may have ${most}`);
    }
    const open = this.#writing;
    if (open !== undefined && open.segment.bytes + length > Math.min(SEGMENT_BYTES, most / 4)) {
      this.#writing = undefined;
      await open.file.close();
    }
    await this.#expire();
    while (this.#bytes + length > most) {
      const oldest = this.#segments[0];
      if (oldest === undefined) return;
      await this.#giveUp(oldest, 'spool-full');
    }
  }

  async #expire(): Promise<void> {
    const { age, now } = this.#needs;
    if (age === undefined) return;
    const before = now() - age;
    for (const segment of [...this.#segments]) {
      for (let place = segment.waiting[0]; place !== undefined; place = segment.waiting[0]) {
        if (place.at >= before || this.#out?.place === place) return;
        this.#lose('expired', place);
        await this.#settle(segment, place);
      }
    }
  }

  async #giveUp(segment: Segment, why: SpoolLoss): Promise<void> {
    for (const place of segment.waiting) {
      if (this.#out?.place !== place) this.#lose(why, place);
    }
    segment.waiting.length = 0;
    await this.#remove(segment);
  }

  #lose(why: SpoolLoss, place: Place): void {
    if (this.#uncount(place)) this.#needs.lost(why, place.points);
  }

  /** Takes its points out of those that wait; tells whether they were among them. */
  #uncount(place: Place): boolean {
    if (place.settled || place.state !== 0) return false;
    place.settled = true;
    this.#points -= place.points;
    return true;
  }

  #give(segment: Segment, place: Place, points: Batch): Stored {
    const out = { segment, place };
    this.#out = out;
    const end = (): boolean => {
      if (this.#out !== out) return false;
      this.#out = undefined;
      return true;
    };
    return {
      points,
      deliveries: place.state,
      done: async () => {
        if (!end()) return;
        // At once, so that whoever books them as delivered never sees them in two places.
        this.#uncount(place);
        await this.#inTurn(() => this.#settle(segment, place));
      },
      failed: () => {
        // Its segment was given up meanwhile, to make room.
        if (end() && !segment.waiting.includes(place)) this.#lose('spool-full', place);
      },
    };
  }

  /** Marks a record, so that a later process does not send it again. */
  async #settle(segment: Segment, place: Place): Promise<void> {
    const index = segment.waiting.indexOf(place);
    if (index === -1) return;
    segment.waiting.splice(index, 1);
    if (segment.waiting.length === 0) {
      await this.#remove(segment);
      return;
    }
    await markDone(segment, place);
  }

  async #remove(segment: Segment): Promise<void> {
    if (this.#writing?.segment === segment) {
      const { file } = this.#writing;
      this.#writing = undefined;
      await file.close();
    }
    this.#segments = this.#segments.filter((other) => other !== segment);
    this.#bytes -= segment.bytes;
    await rm(segment.path, { force: true }).catch(() => {
      // The disk cannot be written: at worst a later process sends it once more.
    });
  }

  /** What could not be written whole must not stand before what comes next. */
  async #abandon(file: FileHandle, offset: number): Promise<void> {
    try {
      await file.truncate(offset);
    } catch {
      this.#writing = undefined;
      await file.close().catch(() => {});
    }
  }
}
