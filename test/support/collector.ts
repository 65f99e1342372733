import { existsSync, readdirSync } from 'node:fs';
import {
  AccessDenied,
  type AgentStatus,
  type Collector,
  type Host,
  NoData,
  type Observation,
  ParseError,
  type Session,
  Unresponsive,
  type z,
} from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordedHost } from '../../src/host/index.ts';
import { createSince } from '../../src/rates/index.ts';
import { changing, readAgain, refusing, remembering } from './host.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url);

/** Every recorded host in test/fixtures. */
const recordings: readonly string[] = (existsSync(FIXTURES) ? readdirSync(FIXTURES) : [])
  .filter((name) => existsSync(new URL(`${name}/recording.json`, FIXTURES)))
  .sort();

/** A recording's moments in time order: seconds since the Unix epoch. */
const momentsOf = (recording: string): readonly number[] =>
  readdirSync(new URL(`${recording}/`, FIXTURES))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

/** A recorded host at one moment. */
const hostAt = (recording: string, moment: number): Host =>
  recordedHost(new URL(`${recording}/${moment}`, FIXTURES).pathname);

/** An agent that has just started, and runs nothing. */
export const idleAgent: AgentStatus = {
  collectors: [],
  handlers: [],
  schedule: { clockSteps: 0, suspends: 0, lateTicks: 0 },
  counterResets: 0,
  eventLoopLag: 0,
  residentMemory: 0,
  cpu: { user: 0, system: 0 },
  problem: undefined,
};

/** What one collection came to: observations and errors in order, and what it threw in the end. */
export interface Run {
  readonly observations: readonly Observation[];
  readonly errors: readonly Error[];
  readonly thrown: unknown;
}

interface Given {
  readonly host: Host;
  /** As in the configuration file. */
  readonly options?: unknown;
  readonly agent?: AgentStatus;
}

/** One collector as the agent runs it: its session and its memory live from collection to collection. */
export function collecting<O extends z.ZodType>(collector: Collector<O>) {
  const { since, turn } = createSince();
  let session: Pick<Session<O>, 'collect'> | undefined;
  return async (seconds: number, { host, options = {}, agent = idleAgent }: Given) => {
    const observations: Observation[] = [];
    const errors: Error[] = [];
    let thrown: unknown;
    turn(seconds);
    session ??= collector.open ? await collector.open() : collector;
    const signal = new AbortController().signal;
    const context = {
      host,
      options: collector.options.parse(options),
      signal,
      since,
      agent,
      time: seconds,
    };
    try {
      for await (const item of await session.collect(context)) {
        if (item instanceof Error) errors.push(item);
        else observations.push(item);
      }
    } catch (error) {
      thrown = error;
    }
    return { observations, errors, thrown } satisfies Run;
  };
}

/** `name{label="text",…} value unit kind`, labels in the order they are declared in. */
export function line({ metric, labels, value }: Observation): string {
  const pairs = metric.labels.map((label) => `${label}=${JSON.stringify(labels[label])}`);
  return `${metric.name}{${pairs.join(',')}} ${value} ${metric.unit} ${metric.kind}`;
}

/** A collection as text: a line per observation, then `! name: message` per error. */
export function text({ observations, errors, thrown }: Run): string {
  const failed = thrown === undefined ? errors : [...errors, thrown];
  return [...observations.map(line), ...failed.map((error) => `! ${error}`), ''].join('\n');
}

/** Only declared metrics with exactly their labels, only finite numbers. */
export function expectSound(collector: Collector, { observations }: Run): void {
  const declared = new Set(Object.values(collector.metrics).map(({ name }) => name));
  for (const observation of observations) {
    const { metric, labels, value } = observation;
    // Asserted only when it fails: there are millions of these.
    const known = declared.has(metric.name);
    const labelled =
      Object.keys(labels).length === metric.labels.length &&
      metric.labels.every((label) => typeof labels[label] === 'string');
    if (!known || !labelled || !Number.isFinite(value)) {
      expect.fail(`${known ? 'not sound' : 'not declared'}: ${line(observation)}`);
    }
  }
}

/** No series twice in one collection. */
export function expectDistinct({ observations }: Run): void {
  const series = new Set<string>();
  for (const { metric, labels, host } of observations) {
    const key = JSON.stringify([metric.name, host, ...metric.labels.map((label) => labels[label])]);
    expect(series.has(key), `observed twice in one collection: ${key}`).toBe(false);
    series.add(key);
  }
}

const WORDED = [ParseError, NoData, AccessDenied, Unresponsive];

/** Whatever the source holds, only errors with a word of their own; anything else is a bug. */
function expectWorded({ errors, thrown }: Run): void {
  for (const error of thrown === undefined ? errors : [...errors, thrown]) {
    if (!WORDED.some((word) => error instanceof word)) throw error;
  }
}

/** At most two hundred places in a text, none more regular than its columns. */
function* placesIn(text: string): Generator<number> {
  const step = Math.max(1, text.length / 200);
  for (let at = 0; at < text.length; at += step) yield Math.floor(at);
}

interface Variant {
  /** Options other than the defaults, and the word that tells their golden files apart. */
  readonly options?: unknown;
  readonly variant?: string;
}

/** The suite that every collector passes, over every recorded host. */
export function describeCollector<O extends z.ZodType>(
  collector: Collector<O>,
  { options = {}, variant }: Variant = {},
): void {
  const { name } = collector;

  /** Collects from a host first, and once more after a sound one, when there is growth to tell. */
  const collectAround = async (sound: Host, other: Host): Promise<readonly Run[]> => {
    const collect = collecting(collector);
    const fresh = await collect(0, { host: other, options });
    await collect(10, { host: sound, options });
    const runs = [fresh, await collect(20, { host: other, options })];
    for (const run of runs) {
      expectWorded(run);
      expectSound(collector, run);
    }
    return runs;
  };

  describe.each(recordings)(`${name}${variant ? ` (${variant})` : ''} on %s`, (recording) => {
    const moments = momentsOf(recording);
    const [first = 0, second = first] = moments;

    /** The first two moments, and the files that the collector reads in them. */
    const prepare = async () => {
      const sound = remembering(hostAt(recording, first));
      const next = remembering(hostAt(recording, second));
      await collectAround(sound.host, next.host);
      return { sound: sound.host, next: next.host, files: [...next.files] };
    };

    test('observes exactly this', async () => {
      const collect = collecting(collector);
      let golden = '';
      for (const moment of moments) {
        const run = await collect(moment, { host: hostAt(recording, moment), options });
        expectSound(collector, run);
        expectDistinct(run);
        expectWorded(run);
        golden += `# ${moment}\n${text(run)}`;
      }
      const file = variant ? `${recording}.${variant}` : recording;
      await expect(golden).toMatchFileSnapshot(`../golden/collectors/${name}/${file}.txt`);
    });

    test('has no data where the host has none', async () => {
      const nothing = refusing(hostAt(recording, first), (question) => new NoData(question));
      const run = await collecting(collector)(first, { host: nothing, options });
      expect(run.thrown).toBeInstanceOf(NoData);
      expect(run.observations).toEqual([]);
    });

    test('says so where it may not read', async () => {
      const secret = refusing(hostAt(recording, first), (question) => new AccessDenied(question));
      const { thrown, errors } = await collecting(collector)(first, { host: secret, options });
      expect(thrown ?? errors[0]).toBeInstanceOf(AccessDenied);
    });

    test('takes a file that vanishes, or that may not be read, for what it is', async () => {
      const { sound, next, files } = await prepare();
      for (const file of files) {
        for (const error of [new NoData(file), new AccessDenied(file)]) {
          const other = refusing(next, (question) => (question === file ? error : undefined));
          for (const run of await collectAround(sound, other)) expectDistinct(run);
        }
      }
    });

    test('takes a file cut short anywhere for malformed at worst', async () => {
      const { sound, next, files } = await prepare();
      for (const file of files) {
        const whole = readAgain(next, file);
        for (const length of placesIn(whole)) {
          const cut = whole.slice(0, length);
          const other = changing(next, (question, answer) => (question === file ? cut : answer));
          await collectAround(sound, other);
        }
      }
    });

    test('takes bytes changed at random for malformed at worst', async () => {
      const { sound, next, files } = await prepare();
      if (files.length === 0) return;
      const anywhere = fc.record({ file: fc.nat(), at: fc.nat(), byte: fc.nat(255) });
      await fc.assert(
        fc.asyncProperty(fc.array(anywhere, { minLength: 1, maxLength: 20 }), async (changes) => {
          const changed = new Map<string, string>();
          for (const { file, at, byte } of changes) {
            const question = files[file % files.length] ?? '';
            const text = changed.get(question) ?? readAgain(next, question);
            const place = at % (text.length + 1);
            const letter = String.fromCharCode(byte);
            changed.set(question, text.slice(0, place) + letter + text.slice(place + 1));
          }
          await collectAround(
            sound,
            changing(next, (question, answer) => changed.get(question) ?? answer),
          );
        }),
        { numRuns: 100 },
      );
    });
  });

  test('there are recorded hosts to observe', () => expect(recordings).not.toEqual([]));
}
