/**
 * Appends each sample as a line to a file that it rotates.
 *
 * Format    `path value time`, the lines of Diamond's ArchiveHandler, or one JSON object per line.
 *           For JSON choose the dialect otel: others scale values to units of their own.
 * Rotation  At midnight of the host's time zone, as Diamond does: a day's lines move to
 *           `FILE.2026-11-21`. By size: to `FILE.1`, `FILE.2`, …, the newest first. A file that
 *           somebody else moves or deletes (logrotate) is created again.
 * Delivery  A batch counts as delivered when the kernel has taken it or, with `sync`, the disk. A
 *           batch that does not fit leaves nothing behind: no torn line, and none twice. (Of a batch
 *           across midnight that holds for each day; of a disk that hung, nothing is known.)
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Batch,
  codeOf,
  defineHandler,
  Foreseen,
  type Point,
  size,
  Unresponsive,
  z,
} from 'cullinan/plugin';
import { encodeJson, encodeText } from 'cullinan/wire/lines';

const options = z.strictObject({
  path: z.string().min(1).describe('The file. Its folder must exist.'),
  format: z.enum(['archive', 'json']).default('archive').describe('What a line is.'),
  rotate: z.enum(['midnight', 'size', 'never']).default('midnight').describe('When it rotates.'),
  size: size().prefault('100MiB').describe('With rotate: size, the most that a file holds.'),
  keep: z.int().min(0).default(7).describe('Rotated files to keep; older ones are deleted.'),
  sync: z.boolean().default(false).describe('Waits for the disk at each batch.'),
});
type Options = z.output<typeof options>;

/** The work on each file that has not come back yet: a hung disk holds up one thread, not all. */
const pending = new Map<string, Promise<unknown>>();

/** Works on a file when earlier work on it is done, until the signal is aborted. */
async function onFile<T>(path: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new Unresponsive(`${path}: its disk does not answer. Points wait.`));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    for (let earlier = pending.get(path); earlier !== undefined; earlier = pending.get(path)) {
      await Promise.race([earlier.catch(() => {}), aborted]);
    }
    const running = work().finally(() => pending.delete(path));
    pending.set(path, running);
    return await Promise.race([running, aborted]);
  } catch (error) {
    throw explain(error, path);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** One file that is being appended to, under whatever name it has by now. */
interface Archive {
  readonly file: FileHandle;
  readonly found: Stats;
  bytes: number;
  /** The day its lines are of; `undefined` while it has none. */
  day: string | undefined;
  /** Whether its last line was left unfinished, by a crash. */
  torn: boolean;
}

async function openArchive(path: string): Promise<Archive> {
  const { O_APPEND, O_CREAT, O_RDWR, O_NOCTTY } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_RDWR | O_NOCTTY, 0o640);
  try {
    const found = await file.stat();
    const bytes = found.isFile() ? found.size : 0;
    const day = bytes > 0 ? dayOf(found.mtimeMs / 1000) : undefined;
    const last = Buffer.alloc(1);
    if (bytes > 0) await file.read(last, 0, 1, bytes - 1);
    return { file, found, bytes, day, torn: bytes > 0 && last[0] !== NEWLINE };
  } catch (error) {
    await file.close();
    throw error;
  }
}
const NEWLINE = 10;

/** Appends all of it, or nothing. */
async function append(archive: Archive, text: string, sync: boolean): Promise<void> {
  const bytes = Buffer.from(archive.torn ? `\n${text}` : text);
  let written = 0;
  try {
    while (written < bytes.length) {
      written += (await archive.file.write(bytes, written)).bytesWritten;
    }
    if (sync) await archive.file.datasync();
  } catch (error) {
    if (written > 0) await archive.file.truncate(archive.bytes).catch(() => {});
    throw error;
  }
  archive.torn = false;
  archive.bytes += bytes.length;
}

/** The date in the host's time zone: `2026-11-21`. */
function dayOf(time: number): string {
  const date = new Date(time * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The batch's points in runs of one day each. */
function byDay(batch: Batch): readonly { readonly day: string; readonly points: Point[] }[] {
  const runs: { readonly day: string; readonly points: Point[] }[] = [];
  let time = Number.NaN;
  let day = '';
  for (const point of batch) {
    if (point.time !== time) {
      time = point.time;
      day = dayOf(time);
    }
    const run = runs.at(-1);
    if (run?.day === day) run.points.push(point);
    else runs.push({ day, points: [point] });
  }
  return runs;
}

/** Moves a finished day's file out of the way, next to one of that day that is there already. */
async function rotateDay(path: string, day: string, keep: number): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  const rotated = (await readdir(folder)).filter(
    (name) => name.startsWith(prefix) && DATED.test(name.slice(prefix.length)),
  );
  let name = `${prefix}${day}`;
  for (let i = 1; rotated.includes(name); i += 1) name = `${prefix}${day}.${i}`;
  await rename(path, join(folder, name));
  const byName = new Intl.Collator('en', { numeric: true });
  const oldestLast = [...rotated, name].sort(byName.compare).reverse();
  for (const old of oldestLast.slice(keep)) await rm(join(folder, old), { force: true });
}
const DATED = /^\d{4}-\d\d-\d\d(\.\d+)?$/;

/** Moves `.1` to `.2` and so on, and the file itself to `.1`. */
async function rotateSize(path: string, keep: number): Promise<void> {
  if (keep === 0) return rm(path, { force: true });
  for (let i = keep - 1; i >= 0; i -= 1) {
    const from = i === 0 ? path : `${path}.${i}`;
    await rename(from, `${path}.${i + 1}`).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'its filesystem is full. Free space, or let it keep less ("keep", "size")',
  EDQUOT: 'the quota of its owner is used up. Raise it, or let it keep less ("keep", "size")',
  EFBIG: 'it may not grow any more. Raise the limit (LimitFSIZE, ulimit -f), or rotate by size',
  EACCES: "the agent's user may not write there. Give it the folder (chown), or choose another",
  EPERM: 'writing there is forbidden. Look for a file attribute (lsattr), or choose another place',
  EROFS: 'its filesystem is read-only. Mount it writable, or choose another place',
  ENOENT: 'its folder does not exist. Create it (mkdir -p), or choose another',
  ENOTDIR: 'a part of the path is a file, not a folder. Correct "path"',
  EISDIR: 'it is a folder. Name a file in it',
};

function explain(error: unknown, path: string): unknown {
  const code = codeOf(error);
  const remedy = code === undefined ? undefined : REMEDIES[code];
  if (remedy === undefined) return error;
  return new Foreseen(
    `cannot write ${path}: ${remedy} (${code}). Points wait in the queue meanwhile.`,
    {
      cause: error,
    },
  );
}

const encode = (points: Batch, format: Options['format']): string =>
  points
    .map((point) =>
      format === 'json' ? encodeJson(point, { path: true }) : encodeText(point, 'path'),
    )
    .join('');

export default defineHandler({
  name: 'file',
  summary: 'Appends each sample as a line to a file that it rotates.',
  options,
  dialect: 'diamond',
  counters: 'rates',
  idempotent: false,
  acknowledged: true,
  async open({ options: { path, format, rotate, size, keep, sync }, signal }) {
    let archive = await onFile(path, signal, async () => {
      const opened = await openArchive(path);
      // A disk may have answered so late that nobody waits for it any more.
      if (signal.aborted) await opened.file.close();
      return opened;
    });
    let closed = false;
    const close = async () => {
      if (closed) return;
      closed = true;
      signal.removeEventListener('abort', abandon);
      const end = () => archive.file.close();
      const hung = pending.get(path);
      if (hung === undefined) await end();
      else hung.then(end, end).catch(() => {});
    };
    // Given up, for instance at a write's deadline: then nobody calls close.
    const abandon = () => void close().catch(() => {});
    signal.addEventListener('abort', abandon);
    const reopen = async () => {
      await archive.file.close();
      archive = await openArchive(path);
    };
    /** Follows what others did to the file meanwhile: moved, deleted or emptied it. */
    const follow = async () => {
      const now = await stat(path).catch(() => undefined);
      const { ino, dev } = archive.found;
      if (now === undefined || now.ino !== ino || now.dev !== dev) return reopen();
      if (now.isFile()) archive.bytes = now.size;
      if (now.size === 0) archive.day = undefined;
    };
    const write = async (batch: Batch) => {
      await follow();
      for (const { day, points } of byDay(batch)) {
        const text = encode(points, format);
        const has = archive.found.isFile() && archive.bytes > 0;
        if (rotate === 'midnight' && has && archive.day !== undefined && day > archive.day) {
          await rotateDay(path, archive.day, keep);
          await reopen();
        } else if (rotate === 'size' && has && archive.bytes + Buffer.byteLength(text) > size) {
          await rotateSize(path, keep);
          await reopen();
        }
        await append(archive, text, sync);
        archive.day ??= day;
      }
    };
    return {
      write: (batch, signal) => onFile(path, signal, () => write(batch)),
      close,
    };
  },
});
