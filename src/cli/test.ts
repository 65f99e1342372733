import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeOptions } from '../config/index.ts';
import {
  type Check,
  collecting,
  collectorChecks,
  handlerChecks,
  inTime,
  observedText,
  parserChecks,
  parserText,
  type Recording,
  recordingIn,
  Unfit,
} from '../conformance/index.ts';
import { defaultOf, loadHere, type Plugin } from '../foreign/index.ts';
import { hostFacts, liveHost, recordedHost, startRecording } from '../host/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { inSource } from '../script/index.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { optionMap } from './option-map.ts';
import { watchdog } from './watchdog.ts';

export interface TestOptions {
  /** As in the configuration, in YAML; PORT in it stands for the port of a peer. */
  readonly options?: string;
  readonly fixtures?: string;
  readonly update?: boolean;
}

/** Files of no more bytes are cut at every one of them: a big host takes seconds as it is. */
const CUTS = 1024;

/** What a plugin is tested with. */
interface Bench {
  readonly io: Io;
  /** Where recordings, logs and golden files are. */
  readonly folder: string;
  readonly given: string | undefined;
  readonly update: boolean;
}

/** A check has not come back, and may hold what it holds for ever. */
class Late extends Unfit {}

/** Milliseconds for one check, and for a collection on this host: from when it is aborted, and in all. */
const LONGEST_CHECK = 30_000;
const DEADLINE = 3000;
const GRACE = 1000;

/**
 * `cullinan test`: holds a plugin to what the built-in ones are held to.
 *
 * @returns 1 where it does not pass.
 */
export async function test(io: Io, file: string, options: TestOptions): Promise<number> {
  const dog = watchdog();
  const { exit } = process;
  process.exit = (() => {
    throw new Unfit('it called process.exit(): throw an error in place of it');
  }) as typeof exit;
  try {
    return await tested(io, file, options, dog);
  } finally {
    process.exit = exit;
    dog.end();
  }
}

async function tested(
  io: Io,
  file: string,
  options: TestOptions,
  dog: ReturnType<typeof watchdog>,
): Promise<number> {
  const path = resolve(file);
  dog.at('can be loaded');
  const { plugins } = await loadHere(path);
  const usual = join(
    dirname(path),
    `${path.slice(dirname(path).length + 1, -extname(path).length)}.test`,
  );
  const folder = resolve(options.fixtures ?? usual);
  const bench = { io, folder, given: options.options, update: options.update === true };
  let loose: unknown;
  const caught = (error: unknown): void => {
    loose ??= error ?? new Error('something was rejected without a reason');
  };
  process.on('unhandledRejection', caught).on('uncaughtException', caught);
  let failed = 0;
  let passed = 0;
  try {
    /** @returns whether there is more to be tried: what hangs may hang again and again. */
    const judge = async (check: Check): Promise<boolean> => {
      dog.at(check.name);
      const why = await trouble(check, () => loose);
      loose = undefined;
      if (why === undefined) passed += 1;
      else failed += 1;
      io.out(
        why === undefined
          ? `ok   ${check.name}\n`
          : `FAIL ${check.name}\n     ${said(why.error)}\n`,
      );
      return !(why?.error instanceof Late);
    };
    for (const plugin of plugins) {
      io.out(`${plugin.kind} ${plugin.it.name}\n`);
      for await (const check of checksOf(plugin, bench)) if (!(await judge(check))) break;
    }
    const own = path.replace(/(\.[^.]+)$/, '.test$1');
    if (existsSync(own)) {
      io.out(`${basename(own)}\n`);
      for (const check of await writtenIn(own)) if (!(await judge(check))) break;
    }
  } finally {
    process.off('unhandledRejection', caught).off('uncaughtException', caught);
  }
  io.err(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? EXIT.ok : EXIT.failure;
}

/** Why a check is not passed; nothing, if it is. */
async function trouble(
  check: Check,
  loose: () => unknown,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    await inTime(check.run(), LONGEST_CHECK, 'it', Late);
    // What was let go of is heard of a turn later.
    await new Promise(setImmediate);
    const error = loose();
    if (error === undefined) return undefined;
    return { error: new Unfit(`it threw where nobody could catch it: ${said(error)}`) };
  } catch (error) {
    return { error };
  }
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A bug is best found by where it is.
  const at =
    error instanceof Unfit ? undefined : /\n\s+at (.*)/.exec(inSource(error.stack ?? ''))?.[1];
  const named = error.name === 'Unfit' ? error.message : `${error.name}: ${error.message}`;
  return at === undefined || error instanceof Foreseen ? named : `${named} (${at})`;
}

async function* checksOf(plugin: Plugin, bench: Bench): AsyncGenerator<Check> {
  const { kind, it } = plugin;
  if (kind === 'collector') yield* ofCollector(it, bench);
  else if (kind === 'parser') yield* ofParser(it, bench);
  else yield* ofHandler(it, bench);
}

/**
 * The author's own checks, beside the plugin: what a file exports by default, a function for each by what it
 * shows. One that throws, or rejects, is not passed.
 */
async function writtenIn(path: string): Promise<readonly Check[]> {
  const them = await defaultOf(path);
  if (typeof them !== 'object' || them === null) {
    throw new Foreseen(
      `${path} has no tests: what it exports by default must be { 'does this'() { … }, … }`,
    );
  }
  return Object.entries(them).map(([name, it]: [string, unknown]) => {
    if (typeof it !== 'function') throw new Foreseen(`${path}: "${name}" must be a function`);
    return { name, run: async () => void (await it()) };
  });
}

/** Options as they are written on the command line. */
const optionsIn = (given = '', port = 0) =>
  optionMap('--options', given.replaceAll('PORT', String(port)), given);

/** The options that were given, if it takes them. */
function optionsFor({ name, options }: Collector | Parser, { given }: Bench) {
  const read = optionsIn(given);
  const { error } = options.safeParse(read);
  if (error === undefined) return read;
  const wrong = error.issues.map(({ path, message }) => `${path.join('.') || 'all'}: ${message}`);
  throw new UsageError(
    `${name} cannot be tested with ${given === undefined ? 'no options' : `the options "${given}"`}: ${wrong.join('; ')}. Give what it needs: --options "name: value, name: value"`,
  );
}

async function* ofCollector(it: Collector, bench: Bench): AsyncGenerator<Check> {
  const options = optionsFor(it, bench);
  const found = list(bench.folder).flatMap((name) => recordingIn(join(bench.folder, name)) ?? []);
  if (found.length === 0) {
    bench.io.err(
      `There is no recording in ${bench.folder}, so it is tested on this host. Make one: cullinan record ${join(bench.folder, 'this-host')}\n`,
    );
    const scratch = mkdtempSync(join(tmpdir(), 'cullinan-test-'));
    const recordings: Recording[] = [];
    const observes = {
      name: 'observes what it declares, or says why not',
      async run() {
        const recording = await recorded(it, scratch, options);
        await observedText(it, recording, options);
        recordings.push(recording);
      },
    };
    try {
      yield* prefixed('this host', [observes]);
      for (const recording of recordings) {
        yield* prefixed('this host', collectorChecks(it, recording, options, CUTS));
      }
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    return;
  }
  for (const recording of found) {
    const golden = join(bench.folder, `${recording.name}.txt`);
    const observes = {
      name: 'observes exactly this',
      run: () => as(golden, bench, () => observedText(it, recording, options)),
    };
    yield* prefixed(recording.name, [observes, ...collectorChecks(it, recording, options, CUTS)]);
  }
}

function* prefixed(name: string, checks: readonly Check[]): Generator<Check> {
  for (const { name: what, run } of checks) yield { name: `${name}: ${what}`, run };
}

/** What a collector reads of this host, twice; who reads nothing of it has what it observes elsewhere. */
async function recorded(it: Collector, scratch: string, options: unknown): Promise<Recording> {
  const host = liveHost({});
  const recorder = startRecording(join(scratch, 'this-host'), host, await hostFacts());
  const collect = collecting(it);
  const start = Math.floor(Date.now() / 1000);
  for (const [i, pause] of [0, 1000].entries()) {
    await sleep(pause);
    recorder.moment(start + i);
    const signal = AbortSignal.timeout(DEADLINE);
    const collected = collect(start + i, { host: recorder.host, options, signal });
    await inTime(collected, DEADLINE + GRACE, 'a collection whose signal was aborted');
  }
  host.close();
  const recording = recordingIn(join(scratch, 'this-host'));
  if (recording === undefined) throw new Foreseen('this host could not be recorded');
  if (recording.moments.length > 0) return recording;
  const nothing = () => recordedHost(scratch);
  return { ...recording, moments: [0, 1].map((i) => ({ time: start + i, host: nothing })) };
}

async function* ofParser(it: Parser, bench: Bench): AsyncGenerator<Check> {
  const options = optionsFor(it, bench);
  const logs = list(bench.folder).filter((name) => name.endsWith('.log'));
  if (logs.length === 0) {
    throw new UsageError(
      `there is no log to test it with: put lines of the real program into ${join(bench.folder, `${it.name}.log`)}`,
    );
  }
  for (const name of logs) {
    const log = readFileSync(join(bench.folder, name));
    const golden = join(bench.folder, name.replace(/\.log$/, '.txt'));
    const reports = {
      name: 'reports exactly this',
      run: () => as(golden, bench, async () => parserText(it, log, options)),
    };
    yield* prefixed(name, [reports, ...parserChecks(it, log, options)]);
  }
}

async function* ofHandler(it: Handler, { given }: Bench): AsyncGenerator<Check> {
  const names = describeOptions(it.options).map(({ name }) => name);
  if (given === undefined && !names.includes('port')) {
    throw new UsageError(
      `the handler ${it.name} has no option "port": say how it reaches a peer on this host, such as --options "url: 'http://127.0.0.1:PORT'"`,
    );
  }
  const host = names.includes('host') ? 'host: 127.0.0.1, ' : '';
  yield* handlerChecks(it, (port) => optionsIn(given ?? `${host}port: PORT`, port));
}

/** The names in a folder, sorted; none, if it is not there. */
function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Compares with what is written down; writes it down where nothing is. */
async function as(golden: string, bench: Bench, make: () => Promise<string>): Promise<void> {
  const text = await make();
  const { io, update } = bench;
  if (update || !existsSync(golden)) {
    mkdirSync(dirname(golden), { recursive: true });
    writeFileSync(golden, text);
    io.err(`Wrote ${golden}: read it, it is what the plugin is held to from now on.\n`);
    return;
  }
  const before = readFileSync(golden, 'utf8').split('\n');
  const now = text.split('\n');
  const at = now.findIndex((line, i) => line !== before[i]);
  if (at === -1 && before.length === now.length) return;
  const place = at === -1 ? now.length : at;
  throw new Unfit(
    `${golden}:${place + 1} says "${before[place] ?? ''}", and now it is "${now[place] ?? ''}". Where that is right: cullinan test --update`,
  );
}
