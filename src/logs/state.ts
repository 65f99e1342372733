import { basename, dirname, join } from 'node:path';
import type { Metric, Observation } from '../metric/index.ts';
import { Foreseen } from '../plugin/index.ts';
import { fingerprint } from '../wire/fingerprint.ts';
import type { Files } from './files.ts';
import type { Place } from './reader.ts';
import { isListOf, isNumber, isOptional, isPlace, isRecord, isText } from './stored.ts';

/** What lines amounted to over some time. */
export interface Found {
  /** Seconds since the Unix epoch: the end of that time, unless an observation has its own. */
  readonly time: number;
  /** How long it was, more than 0. */
  readonly seconds: number;
  readonly observations: readonly Observation[];
  /** The outputs that have it, while others do not; absent, none of them. */
  readonly sent?: readonly string[] | undefined;
}

/** Where a log was left, and what was found in it that nobody may have yet. */
export interface State extends Place {
  /** When everything up to there was there, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** What was there at the first run is still being read, in intervals of so many seconds, from then on. */
  readonly backfill?: { readonly since: number; readonly interval: number } | undefined;
  /** To be sent, oldest first. It stays until it was, so that it is sent as it was found. */
  readonly pending: readonly Found[];
}

/** Where states are kept unless somewhere else is named. */
export const STATE_FOLDER = '/var/lib/cullinan/cull';

const VERSION = 1;
/** The lock beside a state is a socket, whose whole name is no longer than 107 bytes. */
const LONGEST_NAME = 60;

/**
 * The file for the state of one parser at one log: to be read by people, and nobody else's.
 *
 * @param file where a parser of one's own is: several of them may have one name.
 */
export function statePath(folder: string, parser: string, log: string, file = parser): string {
  const readable = `${parser}-${log.replace(/^\//, '')}`.replace(/[^\w.@:=,-]/g, '-');
  const hash = fingerprint(Buffer.from(`${file}\n${log}`)).slice(0, 8);
  return join(folder, `${readable.slice(0, LONGEST_NAME)}.${hash}.json`);
}

/** A metric stands once; observations refer to it by its place. */
interface Stored extends Place {
  readonly version: number;
  readonly at: number;
  readonly backfill?: State['backfill'];
  readonly metrics: readonly Metric[];
  readonly pending: readonly {
    readonly time: number;
    readonly seconds: number;
    readonly sent?: readonly string[] | undefined;
    readonly observations: readonly Row[];
  }[];
}

type Row = readonly [metric: number, value: number, rest: Omit<Observation, 'metric' | 'value'>];

/** As text, with what is pending. Pure. */
function encodeState({ at, positions, cursor, backfill, pending }: State): string {
  const places = new Map<Metric, number>();
  const placeOf = (metric: Metric): number => {
    const place = places.get(metric) ?? places.size;
    places.set(metric, place);
    return place;
  };
  const rows = pending.map(({ time, seconds, sent, observations }) => ({
    time,
    seconds,
    sent,
    observations: observations.map(
      ({ metric, value, ...rest }) => [placeOf(metric), value, rest] as const,
    ),
  }));
  const metrics = [...places.keys()].map(({ kind, name, unit, labels, help }) => {
    return { kind, name, unit, labels, help };
  });
  const place = { at, positions, cursor, backfill };
  const stored: Stored = { version: VERSION, ...place, metrics, pending: rows };
  return `${JSON.stringify(stored)}\n`;
}

/** @throws whatever is wrong with it. */
function decodeState(text: string): State {
  const { at, positions, cursor, backfill, metrics, pending } = storedIn(JSON.parse(text));
  return {
    at,
    positions,
    cursor,
    backfill,
    pending: pending.map(({ time, seconds, sent, observations }) => ({
      time,
      seconds,
      sent,
      observations: observations.map(([place, value, rest]) => {
        return { ...rest, metric: metrics[place] as Metric, value };
      }),
    })),
  };
}

/** @throws {@link Foreseen} that names what is not as {@link encodeState} writes it. */
function storedIn(it: unknown): Stored {
  if (!isRecord(it)) throw new Foreseen('it is no object');
  const { version, at, backfill, metrics, pending } = it;
  if (version !== VERSION) throw new Foreseen(`its version is ${version}, and not ${VERSION}`);
  const sound = {
    'its time': isNumber(at),
    'how far it was read': isPlace(it),
    'its past': isOptional(backfill, isBackfill),
    'what is to be sent': isListOf(metrics, isMetric) && isListOf(pending, isPending(metrics)),
  };
  const wrong = Object.entries(sound).find(([, is]) => !is)?.[0];
  if (wrong === undefined) return it as unknown as Stored;
  throw new Foreseen(`${wrong} is not as it was written`);
}

const isBackfill = (it: unknown): it is NonNullable<State['backfill']> =>
  isRecord(it) && isNumber(it['since']) && isNumber(it['interval']);

/** @param metrics those that its observations refer to. */
const isPending =
  (metrics: readonly Metric[]) =>
  (it: unknown): it is Stored['pending'][number] =>
    isRecord(it) &&
    isNumber(it['time']) &&
    isNumber(it['seconds']) &&
    isOptional(it['sent'], (sent) => isListOf(sent, isText)) &&
    isListOf(it['observations'], isRow) &&
    it['observations'].every(([place]) => metrics[place] !== undefined);

const isRow = (it: unknown): it is Row =>
  Array.isArray(it) &&
  isNumber(it[0]) &&
  isNumber(it[1]) &&
  isRecord(it[2]) &&
  isRecord(it[2]['labels']);

/** As far as anybody looks at it: a parser of one's own may say less of a metric than others do. */
const isMetric = (it: unknown): it is Metric =>
  isRecord(it) && isText(it['kind']) && isText(it['name']) && isListOf(it['labels'], isText);

/**
 * Reads a state; `undefined` if there is none.
 *
 * @throws {@link Foreseen} if it is not one: nothing is begun anew that somebody may have to put right.
 */
export async function loadState(files: Files, path: string): Promise<State | undefined> {
  const text = await files.load(path);
  if (text === undefined) return undefined;
  try {
    return decodeState(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Foreseen(
      `${path}: this is no state of a log: ${why}. What was read until when is not known. ` +
        'Remove the file to begin anew at the end of the log.',
      { cause: error },
    );
  }
}

/** Puts a state in place of the one before, in one step: after a crash it is there whole, or not at all. */
export async function storeState(files: Files, path: string, state: State): Promise<void> {
  await (await draftState(files, path, state, 'new'))();
}

/** Writes a state beside the one before. @returns what puts it in its place, which needs no room on disk. */
export async function draftState(
  files: Files,
  path: string,
  state: State,
  end = 'next',
): Promise<() => Promise<void>> {
  const folder = dirname(path);
  const draft = join(folder, `.${basename(path)}.${end}`);
  await files.store(draft, encodeState(state));
  return async () => {
    await files.rename(draft, path);
    await files.sync(folder);
  };
}
