import type { Clock } from '../clock/index.ts';
import { Foreseen } from '../plugin/index.ts';
import { type Found, isDamage } from './candidates.ts';
import type { Files, Stat } from './files.ts';
import {
  type Position,
  PRINT_BYTES,
  printOf,
  recognise,
  sameFile,
  startOf,
  stretch,
} from './identity.ts';
import { type LineFinder, LONGEST_LINE } from './lines.ts';
import type { Loss } from './loss.ts';
import { plain } from './packed.ts';
import { readOn, type Scratch, type Stretch, starts } from './read-on.ts';
import type { Reader } from './reader.ts';
import { type Current, Search } from './search.ts';

export interface TailNeeds {
  readonly path: string;
  /** Folders where rotated files may have been put, beside the log's own. */
  readonly archives?: readonly string[] | undefined;
  readonly files: Files;
  readonly clock: Clock;
  readonly finder: LineFinder;
  /** Shared by tails that do not read at the same time. */
  readonly scratch: Scratch;
  readonly lost: (loss: Loss) => void;
  /** Whether to stop for now, asked between two pieces of a file. */
  readonly paused?: (() => boolean) | undefined;
  /** Is told of bytes that were read. */
  readonly progress?: ((bytes: number) => void) | undefined;
}

/** So many files that were rotated away are looked after: who wrote to them may not know it yet. */
const MOST_LEFT = 8;
/** A log that is rotated so often while it is being read is read on at the next run. */
const MOST_STEPS = 1000;
/** Reads a log from where it was left, through everything that it was rotated to. */
export class Tail implements Reader {
  /** The files that were read, oldest first, and how far. The last is the one that is being read. */
  positions: readonly Position[];
  readonly #needs: TailNeeds;
  readonly #search: Search;

  constructor(needs: TailNeeds, positions: readonly Position[]) {
    this.#needs = needs;
    this.positions = positions;
    this.#search = new Search(needs);
  }

  /** Leaves out what there is by now; a line that has begun is read once it has ended. */
  async startAtEnd(): Promise<void> {
    const current = await this.#open();
    if (current === undefined) return;
    try {
      this.positions = [await atEnd(current)];
    } finally {
      await current.file.close();
    }
  }

  /** Goes back to the oldest rotated file that was written since then. @param time in milliseconds. */
  async startSince(time: number): Promise<void> {
    const current = await this.#open();
    try {
      const first = await this.#search.since(time, current);
      if (first !== undefined) this.positions = [first];
    } finally {
      await current?.file.close();
    }
  }

  async absent(): Promise<boolean> {
    return (await this.#needs.files.stat(this.#needs.path)) === undefined;
  }

  /**
   * Offers every line that there is now and was not offered before.
   *
   * @throws whatever keeps it from going on; what was offered until then counts as read.
   */
  async catchUp(): Promise<void> {
    let first = true;
    for (let i = 0; i < MOST_STEPS; i += 1) {
      const step = await this.#step(first);
      if (step === 'end') return;
      first = step === 'again';
    }
  }

  /** Reads on in one file, or goes over to the next one. */
  async #step(first: boolean): Promise<'end' | 'on' | 'again'> {
    const current = await this.#open();
    try {
      if (first) await this.#attend(current);
      if (this.#needs.paused?.()) return 'end';
      const last = this.positions.at(-1);
      if (last === undefined) return this.#begin(current);
      if (current !== undefined && sameFile(current.stat, last)) {
        const known = await recognise(current.file, current.stat, last);
        const by = known && first ? await this.#overtaken(last, current) : undefined;
        if (by !== undefined) return by;
        if (known !== undefined) return await this.#readCurrent(last, current, { known });
      }
      const found = await this.#search.find(last, current, this.positions);
      if (found?.current && current !== undefined) {
        return await this.#readCurrent(last, current, found);
      }
      if (found !== undefined) {
        const read = await this.#readFound(last, found);
        if (read !== 'end') return read === 'paused' ? 'end' : 'on';
      }
      // Where nothing has taken its place, it may come back.
      if (found === undefined && current === undefined) return 'end';
      const next = await this.#search.next(last, found, current, this.positions);
      if (next === 'moved') return 'on';
      if (found === undefined) this.#lose(last, next !== undefined || sameInode(current, last));
      if (next === undefined) return await this.#goOver(current);
      this.#push(next);
      return 'on';
    } finally {
      await current?.file.close();
    }
  }

  /**
   * A log that was empty is recognised by nothing but its inode: it may have been filled, copied and
   * truncated since. What it was rotated to after that is read before it.
   */
  async #overtaken(last: Position, current: Current): Promise<'on' | 'again' | undefined> {
    if (last.head.bytes > 0) return undefined;
    const next = await this.#search.next(last, undefined, current, this.positions);
    if (next === 'moved') return 'again';
    if (next === undefined) return undefined;
    // Filled since it was opened, it may be what that one is a copy of.
    if (current.head.length === 0 && (await current.file.stat()).bytes > 0) return 'again';
    this.positions = this.positions.filter((it) => it !== last);
    this.#push(next);
    return 'on';
  }

  /** The file that was being read is nowhere, and others have taken its place. */
  #lose(position: Position, replaced: boolean): void {
    this.positions = this.positions.filter((it) => it !== position);
    // One that was empty is not recognised by what is in it, but it is among those that replaced it.
    if (replaced && position.head.bytes === 0) return;
    this.#needs.lost({ path: position.path, why: 'gone', bytes: undefined });
  }

  /** Looks after files that were rotated away: whoever has them open may write to them still. */
  async #attend(current: Current | undefined): Promise<void> {
    // From the newest on: where an empty one was, only the next one tells.
    for (const position of this.positions.slice(0, -1).reverse()) {
      if (this.#needs.paused?.()) return;
      if (position.packed) {
        if (!(await this.#search.still(position, current))) this.#drop(position);
        continue;
      }
      const { path, offset, unfinished, modified } = position;
      const stat = await this.#needs.files.stat(path);
      if (stat !== undefined && sameFile(stat, position)) {
        if (stat.bytes === offset + unfinished && stat.modified === modified) continue;
      }
      // It was put back: it is the log again.
      if (current !== undefined && sameFile(current.stat, position)) {
        if ((await recognise(current.file, current.stat, position)) !== undefined) continue;
      }
      const found = await this.#search.find(position, current, this.positions);
      if (found !== undefined) await this.#readFound(position, found);
      else if (current !== undefined) this.#drop(position);
    }
  }

  async #open(): Promise<Current | undefined> {
    const { files, path } = this.#needs;
    const named = await files.stat(path);
    if (named === undefined) return undefined;
    check(path, named);
    const file = await files.open(path);
    if (file === undefined) return undefined;
    try {
      const stat = await file.stat();
      check(path, stat);
      const head = await stretch(file, 0, PRINT_BYTES);
      return { path: await files.real(path), file, stat, head };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Goes over to the log itself, of which nothing was read, or which was put back. */
  async #goOver(current: Current | undefined): Promise<'end' | 'on'> {
    if (current === undefined) return 'end';
    const back = this.positions.find((it) => sameFile(it, current.stat));
    if (back !== undefined && (await recognise(current.file, current.stat, back)) !== undefined) {
      this.positions = [...this.positions.filter((it) => it !== back), back];
      return 'on';
    }
    // It may have been copied and truncated while others were read.
    return (await starts(current.file, current.head)) ? this.#begin(current) : 'on';
  }

  #begin(current: Current | undefined): 'end' | 'on' {
    if (current === undefined) return 'end';
    const { path, stat, head } = current;
    this.#push(startOf(path, stat, head));
    return 'on';
  }

  #push(position: Position): void {
    this.positions = [...this.positions, position];
    for (const it of this.positions.slice(0, -1 - MOST_LEFT)) this.#drop(it);
  }

  /** A file is not looked after any more. */
  #drop(position: Position): void {
    if (!this.positions.includes(position)) return;
    this.positions = this.positions.filter((it) => it !== position);
    const { path, unfinished: bytes } = position;
    if (bytes > 0) this.#needs.lost({ path, why: 'unfinished', bytes });
  }

  async #readCurrent(
    position: Position,
    { path, file, stat, head }: Current,
    found: Pick<Found, 'known' | 'offset' | 'cut'>,
  ): Promise<'end' | 'on'> {
    const { device, inode, born } = stat;
    const at = this.#placed({ ...position, path, device, inode, born }, found);
    const { offset } = at;
    // Of one that was empty nothing tells that it is truncated before it is read, but how it began just now.
    const known = position.head.bytes > 0 ? found.known : { ...found.known, head };
    const source = plain(file, offset);
    const read = await this.#read(position, { at, source, known, file, until: stat.bytes });
    return read === 'changed' ? 'on' : 'end';
  }

  /** A position in what was found, where that is not what was read of it. */
  #placed(position: Position, { offset, cut }: Pick<Found, 'offset' | 'cut'>): Position {
    if (offset === undefined) return position;
    if (cut) this.#needs.lost({ path: position.path, why: 'cut', bytes: undefined });
    return { ...position, offset, unfinished: 0, skipping: cut === 'within a line' };
  }

  async #readFound(position: Position, found: Found): Promise<'end' | 'changed' | 'paused'> {
    const { path, stat, source, known, file, packed, unchanged } = found;
    try {
      const { device, inode, modified, born } = stat;
      const its = { ...position, path, device, inode, modified, born, packed };
      const at = this.#placed(its, found);
      if (!unchanged) return await this.#read(position, { at, source, known, file });
      this.#replace(position, this.#closed(at));
      return 'end';
    } catch (error) {
      if (!packed || !isDamage(error)) throw error;
      this.#needs.lost({ path, why: 'damaged', bytes: undefined, error });
      return 'end';
    } finally {
      await source.close();
    }
  }

  #replace(before: Position, now: Position): void {
    this.positions = this.positions.map((it) => (it === before ? now : it));
  }

  /** What is packed has no other end than the one it has. */
  #closed(position: Position): Position {
    const { packed, unfinished: bytes, path } = position;
    if (!packed || bytes === 0) return position;
    this.#needs.lost({ path, why: 'unfinished', bytes });
    return { ...position, unfinished: 0 };
  }

  /** @param before the position, as it stands among the others. */
  #read(before: Position, stretch: Stretch): Promise<'end' | 'changed' | 'paused'> {
    return readOn(this.#needs, stretch, (left, paused) => {
      this.#replace(before, paused ? left : this.#closed(left));
    });
  }
}

const sameInode = (current: Current | undefined, position: Position): boolean =>
  current !== undefined && sameFile(current.stat, position);

/** Only a file can be read from a place on. */
function check(path: string, { kind }: Stat): void {
  if (kind !== 'file')
    throw new Foreseen(`${path}: is no file but a ${kind}: it cannot be read on`);
}

/** The position at the end of a file, or where the line begins that has no end yet. */
async function atEnd({ path, file, stat }: Current): Promise<Position> {
  const { bytes } = stat;
  const from = Math.max(0, bytes - LONGEST_LINE);
  const last = await stretch(file, from, bytes - from);
  const newline = last.lastIndexOf('\n');
  const skipping = newline === -1 && from > 0;
  const offset = skipping ? from + last.length : newline === -1 ? 0 : from + newline + 1;
  const tail = await stretch(
    file,
    Math.max(0, offset - PRINT_BYTES),
    Math.min(offset, PRINT_BYTES),
  );
  const start = startOf(path, stat, await stretch(file, 0, PRINT_BYTES));
  return { ...start, tail: printOf(tail), offset, skipping, unfinished: bytes - offset };
}
