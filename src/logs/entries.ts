import type { Labels } from '../metric/index.ts';
import { Foreseen } from '../plugin/index.ts';
import type { Place } from './reader.ts';
import { isListOf, isNumber, isOptional, isPlace, isRecord, isText } from './stored.ts';

/** How far a log was read. Where it was not there yet, it is read from its start when it is. */
export interface Left extends Place {
  /** When everything up to there was there, in milliseconds since the Unix epoch. */
  readonly at: number;
}

/** An observation as it is written down: by the name of its metric. */
export interface Noted {
  readonly metric: string;
  readonly value: number;
  readonly labels: Labels;
  /** The time that the lines are from, in seconds; absent where nobody knows. */
  readonly seconds?: number | undefined;
}

/** What one reader found, and how far it has read with it. */
export interface Finding {
  /** What tells it from others that read the same logs. */
  readonly reader: string;
  readonly observations: readonly Noted[];
  /** Whether these say more than that nothing was found. */
  readonly news: boolean;
  /** By log; `undefined` where one is given up. */
  readonly left: ReadonlyMap<string, Left | undefined>;
}

/** What was found at one tick. */
export interface Entry {
  /** The tick's, in seconds since the Unix epoch. */
  readonly time: number;
  readonly findings: readonly Finding[];
}

/** An entry that is written down, and not yet struck out. */
export interface Waiting {
  /** Later entries have larger ones. */
  readonly id: number;
  readonly entry: Entry;
}

/** How far each log was read, by reader and by path. */
export type Places = Map<string, Map<string, Left>>;

/** What a ledger says. */
export interface Entries {
  readonly places: Places;
  /** Oldest first. */
  readonly waiting: readonly Waiting[];
  /** The largest id that was given, as far as is known. */
  readonly last: number;
  /** The time of the last entry, in seconds since the Unix epoch; `undefined` before there was any. */
  readonly time: number | undefined;
  /** Its last line has no end: it was being written when the process died, and does not count. */
  readonly torn: boolean;
}

const VERSION = 1;

type StoredLeft = readonly [reader: string, log: string, left: Left | null];
type StoredNote = readonly [metric: string, value: number, labels: Labels, seconds?: number];
type StoredFinding = readonly [reader: string, notes: readonly StoredNote[]];

/** A line is an entry, or strikes one out; the first has all that is known of the logs. */
interface Line {
  readonly version?: number;
  readonly id?: number;
  readonly time?: number | undefined;
  readonly left?: readonly StoredLeft[];
  readonly found?: readonly StoredFinding[];
  readonly struck?: number;
  readonly last?: number;
}

const encode = (line: Line): string => `${JSON.stringify(line)}\n`;

/** All that is known, as the first lines of a ledger. Pure. */
export function encodeEntries({ places, waiting, last, time }: Omit<Entries, 'torn'>): string {
  const left = [...places].flatMap(([reader, logs]) =>
    [...logs].map(([log, left]): StoredLeft => [reader, log, left]),
  );
  const lines = waiting.map(({ id, entry }) => encodeEntry(id, entry));
  return encode({ version: VERSION, last, time, left }) + lines.join('');
}

/** Pure. */
export function encodeEntry(id: number, { time, findings }: Entry): string {
  const left = findings.flatMap(({ reader, left }) =>
    [...left].map(([log, left]): StoredLeft => [reader, log, left ?? null]),
  );
  const found = findings.map(({ reader, observations }) => {
    const notes = observations.map(({ metric, value, labels, seconds }): StoredNote => {
      return seconds === undefined ? [metric, value, labels] : [metric, value, labels, seconds];
    });
    return [reader, notes] as const;
  });
  return encode({ id, time, left, found });
}

/** What was found is safe. Pure. */
export const encodeStruck = (id: number): string => encode({ struck: id });

/** @throws {@link Foreseen} if it is none. Pure. */
export function decodeEntries(text: string): Entries {
  const places: Places = new Map();
  const waiting = new Map<number, Waiting>();
  let largest = 0;
  let latest: number | undefined;
  const lines = text.split('\n');
  const torn = lines.pop() !== '';
  if (lines.length === 0) throw new Foreseen('it has no whole line');
  for (const [i, line] of lines.entries()) {
    const { version, id, time, left, found, struck, last } = parsed(line, i + 1);
    if (i === 0 && version !== VERSION) {
      throw new Foreseen(`line 1: its version is ${version}, and not ${VERSION}`);
    }
    for (const [reader, log, it] of left ?? []) keep(places, reader, log, it ?? undefined);
    largest = Math.max(largest, id ?? last ?? 0);
    latest = time ?? latest;
    if (struck !== undefined) waiting.delete(struck);
    if (id === undefined || time === undefined || found === undefined) continue;
    const findings = found.map(([reader, notes]): Finding => {
      const observations = notes.map(([metric, value, labels, seconds]) => {
        return { metric, value, labels, seconds };
      });
      return { reader, observations, news: true, left: new Map() };
    });
    waiting.set(id, { id, entry: { time, findings } });
  }
  return { places, waiting: [...waiting.values()], last: largest, time: latest, torn };
}

function parsed(line: string, number: number): Line {
  try {
    const it: unknown = JSON.parse(line);
    if (isLine(it)) return it;
  } catch {
    // Said below.
  }
  throw new Foreseen(`line ${number}: "${line.slice(0, 40)}" is no entry`);
}

const isLine = (it: unknown): it is Line =>
  isRecord(it) &&
  ['version', 'id', 'time', 'struck', 'last'].every((name) => isOptional(it[name], isNumber)) &&
  isOptional(it['left'], (left) => isListOf(left, isLeft)) &&
  isOptional(it['found'], (found) => isListOf(found, isFound));

const isLeft = (it: unknown): it is StoredLeft =>
  Array.isArray(it) &&
  isText(it[0]) &&
  isText(it[1]) &&
  (it[2] === null || (isPlace(it[2]) && 'at' in it[2] && isNumber(it[2].at)));

const isFound = (it: unknown): it is StoredFinding =>
  Array.isArray(it) && isText(it[0]) && isListOf(it[1], isNote);

const isNote = (it: unknown): it is StoredNote =>
  Array.isArray(it) &&
  isText(it[0]) &&
  isNumber(it[1]) &&
  isRecord(it[2]) &&
  isOptional(it[3], isNumber);

/** Takes in how far a log was read. */
export function keep(places: Places, reader: string, log: string, left: Left | undefined): void {
  const logs = places.get(reader) ?? new Map<string, Left>();
  places.set(reader, logs);
  if (left === undefined) logs.delete(log);
  else logs.set(log, left);
}
