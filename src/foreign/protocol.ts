/** What the agent and a thread with plugins say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { Labels, Metric, Name } from '../metric/index.ts';
import {
  AccessDenied,
  type AgentStatus,
  type Batch,
  Foreseen,
  NoData,
  ParseError,
  Unresponsive,
  Unsendable,
  Unsettled,
} from '../plugin/index.ts';
import { inSource, type Maps } from '../script/index.ts';

/** The descriptor that findings go to: what a plugin prints, by whatever way, is nobody's answer. */
export const FINDINGS = 3;

/** Where a plugin is: the file that exports it, which of those that it exports, and in which version. */
export interface Place {
  readonly path: string;
  readonly index: number;
  /** A parser may have logster's shape where it was named by its path. */
  readonly as: 'plugin' | 'parser';
  /** Another one where the file, or one that it imports, says something else. */
  readonly revision: string;
}

/** A plugin with all that it takes to make it: the texts of its files, compiled. */
export interface Parcel extends Place {
  readonly key: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly doors: readonly string[];
  /** How the texts came of what was written, for the places of errors. */
  readonly maps: Maps;
}

/** A collector of the agent's own that is run where the parsers are that it was given. */
export interface Lodger {
  readonly key: string;
  readonly collector: string;
  /** Each under the name that the configuration has for it. */
  readonly parsers: readonly { readonly name: string; readonly parcel: Parcel }[];
}

/** What a thread is told when it is made. */
export interface Beginning {
  readonly role: 'inspect' | 'run';
  readonly marks: SharedArrayBuffer;
  /** Bytes outside of V8's heap that all plugins together may hold. */
  readonly memory: number;
  readonly host: { readonly proc: string; readonly sys: string; readonly root: string };
}

/** The agent as it was when it was last asked: a copy. */
export type AgentCopy = { readonly [K in keyof AgentStatus]: AgentStatus[K] };

export type Order =
  | { readonly does: 'bring'; readonly number: number; readonly parcel: Parcel | Lodger }
  | {
      readonly does: 'collect';
      readonly key: string;
      readonly session: number;
      /** When it is the first of its session. */
      readonly options?: unknown;
      readonly time: number;
      readonly agent?: AgentCopy | undefined;
    }
  | { readonly does: 'settled'; readonly session: number; readonly collections: number }
  | { readonly does: 'end'; readonly session: number; readonly aborted: boolean }
  | {
      readonly does: 'open';
      readonly key: string;
      readonly session: number;
      readonly options: unknown;
      /** Which of its peers, where it has several. */
      readonly peer: number | undefined;
      readonly host: string;
      readonly interval: number;
      readonly dialect: string | undefined;
      readonly agent: AgentCopy;
    }
  | {
      readonly does: 'write';
      readonly session: number;
      /** Forget all names so far. */
      readonly anew: boolean;
      readonly names: readonly (readonly [id: number, name: Name])[];
      readonly ids: Int32Array;
      readonly values: Float64Array;
      readonly times: Float64Array;
      readonly agent?: AgentCopy | undefined;
    };

export type Call = Order & { readonly call: number };
/**
 * A session is to collect again, under the options that it has; and, where the agent has not waited for it,
 * that it did, and observed the same series as before. As at most ticks: every word that goes over costs. Its
 * call is the session below zero.
 */
export type Again = number;
/** What needs no answer. */
export type Note =
  | { readonly abort: number }
  | { readonly beat: number }
  | { readonly port: MessagePort; readonly bell: SharedArrayBuffer };

export interface Answer {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: Told;
}

export type Said =
  | { readonly said: 'output'; readonly number: number; readonly text: string }
  | { readonly said: 'ended'; readonly session: number; readonly error: Told | undefined }
  | {
      readonly said: 'fault';
      readonly kind: 'unhandled' | 'memory' | 'exit';
      readonly number: number;
      readonly error: Told | undefined;
    };

/** What one collection brought. */
export interface Brought {
  /** All series so far are forgotten. */
  readonly anew: boolean;
  readonly fresh: readonly (readonly [
    id: number,
    metric: number,
    labels: Labels,
    host: string | undefined,
  ])[];
  /** Which series, in order; absent where they are the same as in the collection before. */
  readonly order: Int32Array | undefined;
  /** Memory that both share: the time, which the agent writes; then as many as there are in that order; then room for more. */
  readonly values: Float64Array;
  /** Of those that have a time, or a span of it, of their own. */
  readonly when: readonly (readonly [
    at: number,
    time: number | undefined,
    seconds: number | undefined,
  ])[];
  readonly errors: readonly Told[];
  readonly thrown: Told | undefined;
  /** Whether it wants to know what has settled. */
  readonly awaits: boolean;
  /** Whether it asks for the agent's state. */
  readonly asks: boolean;
}

/** What one write, or the opening of a connection, came to. */
export interface Written {
  readonly note: string | undefined;
  readonly stalled: string | undefined;
  readonly counts: Readonly<Record<string, number>> | undefined;
  readonly asks: boolean;
}

export type PlainMetric = Pick<Metric, 'kind' | 'name' | 'unit' | 'labels' | 'help'>;

interface Described {
  readonly name: string;
  readonly summary: string;
  /** JSON Schema of what may be written for its options. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** All that is to be known of a plugin without running it. */
export type Description =
  | (Described & {
      readonly kind: 'collector';
      readonly source: string;
      readonly enabled: boolean;
      /** By the name that the collector has for it. */
      readonly metrics: Readonly<Record<string, PlainMetric>>;
    })
  | (Described & {
      readonly kind: 'handler';
      readonly dialect: string;
      readonly counters: string;
      readonly idempotent: boolean;
      readonly acknowledged: boolean;
      readonly previews: boolean;
      /** Whether what is configured may stand for several peers. */
      readonly divides: boolean;
    })
  | (Described & {
      readonly kind: 'parser';
      readonly source: string;
      readonly journal: 'message' | 'syslog' | readonly string[] | undefined;
      readonly knowsTime: boolean;
    });

/** A file as a thread found it. */
export interface Inspected {
  readonly texts: ReadonlyMap<string, string>;
  readonly doors: readonly string[];
  readonly maps: Maps;
  readonly plugins: readonly Description[];
}

/** Asked over a port of its own, by a main thread that waits. */
export interface Question extends Omit<Parcel, 'revision'> {
  readonly input: unknown;
}

/** What a plugin makes of options: what is wrong with them, or what follows from them. */
export interface Judgement {
  readonly issues?: readonly Readonly<Record<string, unknown>>[];
  /** A collector's further metrics; all of a parser's. */
  readonly metrics?: readonly PlainMetric[];
  readonly newNamesPerMinute?: number | undefined;
  /** The names of a handler's peers, where it has several. */
  readonly peers?: readonly string[] | undefined;
  readonly needles?: readonly string[] | undefined;
}

/** An error that goes to another thread, where only its name would be left of its class. */
export interface Told {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Of {@link Unsendable}: how many. */
  readonly count?: number | undefined;
  /** Of {@link Unsettled}: which of the batch. */
  readonly points?: readonly number[] | undefined;
}

const CLASSES = { AccessDenied, Foreseen, NoData, ParseError, Unresponsive };
const LONGEST = 2000;

export function told(error: unknown, batch: Batch = []): Told {
  if (!(error instanceof Error)) return { name: 'Error', message: printed(error) };
  const name = String(error.name);
  const message = String(error.message).slice(0, LONGEST);
  if (error instanceof Unsendable) return { name, message, count: error.points };
  if (error instanceof Unsettled) {
    const points = error.points.map((point) => batch.indexOf(point)).filter((at) => at >= 0);
    return { name, message, points };
  }
  if (error instanceof Foreseen) return { name, message };
  return { name, message, stack: inSource(String(error.stack).slice(0, LONGEST)) };
}

function printed(value: unknown): string {
  try {
    return String(value).slice(0, LONGEST);
  } catch {
    return 'something that cannot be printed was thrown';
  }
}

export function untold({ name, message, stack, count, points }: Told, batch: Batch = []): Error {
  if (name === 'Unsendable')
    return new Unsendable(message, count === undefined ? {} : { points: count });
  if (name === 'Unsettled') {
    const left = (points ?? []).flatMap((at) => batch[at] ?? []);
    return new Unsettled(message, { points: left });
  }
  const known = Object.hasOwn(CLASSES, name) ? CLASSES[name as keyof typeof CLASSES] : undefined;
  if (known !== undefined) return new known(message);
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** A metric without what only its collector needs. */
export const plainMetric = ({ kind, name, unit, labels, help }: Metric): PlainMetric => ({
  kind,
  name,
  unit,
  labels: [...labels],
  help,
});
