import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../clock/index.ts';
import type { Early } from '../config/index.ts';
import type { LiveHost, LiveHostOptions } from '../host/index.ts';
import {
  type Culled,
  type CullNeeds,
  cull as cullLog,
  type First,
  type Found,
  isJournal,
  type Loss,
  STATE_FOLDER,
} from '../logs/index.ts';
import { type ChosenParser, isOwn, parsers } from '../parsers/index.ts';
import { codeOf, Foreseen, Unresponsive } from '../plugin/index.ts';
import { encodeText } from '../wire/lines.ts';
import { toldApart } from './cull-names.ts';
import { type CullOptions, isPrinted, needless, separatorOf } from './cull-options.ts';
import { type Output, standardOutput } from './cull-output.ts';
import { chooseParser, isKnown, parserNamed } from './cull-parser.ts';
import { bytesText, ProgressLine, spanText } from './cull-progress.ts';
import { EXIT, type Io, listed, UsageError } from './io.ts';
import { seconds } from './seconds.ts';

const DAY = 86_400;

/** What one run of the command stands on. */
interface Job {
  readonly io: Io;
  /** The parser as it was asked for: by name, or by where its file is. */
  readonly asked: string;
  readonly options: CullOptions;
  readonly chosen: ChosenParser;
  readonly outputs: readonly Output[];
  readonly first: First;
  /** Milliseconds to wait for who else is at work on a log. */
  readonly wait: number;
  /** What each log goes by in names; empty where there is only one. */
  readonly called: ReadonlyMap<string, string>;
  /** Outputs that have failed, which are not waited for again; and what they said. */
  readonly down: Map<string, string>;
  /** Asks a mount, in another process. */
  readonly probe: NonNullable<CullNeeds['probe']>;
}

/**
 * `cullinan cull`: reads what is new in logs, once, and sends what a parser makes of it. What was found
 * and could not be sent is sent by the next run, before anything else.
 */
export async function cull(
  io: Io,
  name: string,
  files: readonly string[],
  options: CullOptions,
): Promise<number> {
  // A run over a log is short, and often: nothing is looked for that is not asked for.
  let read: Early['files'] | undefined;
  if (!isKnown(name) || options.config !== undefined) {
    const { bringPlugins } = await import('./plugins.ts');
    ({ files: read } = await bringPlugins(io, options.config, { inProcess: true }));
  }
  if (options.parserHelp) return await help(io, name);
  if (files.length === 0) throw new UsageError('which log? Name a file behind the parser');
  const chosen = await chooseParser(name, options.parserOptions);
  const first = beginning(options, chosen);
  const wait = seconds('--wait', options.wait, { least: 0, most: DAY }) * 1000;
  const patience = seconds('--timeout', options.timeout, { least: 0.1, most: DAY }) * 1000;
  const warn = (text: string) => io.err(`cullinan: ${text}\n`);
  const { outputs, host: places } = await outputsOf(io, options, read, { patience, warn });
  if (io.errIsTerminal || options.debug) for (const text of needless(options)) warn(text);
  let host: LiveHost | undefined;
  const logs = files.map((file) => (isJournal(file) ? file : resolve(file)));
  const job: Job = {
    io,
    asked: name,
    options,
    chosen,
    // Asked for twice, it is sent to once.
    outputs: [...new Map(outputs.map((it) => [it.name, it])).values()],
    first,
    wait,
    called: logs.length > 1 ? toldApart(logs) : new Map(),
    down: new Map(),
    async probe(mountpoint, signal) {
      const { liveHost } = await import('../host/index.ts');
      host ??= liveHost(places);
      return await host.statfsGuarded(mountpoint, signal);
    },
  };
  let code: number = EXIT.ok;
  let failed = false;
  for (const log of logs) {
    try {
      code = Math.max(code, await one(job, log));
    } catch (error) {
      // One log that cannot be read does not keep the others from being.
      if (files.length === 1 || (!(error instanceof Foreseen) && codeOf(error) === undefined)) {
        throw error;
      }
      warn(error instanceof Error ? error.message : String(error));
      failed = true;
    }
  }
  host?.close();
  return failed ? EXIT.failure : code;
}

/** What numbers are sent to. What only that needs is loaded only then: most of a short run is its start. */
async function outputsOf(
  io: Io,
  options: CullOptions,
  read: Early['files'] | undefined,
  sending: { readonly patience: number; warn(text: string): void },
): Promise<{ readonly outputs: readonly Output[]; readonly host?: LiveHostOptions }> {
  const affixes = { prefix: options.metricPrefix ?? '', suffix: options.metricSuffix ?? '' };
  if (isPrinted(options)) {
    const spelled = { ...affixes, separator: separatorOf(options) };
    return { outputs: [standardOutput(io, spelled, hostname())] };
  }
  const { configuredOutputs } = await import('./cull-handlers.ts');
  return await configuredOutputs(io, options, read, affixes, sending);
}

/** Explains a parser: of one's own nothing is known but its file. */
async function help(io: Io, name: string): Promise<number> {
  const parser = await parserNamed(name);
  if (!isOwn(name)) {
    const { describe } = await import('./describe.ts');
    return describe(io, parser.name, { type: 'parser' });
  }
  io.out(`${parser.name} (parser, ${parser.source})\n${parser.summary}\n`);
  return EXIT.ok;
}

/** Where the first run at a log begins. */
function beginning(options: CullOptions, { parser, options: given }: ChosenParser): First {
  const interval = seconds('--interval', options.interval, { least: 1, most: DAY });
  if (options.since !== undefined) {
    if (options.fromStart) throw new UsageError('--from-start and --since: one of them, not both');
    const ago = seconds('--since', options.since, { least: 1, most: 3660 * DAY });
    return { from: 'since', since: systemClock.now() / 1000 - ago, interval };
  }
  if (!options.fromStart) return { from: 'end' };
  const knowsTime = parser.open(given).timeOf !== undefined;
  return { from: 'start', interval: knowsTime ? interval : undefined };
}

/** One log. @returns the exit code that it asks for. */
async function one(job: Job, log: string): Promise<number> {
  const { io, options, chosen, first, wait, asked } = job;
  const { parser } = chosen;
  const own = isOwn(asked) && { file: resolve(asked), inherits: !parsers.has(parser.name) };
  const progress =
    io.errIsTerminal && !options.json ? new ProgressLine(io.err, systemClock) : undefined;
  const folder = options.stateDir === undefined ? {} : { folder: resolve(options.stateDir) };
  const began = systemClock.monotonic();
  let culled: Culled;
  try {
    culled = await cullLog({
      ...{ log, parser: parser.name, parsing: parser.open(chosen.options), first, wait, ...folder },
      ...{
        needles: parser.needles?.(chosen.options),
        journal: parser.journal,
        own: own || undefined,
        clock: systemClock,
        archives: options.archive?.map((it) => resolve(it)),
        dry: options.dryRun,
        probe: job.probe,
        whole: true,
      },
      send: (found, took) => {
        // What is printed may be on the same terminal.
        progress?.end();
        return send(job, log, found, took);
      },
      progress: (how) => progress?.show(how),
    });
  } catch (error) {
    progress?.end();
    throw explained(error, job, log);
  }
  progress?.end();
  say(job, log, culled, systemClock.monotonic() - began);
  return culled.lost.some(({ why }) => why !== 'unfinished') ? EXIT.lost : EXIT.ok;
}

/** Sends what was found to every output that has not got it; one that fails keeps none from the others. */
async function send(
  { io, options, outputs, called, down }: Job,
  log: string,
  found: readonly Found[],
  took: (output: string) => Promise<void>,
): Promise<void> {
  const where = called.get(log) ?? '';
  for (const output of outputs) {
    if (down.has(output.name)) continue;
    const its = found.filter(({ sent }) => sent?.includes(output.name) !== true);
    const parcels = output.parcels(its, where);
    if (options.dryRun) {
      const lines = parcels.flatMap(({ points }) => points.map((it) => encodeText(it, 'path')));
      if (!options.json) io.out(lines.join(''));
      continue;
    }
    try {
      for (const parcel of parcels) await parcel.send();
    } catch (error) {
      if (!(error instanceof Foreseen) && codeOf(error) === undefined) throw error;
      down.set(output.name, error instanceof Error ? error.message : String(error));
      continue;
    }
    if (outputs.length > 1) await took(output.name);
  }
  if (down.size === 0) return;
  throw new Foreseen(
    `${listed([...down.values()])}. What was found in ${log} is kept, and the next run sends it first.`,
  );
}

/** Errors of the file system: where, what, what of it, and what to do. */
function explained(thrown: unknown, { options }: Job, log: string): unknown {
  if (thrown instanceof Unresponsive) {
    const { message } = thrown;
    return new Foreseen(`${log}: ${message}. The next run counts what is new in it.`, {
      cause: thrown,
    });
  }
  // A state that cannot be held says so itself, but not what becomes of the log.
  const cause = thrown instanceof Foreseen ? (thrown.cause as NodeJS.ErrnoException) : undefined;
  const error = cause?.syscall === 'listen' ? cause : thrown;
  const code = codeOf(error);
  if (code === undefined || error instanceof Foreseen) return error;
  const { path, message, syscall } = error as NodeJS.ErrnoException;
  const what = /\b[A-Z]+: ([^,]+?)(?=,| \/|$)/.exec(message)?.[1] ?? message;
  const because = { cause: error };
  const folder = resolve(options.stateDir ?? STATE_FOLDER);
  if (syscall === 'read' || (path !== undefined && isOfLog(path, log, folder))) {
    const who =
      code === 'EACCES' ? ' Run as a user who may read it; on Debian, the group adm may.' : '';
    return new Foreseen(
      `${path ?? log}: ${what}, so that nothing of it was counted.${who}`,
      because,
    );
  }
  const remedy =
    { ENOSPC: 'Make room', EDQUOT: 'Make room' }[code] ??
    'Run as a user who may write there, or name another folder with --state-dir';
  return new Foreseen(
    `${folder}: ${what}, so that it cannot be kept how far ${log} was read. What was not sent yet is ` +
      `counted by the next run. ${remedy}.`,
    because,
  );
}

/** Whether it is the log, its folder, or a file that it was rotated to, and not a matter of the state. */
const isOfLog = (path: string, log: string, folder: string): boolean =>
  path === dirname(log) ||
  path.startsWith(log) ||
  !(`${path}/`.startsWith(`${folder}/`) || `${folder}/`.startsWith(`${path}/`));

/** What there is to say of a run. cron sends mail about every word, so that little is said to it. */
function say(
  { io, asked, options, chosen, first }: Job,
  log: string,
  culled: Culled,
  ms: number,
): void {
  const { bytes, lines, known, tooLong, failed, error, found, resent, lost, seconds } = culled;
  if (options.json) {
    const { error: _, ...rest } = culled;
    io.out(
      `${JSON.stringify({ log, parser: chosen.parser.name, ...rest, found: numbers(found), resent: numbers(resent) })}\n`,
    );
  }
  const note = (text: string) => io.err(`${log}: ${text}\n`);
  if (culled.first && lines > 0 && known === 0) {
    const { name } = chosen.parser;
    const why =
      first.from === 'since'
        ? `none of its ${lines} lines counts: they are from before --since, or ${name} does not know them.`
        : `${name} knows none of its ${lines} lines. Is it the parser for this log?`;
    note(`${why} Try: cullinan check --parser ${asked} --sample ${log}`);
  }
  if (culled.absent) note('it is not there now. What is added once it is back will be counted.');
  for (const loss of lost) note(lossText(loss));
  if (tooLong === 1) note('a line was longer than 1 MiB and left out.');
  if (tooLong > 1) note(`${tooLong} lines were longer than 1 MiB and left out.`);
  if (failed > 0) {
    note(`the parser broke on ${failed} lines, which are left out: ${(error as Error).message}`);
  }
  if (culled.first && first.from === 'end') {
    note('first run: what is in it already is left out. The next run counts what was added since.');
    return;
  }
  if (!io.errIsTerminal && !options.debug) return;
  const time = seconds === undefined ? '' : ` of ${spanText(seconds)}`;
  const rate = ms > 0 ? `, ${Math.round(lines / (ms / 1000)).toLocaleString('en-US')} lines/s` : '';
  const again = resent.length > 0 ? ` ${resent.length} earlier reports were sent first.` : '';
  note(`${lines} lines${time} (${bytesText(bytes)}${rate}), ${known} of them known.${again}`);
}

/** As JSON has it: one object for each number. */
const numbers = (found: readonly Found[]) =>
  found.map(({ time, seconds, observations }) => ({
    time,
    seconds,
    numbers: observations.map(({ metric, labels, value }) => {
      return { name: metric.name, labels, value, unit: metric.unit, kind: metric.kind };
    }),
  }));

function lossText({ path, why, bytes, error }: Loss): string {
  switch (why) {
    case 'gone':
      return `${path} was rotated away and is nowhere to be found: what was written to it since the run before is lost. If rotated logs are put elsewhere, name that folder with --archive.`;
    case 'unfinished':
      return `${path} ended within a line of ${bytes} bytes, which is not counted.`;
    case 'damaged':
      return `${path} cannot be unpacked: ${error instanceof Error ? error.message : error}. What is in it is lost.`;
    case 'cut':
      return `${path} lost the end of what was read of it, as after a power failure. It is read on from there; what was written in its place before this run is lost.`;
    case 'vacuumed':
      return 'the entry is gone that was read last: the journal was vacuumed, and what it held after that may be lost.';
    case 'unreadable':
      return `journalctl says: ${error instanceof Error ? error.message : error}`;
  }
}
