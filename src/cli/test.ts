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
import { parse } from 'yaml';
import { describeOptions } from '../config/index.ts';
import {
  type Check,
  collecting,
  collectorChecks,
  handlerChecks,
  observedText,
  parserChecks,
  parserText,
  type Recording,
  recordingIn,
  Unfit,
} from '../conformance/index.ts';
import { defaultOf, loadHere, type Plugin } from '../foreign/index.ts';
import { hostFacts, liveHost, startRecording } from '../host/index.ts';
import type { Collector, Handler, Parser } from '../plugin/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { watchdog } from './watchdog.ts';

export interface TestOptions {
  /** As in the configuration, in YAML; PORT in it stands for the port of a peer. */
  readonly options?: string;
  readonly fixtures?: string;
  readonly update?: boolean;
}

/** What a plugin is tested with. */
interface Bench {
  readonly io: Io;
  /** Where recordings, logs and golden files are. */
  readonly folder: string;
  readonly given: string | undefined;
  readonly update: boolean;
}

/**
 * `cullinan test`: holds a plugin to what the built-in ones are held to.
 *
 * @returns 1 where it does not pass.
 */
export async function test(io: Io, file: string, options: TestOptions): Promise<number> {
  const path = resolve(file);
  const { plugins } = await loadHere(path);
  const usual = join(
    dirname(path),
    `${path.slice(dirname(path).length + 1, -extname(path).length)}.test`,
  );
  const folder = resolve(options.fixtures ?? usual);
  const bench = { io, folder, given: options.options, update: options.update === true };
  const dog = watchdog();
  let loose: unknown;
  const caught = (error: unknown): void => {
    loose ??= error ?? new Error('something was rejected without a reason');
  };
  process.on('unhandledRejection', caught).on('uncaughtException', caught);
  let failed = 0;
  let passed = 0;
  try {
    const judge = async (check: Check): Promise<void> => {
      dog.at(check.name);
      const why = await trouble(check, () => loose);
      loose = undefined;
      if (why === undefined) passed += 1;
      else failed += 1;
      io.out(why === undefined ? `ok   ${check.name}\n` : `FAIL ${check.name}\n     ${why}\n`);
    };
    for (const plugin of plugins) {
      io.out(`${plugin.kind} ${plugin.it.name}\n`);
      for await (const check of checksOf(plugin, bench)) await judge(check);
    }
    const own = path.replace(/(\.[^.]+)$/, '.test$1');
    if (existsSync(own)) {
      io.out(`${basename(own)}\n`);
      for (const check of await writtenIn(own)) await judge(check);
    }
  } finally {
    dog.end();
    process.off('unhandledRejection', caught).off('uncaughtException', caught);
  }
  io.err(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? EXIT.ok : EXIT.failure;
}

/** Why a check is not passed; nothing, if it is. */
async function trouble(check: Check, loose: () => unknown): Promise<string | undefined> {
  try {
    await check.run();
    // What was let go of is heard of a turn later.
    await new Promise(setImmediate);
    const error = loose();
    return error === undefined ? undefined : `it threw where nobody could catch it: ${said(error)}`;
  } catch (error) {
    return said(error);
  }
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A bug is best found by where it is.
  const at = error instanceof Unfit ? undefined : /\n\s+at (.*)/.exec(error.stack ?? '')?.[1];
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
function optionsIn(given: string | undefined, port = 0): Readonly<Record<string, unknown>> {
  const text = (given ?? '').replaceAll('PORT', String(port)).trim();
  try {
    return parse(text === '' || text.startsWith('{') ? text || '{}' : `{${text}}`) ?? {};
  } catch (error) {
    throw new UsageError(
      `--options is "${given}"; it must be "name: value, name: value": ${(error as Error).message.split('\n')[0]}`,
    );
  }
}

async function* ofCollector(it: Collector, bench: Bench): AsyncGenerator<Check> {
  const options = optionsIn(bench.given);
  const found = list(bench.folder).flatMap((name) => recordingIn(join(bench.folder, name)) ?? []);
  if (found.length === 0) {
    bench.io.err(
      `There is no recording in ${bench.folder}, so it is tested on this host. Make one: cullinan record ${join(bench.folder, 'this-host')}\n`,
    );
    const scratch = mkdtempSync(join(tmpdir(), 'cullinan-test-'));
    try {
      yield* prefixed(
        'this host',
        collectorChecks(it, await recorded(it, scratch, options), options),
      );
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
    yield* prefixed(recording.name, [observes, ...collectorChecks(it, recording, options)]);
  }
}

function* prefixed(name: string, checks: readonly Check[]): Generator<Check> {
  for (const { name: what, run } of checks) yield { name: `${name}: ${what}`, run };
}

/** What a collector reads of this host, twice. */
async function recorded(it: Collector, scratch: string, options: unknown): Promise<Recording> {
  const host = liveHost({});
  const recorder = startRecording(join(scratch, 'this-host'), host, await hostFacts());
  const collect = collecting(it);
  const start = Math.floor(Date.now() / 1000);
  for (const [i, pause] of [0, 1000].entries()) {
    await sleep(pause);
    recorder.moment(start + i);
    await collect(start + i, { host: recorder.host, options });
  }
  host.close();
  const recording = recordingIn(join(scratch, 'this-host'));
  if (recording === undefined) throw new Foreseen('this host could not be recorded');
  return recording;
}

async function* ofParser(it: Parser, bench: Bench): AsyncGenerator<Check> {
  const options = optionsIn(bench.given);
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
