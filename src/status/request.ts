/**
 * What the agent can be asked over its local socket: one line of JSON, `{"ask":"status"}`. Pure. The
 * vocabulary is closed: a word that is not in it, or one too many, is refused and nothing is done.
 */
import { Foreseen } from '../plugin/index.ts';

/** Bytes of a request, at most. */
export const MOST_REQUEST = 4096;
/** Patterns of one tap, at most, and the characters of each. */
const MOST_PATTERNS = 16;
const LONGEST_PATTERN = 256;
/** Characters of a name of a handler, at most. */
const LONGEST_NAME = 256;
/** For so many seconds at most another level of the log holds. */
export const LONGEST_LEVEL = 86_400;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is looked at as it passes. */
export interface TapRequest {
  readonly ask: 'tap';
  /** In the language of `only`; one must fit. None is everything. */
  readonly patterns: readonly string[];
  /** The handler under whose names it is shown; absent, under the inner ones. */
  readonly handler: string | undefined;
}

export interface LogRequest {
  readonly ask: 'log';
  /** Absent, nothing is changed. `configured` is what the configuration says. */
  readonly level: LogLevel | 'configured' | undefined;
  /** Until it goes back by itself. */
  readonly seconds: number | undefined;
}

/** `reload` loads the configuration anew, and is refused where that cannot be done. */
export type Request =
  | { readonly ask: 'status' | 'health' | 'lines' | 'reload' }
  | LogRequest
  | TapRequest;

/** The answer to a log request. */
export interface LogLevelAnswer {
  readonly level: string;
  /** What it is without anybody's wish. */
  readonly configured: string;
  /** Seconds until it goes back; absent where it is as configured. */
  readonly seconds?: number | undefined;
}

/** @throws {@link Foreseen} with what is wrong, for whoever asks. */
export function decodeRequest(line: string): Request {
  const { ask, ...rest } = objectOf(line);
  switch (ask) {
    case 'status':
    case 'health':
    case 'lines':
    case 'reload':
      nothingElse(rest);
      return { ask };
    case 'log':
      return logRequest(rest);
    case 'tap':
      return tapRequest(rest);
    default:
      throw new Foreseen('"ask" must be status, health, lines, log, reload or tap');
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Foreseen('a request is one line of JSON, such as {"ask":"status"}');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Foreseen('a request is one object, such as {"ask":"status"}');
  }
  return { ...value };
}

function nothingElse(rest: Readonly<Record<string, unknown>>): void {
  const [word] = Object.keys(rest);
  if (word !== undefined) {
    throw new Foreseen(`there is no ${JSON.stringify(word.slice(0, 40))} in this request`);
  }
}

function logRequest({ level, seconds, ...rest }: Readonly<Record<string, unknown>>): LogRequest {
  nothingElse(rest);
  if (level !== undefined && level !== 'configured' && !isLevel(level)) {
    throw new Foreseen(`"level" must be configured, ${LOG_LEVELS.join(', ')}`);
  }
  if (seconds === undefined) return { ask: 'log', level, seconds };
  const good = typeof seconds === 'number' && seconds >= 1 && seconds <= LONGEST_LEVEL;
  if (!good || !isLevel(level)) {
    throw new Foreseen(`"seconds" must be from 1 to ${LONGEST_LEVEL}, with a level`);
  }
  return { ask: 'log', level, seconds };
}

const isLevel = (value: unknown): value is LogLevel => LOG_LEVELS.some((it) => it === value);

function tapRequest({ patterns = [], handler, ...rest }: Readonly<Record<string, unknown>>) {
  nothingElse(rest);
  if (!Array.isArray(patterns) || patterns.length > MOST_PATTERNS) {
    throw new Foreseen(`"patterns" must be a list of at most ${MOST_PATTERNS}`);
  }
  if (!patterns.every((it) => typeof it === 'string' && it.length <= LONGEST_PATTERN)) {
    throw new Foreseen(`a pattern must be a text of at most ${LONGEST_PATTERN} characters`);
  }
  if (
    handler !== undefined &&
    (typeof handler !== 'string' || handler === '' || handler.length > LONGEST_NAME)
  ) {
    throw new Foreseen('"handler" must be the name of one');
  }
  const request: TapRequest = { ask: 'tap', patterns: [...patterns], handler };
  return request;
}
