import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { recordedHost } from '../host/index.ts';
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
} from '../plugin/index.ts';
import { createSince } from '../rates/index.ts';
import { type Check, chance, inTime, placesIn, Unfit } from './check.ts';
import { changing, readAgain, refusing, remembering } from './host.ts';

/** A recorded host. */
export interface Recording {
  readonly name: string;
  /** In time order: seconds since the Unix epoch. */
  readonly moments: readonly { readonly time: number; readonly host: () => Host }[];
}

/** The recording in a folder, as `cullinan record` makes them; nothing, if there is none. */
export function recordingIn(folder: string): Recording | undefined {
  if (!existsSync(join(folder, 'recording.json'))) return undefined;
  const times = readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const moments = times.map((time) => {
    return { time, host: () => recordedHost(join(folder, String(time))) };
  });
  return { name: basename(folder), moments };
}

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
export interface CollectorRun {
  readonly observations: readonly Observation[];
  readonly errors: readonly Error[];
  readonly thrown: unknown;
}

interface Given {
  readonly host: Host;
  /** As in the configuration file. */
  readonly options?: unknown;
  readonly agent?: AgentStatus;
  readonly signal?: AbortSignal;
  /** Seconds from one tick to the next, where it is told. */
  readonly interval?: number;
}

/** One collector as the agent runs it: its session and its memory live from collection to collection. */
export function collecting<O extends z.ZodType>(collector: Collector<O>) {
  const { since, turn } = createSince();
  let session: Pick<Session<O>, 'collect'> | undefined;
  return async (time: number, given: Given): Promise<CollectorRun> => {
    const { host, options = {}, agent = idleAgent, interval } = given;
    const { signal = new AbortController().signal } = given;
    const observations: Observation[] = [];
    const errors: Error[] = [];
    let thrown: unknown;
    turn(time);
    session ??= collector.open ? await collector.open() : collector;
    const parsed = collector.options.parse(options);
    try {
      const context = { host, options: parsed, signal, since, agent, time, interval };
      const collected: unknown = await session.collect(context);
      if (!isIterable(collected)) {
        throw new Unfit('what collect() gave back is no list of observations: write *collect()');
      }
      for await (const item of collected) {
        if (item instanceof Error) errors.push(item);
        else observations.push(item);
      }
    } catch (error) {
      thrown = error;
    }
    return { observations, errors, thrown };
  };
}

const isIterable = (it: unknown): it is Iterable<Observation | Error> =>
  typeof it === 'object' && it !== null && (Symbol.iterator in it || Symbol.asyncIterator in it);

/** `name{label="text",…} value unit kind`, labels in the order they are declared in. */
export function observationLine({ metric, labels, value }: Observation): string {
  const pairs = metric.labels.map((label) => `${label}=${JSON.stringify(labels[label])}`);
  return `${metric.name}{${pairs.join(',')}} ${value} ${metric.unit} ${metric.kind}`;
}

/** A collection as text: a line per observation, then `! name: message` per error. */
export function reported({ observations, errors, thrown }: CollectorRun): string {
  const failed = thrown === undefined ? errors : [...errors, thrown];
  return [...observations.map(observationLine), ...failed.map((error) => `! ${error}`), ''].join(
    '\n',
  );
}

/** What a collector observes in each moment of a recording. */
export async function observedText<O extends z.ZodType>(
  collector: Collector<O>,
  { moments }: Recording,
  options: unknown = {},
): Promise<string> {
  const collect = collecting(collector);
  let text = '';
  for (const { time, host } of moments) {
    const run = await collect(time, { host: host(), options });
    sound(collector, run, options);
    distinct(run);
    worded(run);
    text += `# ${time}\n${reported(run)}`;
  }
  return text;
}

/** Only declared metrics with exactly their labels, only finite numbers. */
function sound<O extends z.ZodType>(
  collector: Collector<O>,
  { observations }: CollectorRun,
  options: unknown,
): void {
  const more = collector.moreMetrics?.(collector.options.parse(options)) ?? [];
  const declared = new Set([...Object.values(collector.metrics), ...more].map(({ name }) => name));
  for (const observation of observations) {
    const given: unknown = observation;
    if (typeof given !== 'object' || given === null || !('metric' in given)) {
      throw new Unfit(
        `yielded ${typeof given}, which is no observation: yield metrics.….observe(…)`,
      );
    }
    const { metric, labels, value } = observation;
    if (!declared.has(metric.name))
      throw new Unfit(`not declared: ${observationLine(observation)}`);
    const labelled =
      Object.keys(labels).length === metric.labels.length &&
      metric.labels.every((label) => typeof labels[label] === 'string');
    if (!labelled || !Number.isFinite(value)) {
      throw new Unfit(`not sound: ${observationLine(observation)}`);
    }
  }
}

/** No series twice in one collection. */
function distinct({ observations }: CollectorRun): void {
  const series = new Set<string>();
  for (const { metric, labels, host } of observations) {
    const key = JSON.stringify([metric.name, host, ...metric.labels.map((label) => labels[label])]);
    if (series.has(key)) throw new Unfit(`observed twice in one collection: ${key}`);
    series.add(key);
  }
}

const WORDED = [ParseError, NoData, AccessDenied, Unresponsive];

/** Whatever the source holds, only errors with a word of their own; anything else is a bug. */
function worded({ errors, thrown }: CollectorRun): void {
  for (const error of thrown === undefined ? errors : [...errors, thrown]) {
    if (!WORDED.some((word) => error instanceof word)) throw error;
  }
}

/** Milliseconds for a collector to end when its signal is aborted. */
const GRACE = 2000;

/**
 * What every collector passes on a recorded host, besides observing what is written down of it.
 *
 * @param cuts in so many places a file is cut short at most: where it has no more bytes, at every one.
 */
export function collectorChecks<O extends z.ZodType>(
  collector: Collector<O>,
  { moments }: Recording,
  options: unknown = {},
  cuts = 200,
): readonly Check[] {
  const [first, second = first] = moments;
  if (first === undefined || second === undefined) return [];

  /** Collects from a host first, and once more after a sound one, when there is growth to tell. */
  const collectAround = async (one: Host, other: Host): Promise<readonly CollectorRun[]> => {
    const collect = collecting(collector);
    const fresh = await collect(0, { host: other, options });
    await collect(10, { host: one, options });
    const runs = [fresh, await collect(20, { host: other, options })];
    for (const run of runs) {
      worded(run);
      sound(collector, run, options);
    }
    return runs;
  };

  /** The first two moments, and the files that the collector reads in them. */
  const prepare = async () => {
    const one = remembering(first.host());
    const next = remembering(second.host());
    await collectAround(one.host, next.host);
    return { one: one.host, next: next.host, files: [...next.files] };
  };

  /** A host that answers every question with an error, as far as it is asked any. */
  const silent = (error: (question: string) => Error) => {
    let asked = false;
    const host = refusing(first.host(), (question) => {
      asked = true;
      return error(question);
    });
    return { host, asked: () => asked };
  };

  return [
    {
      name: 'has no data where the host has none',
      async run() {
        const { host, asked } = silent((question) => new NoData(question));
        const { thrown, observations } = await collecting(collector)(first.time, { host, options });
        // What does not ask the host has its data elsewhere.
        if (!asked()) return;
        if (!(thrown instanceof NoData)) {
          throw new Unfit(`threw ${String(thrown)} in place of NoData where nothing is there`);
        }
        if (observations.length > 0) throw new Unfit('observed something where nothing is there');
      },
    },
    {
      name: 'says so where it may not read',
      async run() {
        const { host, asked } = silent((question) => new AccessDenied(question));
        const { thrown, errors } = await collecting(collector)(first.time, { host, options });
        const said = thrown ?? errors[0];
        if (asked() && !(said instanceof AccessDenied)) {
          throw new Unfit(`said ${String(said)} in place of AccessDenied where it may not read`);
        }
      },
    },
    {
      name: 'takes a file that vanishes, or that may not be read, for what it is',
      async run() {
        const { one, next, files } = await prepare();
        for (const file of files) {
          for (const error of [new NoData(file), new AccessDenied(file)]) {
            const other = refusing(next, (question) => (question === file ? error : undefined));
            for (const run of await collectAround(one, other)) distinct(run);
          }
        }
      },
    },
    {
      name: 'takes a file cut short anywhere for malformed at worst',
      async run() {
        const { one, next, files } = await prepare();
        for (const file of files) {
          const whole = readAgain(next, file);
          for (const length of placesIn(whole.length, cuts)) {
            const cut = whole.slice(0, length);
            const other = changing(next, (question, answer) => (question === file ? cut : answer));
            await collectAround(one, other);
          }
        }
      },
    },
    {
      name: 'takes bytes changed at random for malformed at worst',
      async run() {
        const { one, next, files } = await prepare();
        if (files.length === 0) return;
        const below = chance();
        for (let round = 0; round < 100; round += 1) {
          const changed = new Map<string, string>();
          for (let n = 1 + below(20); n > 0; n -= 1) {
            const question = files[below(files.length)] ?? '';
            const text = changed.get(question) ?? readAgain(next, question);
            const place = below(text.length + 1);
            const letter = String.fromCharCode(below(256));
            changed.set(question, text.slice(0, place) + letter + text.slice(place + 1));
          }
          await collectAround(
            one,
            changing(next, (question, answer) => changed.get(question) ?? answer),
          );
        }
      },
    },
    {
      name: 'comes back when its signal is aborted',
      async run() {
        const aborter = new AbortController();
        const host = first.host();
        const collected = collecting(collector)(first.time, {
          host,
          options,
          signal: aborter.signal,
        });
        aborter.abort(new Unresponsive('the time is over'));
        await inTime(collected, GRACE, 'a collection that was aborted');
      },
    },
  ];
}
