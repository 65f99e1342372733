import { dirname, join } from 'node:path';
import { Candidates, cutOff, type Found } from './candidates.ts';
import type { Files, Reading, Stat } from './files.ts';
import { type Position, printOf, recognise, sameFile, sameOne } from './identity.ts';
import type { Loss } from './loss.ts';
import { packingOf, plain, type Source } from './packed.ts';
import { type Rotated, rotatedFiles, seenAs } from './rotation.ts';

/** The log, open. */
export interface Current {
  readonly path: string;
  readonly file: Reading;
  readonly stat: Stat;
  /** Its first bytes, when it was opened. */
  readonly head: Buffer;
}

interface SearchNeeds {
  readonly path: string;
  readonly archives?: readonly string[] | undefined;
  readonly files: Files;
  readonly lost: (loss: Loss) => void;
}

/** What packs a file keeps the time of its last change, at least to the second. */
const SLACK = 2000;
/** Times that it is searched anew because a file went away between being seen and being opened. */
const MOST_SEARCHES = 5;

const NOTHING_MORE: Source = { read: async () => 0, close: async () => {} };

/** Finds where a log was rotated to. */
export class Search {
  readonly #needs: SearchNeeds;
  readonly #candidates: Candidates;

  constructor(needs: SearchNeeds) {
    this.#needs = needs;
    this.#candidates = new Candidates(needs);
  }

  /**
   * Finds a file that was being read, wherever it is now: under another name, as a copy, or packed. An
   * inode alone is no proof, and what is no proof is not taken.
   */
  async find(
    position: Position,
    current: Current | undefined,
    positions: readonly Position[],
  ): Promise<Found | undefined> {
    let before: string | undefined;
    for (let i = 0; i < MOST_SEARCHES; i += 1) {
      const rotated = await this.#rotated(current);
      // Between two listings it may have been renamed or packed: then it is searched once more.
      const now = seenAs(rotated);
      if (now === before) break;
      before = now;
      const found = await this.#findAmong(rotated, position, current, positions);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Whether a packed file is still there as it was. */
  async still(position: Position, current: Current | undefined): Promise<boolean> {
    return (await this.#rotated(current)).some(({ stat }) => sameOne(stat, position));
  }

  /** The oldest rotated file that was written after a moment; `undefined` if none was. */
  async since(time: number, current: Current | undefined): Promise<Position | undefined> {
    const rotated = (await this.#rotated(current)).filter(
      ({ stat }) => current === undefined || !sameFile(stat, current.stat),
    );
    const first = rotated.find(({ stat }) => stat.modified >= time);
    const start = first === undefined ? undefined : await this.#candidates.start(first);
    return start === 'moved' ? await this.since(time, current) : start?.position;
  }

  /**
   * The file to be read after one that was read to its end, or could not be found: the next of those
   * that the log was rotated to; `undefined` if none is known to come between it and the log, `moved` if
   * it went elsewhere just now.
   */
  async next(
    last: Position,
    found: Found | undefined,
    current: Current | undefined,
    positions: readonly Position[],
  ): Promise<Position | 'moved' | undefined> {
    const rotated = await this.#rotated(current);
    const at =
      found === undefined ? -1 : rotated.findIndex(({ stat }) => sameOne(stat, found.stat));
    if (found !== undefined && at === -1) {
      // Under a name of its own it has no place among the others; but it may have been packed just now.
      const stat = await this.#needs.files.stat(found.path);
      if (stat === undefined || !sameOne(stat, found.stat)) return 'moved';
    }
    const left = positions.filter((it) => it !== last);
    // What stands after the files that were read before the one that is gone was never read.
    const before = rotated.findLastIndex(({ stat }) => left.some((it) => sameOne(it, stat)));
    const from = at === -1 ? before : at;
    const after = from === -1 ? newerThan(rotated, last) : rotated.slice(from + 1);
    // One that could not be found is none of them: truncated, it is read like any other.
    const known = found === undefined ? left : positions;
    for (const it of after) {
      if (current !== undefined && sameFile(it.stat, current.stat)) continue;
      if (known.some((other) => sameOne(other, it.stat))) continue;
      const start = await this.#candidates.start(it);
      if (start === 'moved') return start;
      if (start === undefined || (await this.#isOneOf(known, it, start.head))) continue;
      if (current !== undefined && isCopy(start.head, current.head)) continue;
      return start.position;
    }
    return undefined;
  }

  async #rotated(current: Current | undefined): Promise<readonly Rotated[]> {
    const { files, path, archives = [] } = this.#needs;
    return await rotatedFiles(files, [path, current?.path ?? path], archives);
  }

  async #findAmong(
    rotated: readonly Rotated[],
    position: Position,
    current: Current | undefined,
    positions: readonly Position[],
  ): Promise<Found | undefined> {
    const isCurrent = (stat: Stat) => current !== undefined && sameFile(stat, current.stat);
    const others = rotated.filter(({ stat }) => !isCurrent(stat));
    const unpackedOnes = others.filter(({ packing }) => packing === undefined);

    const same =
      others.find(({ stat }) => sameFile(stat, position)) ??
      (await this.#byInode(position, current));
    const packedSince = same?.packing !== undefined && !sameOne(same.stat, position);
    if (same !== undefined && !packedSince && !isCurrent(same.stat)) {
      const found = await (same.packing === undefined
        ? this.#candidates.open(same, position)
        : this.#candidates.unpack(same, position));
      if (found !== undefined) return found;
    }
    // Where nothing was read, nothing is recognised, but its place may be.
    if (position.head.bytes === 0) {
      const it = inPlaceOf(rotated, position, current, positions);
      return it === undefined ? undefined : await this.#candidates.unpack(it, position);
    }
    if (current !== undefined && position === positions.at(-1)) {
      const known = await recognise(current.file, current.stat, position);
      const { path, stat, file } = current;
      const source = plain(file, position.offset);
      const facts = { path, stat, source, file, packed: false, unchanged: false };
      if (known !== undefined) return { ...facts, current: true, known };
    }
    const copies = unpackedOnes
      .filter(({ stat }) => stat.bytes >= position.offset)
      .filter(({ stat }) => !positions.some((it) => it !== position && sameOne(it, stat)))
      .sort((a, b) => b.stat.bytes - a.stat.bytes);
    for (const copy of copies) {
      const found = await this.#candidates.open(copy, position);
      if (found !== undefined) return found;
    }
    const packed = others.filter(
      ({ packing, stat }) => packing !== undefined && stat.modified >= position.modified - SLACK,
    );
    for (const it of packed.reverse()) {
      const found = await this.#candidates.unpack(it, position);
      if (found !== undefined) return found;
    }
    const isPlain = same !== undefined && same.packing === undefined && !isCurrent(same.stat);
    if (isPlain && sameOne(same.stat, position)) {
      const found = await this.#candidates.cutOff(same, position);
      if (found !== undefined) return found;
    }
    const truncated = current !== undefined && sameOne(current.stat, position);
    if (!truncated || position !== positions.at(-1)) return undefined;
    return (
      (await this.#shorter(others, position, positions)) ?? (await cutOff(current, position, true))
    );
  }

  /**
   * A log that was truncated in place, and read farther than it had been copied before that: what came
   * between is read, and in no file any more. Of its copy everything was read.
   */
  async #shorter(
    others: readonly Rotated[],
    position: Position,
    positions: readonly Position[],
  ): Promise<Found | undefined> {
    const { bytes, hash } = position.head;
    for (const it of others.toReversed()) {
      const { path, stat, packing } = it;
      if (packing === undefined && stat.bytes >= position.offset) continue;
      if (positions.some((other) => sameOne(other, stat))) continue;
      const start = await this.#candidates.start(it);
      if (start === undefined || start === 'moved') continue;
      if (start.head.length < bytes || printOf(start.head.subarray(0, bytes)).hash !== hash)
        continue;
      const end = await this.#candidates.end(it);
      if (end === undefined || end.bytes >= position.offset) continue;
      const known = { head: start.head, tail: end.tail };
      const how = { current: false, file: undefined, packed: packing !== undefined };
      const all = { ...how, unchanged: false, offset: end.bytes };
      return { path, stat, source: NOTHING_MORE, known, ...all };
    }
    return undefined;
  }

  /** Looks for an inode where it was last, and among all files of the folders. */
  async #byInode(position: Position, current: Current | undefined): Promise<Rotated | undefined> {
    const { files, path, archives = [] } = this.#needs;
    const stat = await files.stat(position.path);
    if (stat?.kind === 'file' && sameFile(stat, position)) {
      return { path: position.path, stat, packing: packingOf(position.path) };
    }
    const folders = new Set([dirname(path), dirname(current?.path ?? path), ...archives]);
    for (const folder of folders) {
      for (const name of await files.list(folder)) {
        const it = join(folder, name);
        const stat = await files.stat(it);
        if (stat?.kind === 'file' && sameFile(stat, position)) {
          return { path: it, stat, packing: packingOf(name) };
        }
      }
    }
    return undefined;
  }

  /** Whether it is one of those that were read, copied or packed since it was looked after. */
  async #isOneOf(positions: readonly Position[], it: Rotated, head: Buffer): Promise<boolean> {
    for (const position of positions) {
      const { bytes, hash } = position.head;
      if (bytes === 0 || printOf(head.subarray(0, bytes)).hash !== hash) continue;
      const found = await (it.packing === undefined
        ? this.#candidates.open(it, position)
        : this.#candidates.unpack(it, position));
      await found?.source.close();
      if (found !== undefined) return true;
    }
    return false;
  }
}

/**
 * Those that were written after everything else, where their times and their names agree on it: of a
 * file that is gone they cannot be older. Where they disagree it is none.
 */
function newerThan(
  rotated: readonly Rotated[],
  { modified, racy, head }: Position,
): readonly Rotated[] {
  // One that was empty may be among them as it was.
  const orSame = racy || head.bytes === 0;
  const newer = ({ stat }: Rotated): boolean =>
    stat.modified > modified || (orSame && stat.modified === modified);
  const first = rotated.findIndex(newer);
  const those = first === -1 ? [] : rotated.slice(first);
  return those.every(newer) ? those : [];
}

/**
 * What stands where an empty file stood, before the one that was read next: it was written to by
 * whoever had it open, and packed.
 */
function inPlaceOf(
  rotated: readonly Rotated[],
  position: Position,
  current: Current | undefined,
  positions: readonly Position[],
): Rotated | undefined {
  const next = positions[positions.indexOf(position) + 1];
  if (next === undefined) return undefined;
  const isNext = ({ stat }: Pick<Rotated, 'stat'>) => sameOne(stat, next);
  const at = current !== undefined && isNext(current) ? rotated.length : rotated.findIndex(isNext);
  const it = rotated[at - 1];
  if (it?.packing === undefined || it.stat.modified < position.modified) return undefined;
  return positions.some((other) => sameOne(other, it.stat)) ? undefined : it;
}

/** Whether a file begins as the log does: it is just being copied then, and will be truncated. */
function isCopy(head: Buffer, current: Buffer): boolean {
  const bytes = Math.min(head.length, current.length);
  return bytes > 0 && head.subarray(0, bytes).equals(current.subarray(0, bytes));
}
