import { createReadStream } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { FORMATS, type FormatName, type Found, recognise } from './formats.ts';
import { untagged } from './name.ts';

/** Characters of a line at most; no name is longer. */
const LONGEST = 64 * 1024;
/** Characters that a format is recognised by. */
const BEGINNING = 64 * 1024;
/** Folders within each other at most, of a tree of whisper files. */
const DEEPEST = 64;
/** Lines that are told because nothing could be made of them. */
const TOLD = 3;

/** What was read so far. */
export interface Tally {
  lines: number;
  /** Lines that were not understood; the first few of them, with their numbers. */
  unread: number;
  readonly examples: { readonly line: number; readonly text: string }[];
}

/** An output that is being read. */
export interface Output {
  /** `--format`'s word, or that of a folder. */
  readonly format: FormatName | 'whisper' | 'collectd-files';
  readonly title: string;
  readonly tally: Tally;
  /** Names in the order in which they stand there, as often as they do. Throws a Foreseen error. */
  names(): AsyncIterable<readonly Found[]>;
}

const FORMAT_NAMES = Object.keys(FORMATS).join(', ');

/**
 * Opens what an operator has of an old program: a file, packed or not, a folder of whisper files or of
 * collectd's, or `-`, standard input.
 *
 * @param given a format, where it is not to be recognised.
 * @throws a Foreseen error that says what could be given instead.
 */
export async function openOutput(path: string, given?: FormatName): Promise<Output> {
  const tally: Tally = { lines: 0, unread: 0, examples: [] };
  if (path !== '-' && (await isFolder(path))) return folder(path, tally);
  const chunks = texts(path)[Symbol.asyncIterator]();
  let beginning = '';
  while (beginning.length < BEGINNING) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    beginning += value;
  }
  const format = given ?? recognise(beginning);
  if (format === undefined) {
    await chunks.return?.();
    const what = beginning.trim() === '' ? 'is empty' : 'is in no format that is known';
    throw new Foreseen(
      `${path} ${what}. Give a list of names, one a line, or what --format names: ${FORMAT_NAMES}; or a folder of .wsp files.`,
    );
  }
  const { title } = FORMATS[format];
  return { format, title, tally, names: () => read(beginning, chunks, format, tally) };
}

/** A file's text, in pieces. */
async function* texts(path: string): AsyncGenerator<string, void, undefined> {
  const bytes = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
  const decoder = new StringDecoder('utf8');
  try {
    for await (const chunk of await unpacked(bytes)) yield decoder.write(chunk);
  } catch (error) {
    throw new Foreseen(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  yield decoder.end();
}

/** What gzip has packed, unpacked; anything else as it is. */
async function unpacked(bytes: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let first = Buffer.alloc(0);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    first = Buffer.concat([first, next.value]);
    if (first.length >= 2) break;
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const packed = first.length >= 2 && first.readUInt16BE() === 0x1f8b;
  return packed ? pipeline(Readable.from(whole()), createGunzip(), () => {}) : whole();
}

/** Whether it is a folder. Throws a Foreseen error where there is none, or none that may be looked at. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const code = codeOf(error);
    const what =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'is not there. Give what the old agent has sent: a file, a folder, or - for standard input.'
        : `cannot be read: ${code}. Become root, or copy it.`;
    throw new Foreseen(`${path} ${what}`, { cause: error });
  }
}

/** Nothing could be made of what was read last. */
function leave(text: string, tally: Tally): void {
  tally.unread += 1;
  if (tally.examples.length < TOLD) tally.examples.push({ line: tally.lines, text });
}

async function* read(
  beginning: string,
  rest: AsyncIterator<string>,
  format: FormatName,
  tally: Tally,
): AsyncGenerator<readonly Found[]> {
  const { end, reader } = FORMATS[format];
  const take = reader();
  let left = '';
  const handle = (pieces: readonly string[]): Found[] => {
    const found: Found[] = [];
    for (const piece of pieces) {
      tally.lines += 1;
      const taken = piece.length > LONGEST ? undefined : take(piece);
      if (taken === 'nothing') continue;
      if (taken === undefined) leave(piece.slice(0, 200), tally);
      else if ('name' in taken) found.push(taken);
      else found.push(...taken);
    }
    return found;
  };
  for (let text: string | undefined = beginning; text !== undefined; ) {
    const pieces = (left + text).split(end);
    left = pieces.pop() ?? '';
    yield handle(pieces);
    // Of a line that is too long, enough is kept to see that it is.
    if (left.length > LONGEST) left = left.slice(0, LONGEST + 1);
    const { value, done } = await rest.next();
    text = done === true ? undefined : value;
  }
  if (left !== '') yield handle([left]);
}

const CSV = /^(.+)-\d{4}-\d{2}-\d{2}$/;

/** What a file of such a folder is the series of, by its path below the folder. */
function seriesOf(path: string): { kind: 'whisper' | 'collectd-files'; found: Found } | undefined {
  const parts = path.split(sep);
  const file = parts.at(-1) ?? '';
  if (file.endsWith('.wsp')) {
    const name = file.slice(0, -'.wsp'.length);
    // Carbon keeps tagged series under a hash, with their dots spelled out.
    const tagged = parts.length >= 4 && parts.at(-4) === '_tagged';
    const whole = tagged
      ? untagged(name.replaceAll('_DOT_', '.'))
      : [...parts.slice(0, -1), name].join('.');
    return { kind: 'whisper', found: { name: whole } };
  }
  const [host, plugin] = parts.slice(-3);
  if (parts.length < 3 || host === undefined || plugin === undefined) return undefined;
  const type = file.endsWith('.rrd') ? file.slice(0, -'.rrd'.length) : CSV.exec(file)?.[1];
  if (type === undefined) return undefined;
  return { kind: 'collectd-files', found: { host, name: `${plugin}/${type}` } };
}

/** The files of a folder and of those in it; links to folders are not followed. */
async function* files(path: string, depth = 0): AsyncGenerator<string> {
  if (depth > DEEPEST) return;
  for await (const entry of await opendir(path)) {
    const full = join(path, entry.name);
    if (entry.isDirectory()) yield* files(full, depth + 1);
    else if (entry.isFile() || entry.isSymbolicLink()) yield full;
  }
}

/**
 * A file's path from where names begin: below whisper's own folder, if the path of the given one leads
 * through it or to just above it; else below the given one.
 */
function fromRoot(given: string, file: string): string {
  const at = given.split(sep).lastIndexOf('whisper');
  if (at >= 0)
    return file
      .split(sep)
      .slice(at + 1)
      .join(sep);
  const below = relative(given, file);
  return below.startsWith(`whisper${sep}`) ? below.slice('whisper'.length + 1) : below;
}

async function folder(path: string, tally: Tally): Promise<Output> {
  const real = await realpath(path);
  for await (const file of files(real)) {
    // collectd's folders may be given from a host's on.
    const kind = seriesOf(fromRoot(real, file))?.kind ?? seriesOf(file)?.kind;
    if (kind === undefined) continue;
    const title = kind === 'whisper' ? 'whisper files' : "collectd's files";
    const isWhisper = kind === 'whisper';
    return {
      format: kind,
      title,
      tally,
      async *names() {
        for await (const each of files(real)) {
          const series = seriesOf(isWhisper ? fromRoot(real, each) : each);
          tally.lines += 1;
          if (series?.kind === kind) yield [series.found];
          else leave(basename(each), tally);
        }
      },
    };
  }
  throw new Foreseen(
    `${path} holds no .wsp files, and none of collectd's (.rrd, or .csv's with a date behind their name).`,
  );
}
