import { basename, dirname, extname, join } from 'node:path';
import type { Files, Stat } from './files.ts';
import { packingOf } from './packed.ts';

/** A file that a log was rotated to. */
export interface Rotated {
  readonly path: string;
  readonly stat: Stat;
  /** The end of its name that tells how it is packed; `undefined` where it is not. */
  readonly packing: string | undefined;
}

/** What stands between a log's name and the end of it: `.1`, `-20261121`, `.2026-11-21_04`. */
const SUFFIX = /^[._-]\d[\d._:T-]*$/;
const DATED = /[._-]\d[\d._:T-]*$/;
/** More digits are a date. */
const MOST_INDEX_DIGITS = 5;
/** Listings after which two that are equal are not waited for any more. */
const MOST_LISTINGS = 10;

interface Named {
  readonly name: string;
  readonly packing: string | undefined;
  /** Digits of the suffix. */
  readonly digits: string;
  /** The numbers in it: of `2026-11-21.10` four. */
  readonly numbers: readonly number[];
}

type Placed = Rotated & Pick<Named, 'digits' | 'numbers'>;

/** Reads the name of a rotated log; `undefined` if it is not one of this log. Pure. */
export function rotatedName(log: string, name: string): Named | undefined {
  const packing = packingOf(name);
  const bare = packing === undefined ? name : name.slice(0, -packing.length);
  const extension = extname(log);
  const stem = log.slice(0, log.length - extension.length);
  for (const [start, end] of [
    [log, ''],
    [stem, extension],
  ] as const) {
    if (start === '' || !bare.startsWith(start) || !bare.endsWith(end)) continue;
    const suffix = bare.slice(start.length, bare.length - end.length);
    if (!SUFFIX.test(suffix)) continue;
    const numbers = suffix.match(/\d+/g)?.map(Number) ?? [];
    return { name, packing, digits: suffix.replaceAll(/\D/g, ''), numbers };
  }
  return undefined;
}

/** What a symbolic link leads to may have a date in its name: `app-20261121.log`. */
function undated(name: string): string {
  const extension = extname(name);
  return name.slice(0, name.length - extension.length).replace(DATED, '') + extension;
}

/**
 * The files that a log was rotated to, oldest first. Of one that is just being packed the unpacked file
 * is given. Names are looked at until they are the same twice: who lists a folder while files are being
 * renamed misses some.
 *
 * @param logs the paths of the log: its own, and where that leads to.
 * @param archives folders where else they may have been put.
 */
export async function rotatedFiles(
  files: Files,
  logs: readonly string[],
  archives: readonly string[],
): Promise<readonly Rotated[]> {
  let before: string | undefined;
  for (let i = 0; ; i += 1) {
    const found = await listing(files, logs, archives);
    const now = seenAs(found);
    if (now === before || i === MOST_LISTINGS) return found;
    before = now;
  }
}

/** What tells one listing from another. An inode may have been given to a file that was just made. */
export const seenAs = (found: readonly Rotated[]): string =>
  found.map(({ path, stat }) => `${path} ${stat.device} ${stat.inode} ${stat.born}`).join('\n');

async function listing(
  files: Files,
  logs: readonly string[],
  archives: readonly string[],
): Promise<Rotated[]> {
  const names = new Set(logs.flatMap((path) => [basename(path), undated(basename(path))]));
  const groups = new Map<string, Placed>();
  for (const folder of new Set([...logs.map((path) => dirname(path)), ...archives])) {
    for (const name of await files.list(folder)) {
      const named = [...names].map((log) => rotatedName(log, name)).find((it) => it !== undefined);
      if (named === undefined) continue;
      const path = join(folder, name);
      const stat = await files.stat(path);
      if (stat?.kind !== 'file') continue;
      const { packing, digits, numbers } = named;
      const key = packing === undefined ? path : path.slice(0, -packing.length);
      const other = groups.get(key);
      if (packing !== undefined && other !== undefined && !isLeftBehind(other, stat)) continue;
      groups.set(key, { path, stat, packing, digits, numbers });
    }
  }
  return inOrder([...groups.values()]);
}

/** Packed in another way, and longer ago: rotations since then have not known it by its name. */
const isLeftBehind = ({ packing, stat }: Rotated, { modified }: Stat): boolean =>
  packing !== undefined && stat.modified < modified;

function inOrder(found: Placed[]): Placed[] {
  const index = ({ digits }: Placed) => digits.length <= MOST_INDEX_DIGITS;
  if (found.every(index)) {
    found.sort((a, b) => Number(b.digits) - Number(a.digits));
    return countsUp(found) ? found.reverse() : found;
  }
  if (!found.some(index)) return found.sort((a, b) => inTime(a.numbers, b.numbers));
  return found.sort((a, b) => a.stat.modified - b.stat.modified);
}

/**
 * Whether the largest number is the latest file's, as log4j2 and some others count: it is where all
 * were written to in that order, and begun, too. When one was packed tells nothing of when it was begun; but the
 * latest are packed last. Given with the largest number first.
 */
function countsUp(found: readonly Placed[]): boolean {
  const largest = found[0]?.stat;
  const smallest = found.at(-1)?.stat;
  if (largest === undefined || smallest === undefined) return false;
  if (largest.modified <= smallest.modified) return false;
  const packed = found.findIndex(({ packing }) => packing !== undefined);
  const plain = packed === -1 ? found : found.slice(0, packed);
  if (found.slice(plain.length).some(({ packing }) => packing === undefined)) return false;
  return (
    descends(plain.map(({ stat }) => stat.born)) && descends(found.map(({ stat }) => stat.modified))
  );
}

const descends = (numbers: readonly number[]): boolean =>
  numbers.every((number, i) => number >= (numbers[i + 1] ?? number));

/** Dates, and what is counted within one: the tenth of a day comes after its second. */
function inTime(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}
