import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { LineFinder, LONGEST_LINE, liveFiles, packingOf, unpacked } from '../logs/index.ts';
import type { Observation } from '../metric/index.ts';
import type { ChosenParser } from '../parsers/index.ts';
import { codeOf, Foreseen, type Line } from '../plugin/index.ts';
import { formatValue } from '../wire/graphite.ts';
import { printable } from '../wire/printable.ts';
import { chooseParser, isKnown } from './cull-parser.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { bringPlugins } from './plugins.ts';
import { loadWithPlugins } from './setup.ts';

export interface SampleOptions {
  readonly config?: string;
  readonly parser?: string;
  readonly parserOptions?: string;
  /** So many lines are shown one by one. */
  readonly lines: string;
  readonly json?: boolean;
}

/** More of a sample is not read. */
const MOST_BYTES = 64 * 1024 * 1024;
const PIECE = 64 * 1024;
const MOST_NAMED = 10;
/** Characters of a line that are shown. */
const WIDTH = 160;
/** What a run is taken for whose lines do not tell their times (seconds). */
const A_RUN = 60;

/** A line, and what it amounts to by itself. */
interface Shown {
  readonly line: number;
  readonly known: boolean;
  readonly text: string;
  readonly numbers: readonly Observation[];
  readonly error?: string;
}

/**
 * `cullinan check --sample`: gives a sample of a log to a parser, and shows of each line whether the
 * parser knows it and what it makes of it, and then what the sample amounts to. Nothing is kept or sent.
 *
 * @returns 1 where the parser knows none of the lines.
 */
export async function checkSample(io: Io, sample: string, options: SampleOptions): Promise<number> {
  const most = Number(options.lines);
  if (!Number.isInteger(most) || most < 0) {
    throw new UsageError(`--lines is "${options.lines}"; it must be a whole number`);
  }
  let code: number = EXIT.ok;
  for (const { where, chosen } of await parsersFor(io, sample, options)) {
    const result = await read(sample, chosen, most);
    if (result.lines > 0 && result.known === 0) code = EXIT.failure;
    if (options.json) say(io, sample, chosen, result);
    else print(io, where, result);
  }
  return code;
}

interface Asked {
  /** What is asked, in words. */
  readonly where: string;
  readonly chosen: ChosenParser;
}

/** The parser that was named; else those that the configuration has for this log, or has at all. */
async function parsersFor(
  io: Io,
  sample: string,
  options: SampleOptions,
): Promise<readonly Asked[]> {
  const { parser, parserOptions, config: path } = options;
  if (parser !== undefined) {
    if (!isKnown(parser)) await bringPlugins(io, path, { inProcess: true });
    return [{ where: parser, chosen: await chooseParser(parser, parserOptions) }];
  }
  const { config } = await loadWithPlugins(io, path, { inProcess: true });
  const all = config.collectors.flatMap(({ instance, collector, options }) =>
    collector.name === 'logs'
      ? (options as { files: readonly { path: string; parser: ChosenParser }[] }).files.map(
          (it) => ({
            ...it,
            where: `${it.parser.parser.name}, as collectors.${instance} has it for ${it.path}`,
          }),
        )
      : [],
  );
  const its = all.filter(({ path }) => path === resolve(sample));
  const found = its.length > 0 ? its : all;
  if (found.length > 0) return found.map(({ where, parser }) => ({ where, chosen: parser }));
  throw new UsageError(
    'no parser: name one with --parser, or a configuration whose collector logs has files with --config',
  );
}

interface Result {
  readonly lines: number;
  readonly known: number;
  readonly shown: readonly Shown[];
  /** Numbers of the first lines that are not known, of those that are not shown. */
  readonly unknown: readonly number[];
  readonly seconds: number;
  readonly numbers: readonly Observation[];
  /** The sample is longer than what was read of it. */
  readonly cut: boolean;
}

/** What is in a file, unpacked if its name says that it is packed. */
async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  const packing = packingOf(path);
  const file = packing === undefined ? undefined : await liveFiles.open(path);
  if (packing === undefined || file === undefined) {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
    return;
  }
  const source = unpacked(file, packing);
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE);
      const bytes = await source.read(piece, 0, piece.length);
      if (bytes === 0) return;
      yield piece.subarray(0, bytes);
    }
  } finally {
    await source.close();
  }
}

async function read(sample: string, { parser, options }: ChosenParser, most: number) {
  const needles = (parser.needles?.(options) ?? []).map((needle) => Buffer.from(needle));
  const parsing = parser.open(options);
  const shown: Shown[] = [];
  const unknown: number[] = [];
  let known = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;

  function one(line: Line): void {
    const bytes = Buffer.from(line.bytes.buffer, line.bytes.byteOffset, line.bytes.length);
    const may = needles.length === 0 || needles.some((needle) => bytes.includes(needle));
    let error: string | undefined;
    let is = false;
    try {
      is = may && parsing.parse(line);
      const time = is ? parsing.timeOf?.(line) : undefined;
      if (time !== undefined) {
        first = Math.min(first, time);
        last = Math.max(last, time);
      }
    } catch (why) {
      error = why instanceof Error ? why.message : String(why);
    }
    if (is) known += 1;
    if (shown.length >= most) {
      if (!is && unknown.length < MOST_NAMED) unknown.push(finder.lines);
      return;
    }
    // A parser of its own, so that what is shown is of this line and no other.
    const alone = is ? parser.open(options) : undefined;
    alone?.parse(line);
    const numbers = [...(alone?.report(1) ?? [])].filter(telling);
    const text = printable(line.text.slice(0, WIDTH)) + (line.text.length > WIDTH ? '…' : '');
    shown.push({ line: finder.lines, known: is, text, numbers, ...(error ? { error } : {}) });
  }

  const finder = new LineFinder(one);
  let rest = Buffer.alloc(0);
  let bytes = 0;
  let cut = false;
  const scan = (more: Buffer): void => {
    const all = Buffer.concat([rest, more]);
    rest = all.subarray(finder.scan(all, all.length));
    if (rest.length < LONGEST_LINE) return;
    if (!finder.skipping) finder.skip();
    rest = Buffer.alloc(0);
  };
  try {
    for await (const chunk of piecesOf(sample)) {
      bytes += chunk.length;
      cut = bytes > MOST_BYTES;
      if (cut) break;
      scan(chunk);
    }
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new Foreseen(`${sample} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (rest.length > 0) scan(Buffer.from('\n'));
  const seconds = last > first ? last - first : A_RUN;
  const numbers = [...parsing.report(seconds)];
  return { lines: finder.lines, known, shown, unknown, seconds, numbers, cut } satisfies Result;
}

/** Of one value the statistics are all the same. */
const telling = ({ value, labels }: Observation): boolean =>
  value !== 0 && (labels['statistic'] ?? 'mean') === 'mean';

const nameOf = ({ metric, labels }: Observation): string => {
  const pairs = metric.labels.map((label) => `${label}=${JSON.stringify(labels[label] ?? '')}`);
  return pairs.length === 0 ? metric.name : `${metric.name}{${pairs.join(',')}}`;
};

const numberText = (it: Observation): string =>
  `${printable(nameOf(it))} ${formatValue(it.value, undefined)}`;

function print(io: Io, where: string, result: Result): void {
  const { lines, known, shown, unknown, seconds, numbers, cut } = result;
  io.err(`Parser ${where}\n\n`);
  for (const { line, known, text, numbers, error } of shown) {
    io.out(`${String(line).padStart(6)} ${known ? '+' : '-'} ${text}\n`);
    if (numbers.length > 0) io.out(`         ${numbers.map(numberText).join(', ')}\n`);
    if (error !== undefined) io.out(`         the parser broke on it: ${error}\n`);
  }
  if (lines > shown.length) {
    const more = unknown.length < MOST_NAMED ? '' : ', …';
    const which = unknown.length === 0 ? '' : `; not known: ${unknown.join(', ')}${more}`;
    io.err(`… and ${lines - shown.length} lines more${which}\n`);
  }
  if (cut)
    io.err(`The sample is longer than ${MOST_BYTES / 2 ** 20} MiB: the rest was not read.\n`);
  const span = seconds < 10 ? Number(seconds.toPrecision(2)) : Math.round(seconds);
  io.err(
    `\n${known} of ${lines} lines known (+), ${lines - known} not (-). In a run of ${span} s they amount to:\n`,
  );
  for (const it of numbers) {
    io.out(`${numberText(it)} ${it.metric.unit} ${it.metric.kind}\n`);
  }
}

function say(io: Io, sample: string, { parser }: ChosenParser, result: Result): void {
  const plain = (them: readonly Observation[]) =>
    them.map(({ metric, labels, value }) => {
      return { name: metric.name, labels, value, unit: metric.unit, kind: metric.kind };
    });
  const { numbers, shown, ...rest } = result;
  const each = shown.map((it) => ({ ...it, numbers: plain(it.numbers) }));
  const said = { sample, parser: parser.name, ...rest, numbers: plain(numbers), shown: each };
  io.out(`${JSON.stringify(said)}\n`);
}
