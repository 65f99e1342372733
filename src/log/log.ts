import { redact } from './redact.ts';

/** A structured log: what is said, and the facts that belong to it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** The least that is said: one of `debug`, `info`, `warn`, `error`; may be changed while running. */
  level: string;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `text` for people, `json` (one object a line, in pino's format) for machines. */
  readonly format: 'text' | 'json';
  /** Takes whole lines. */
  readonly write: (line: string) => void;
  /** Values that must never appear; each is replaced by `***`. May grow while the log is in use. */
  readonly secrets?: ReadonlySet<string>;
}

/** As pino numbers them, whose lines people know how to read. */
const LEVELS: Readonly<Record<string, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

/** Makes a structured log. Writing is synchronous: a line that matters is there even if the agent dies. */
export function createLog({ level, format, write, secrets = new Set() }: LogOptions): Log {
  const say = (number: number) => (fields: object, msg: string) => {
    if (number < (LEVELS[log.level] ?? 0)) return;
    const time = new Date().toISOString();
    const line = `${JSON.stringify({ level: number, time, ...fields, msg })}\n`;
    write(redact(format === 'json' ? line : asText(line), secrets));
  };
  const log: Log = {
    level,
    debug: say(20),
    info: say(30),
    warn: say(40),
    error: say(50),
  };
  return log;
}

const NAMES: ReadonlyMap<unknown, string> = new Map(
  Object.entries(LEVELS).map(([name, number]) => [number, name.toUpperCase()]),
);

function asText(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const said = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  const repeats =
    typeof entry['repeats'] === 'number' ? ` (and ${entry['repeats']} times more)` : '';
  const lines = [`${NAMES.get(entry['level'])} ${said('msg')}${repeats}`];
  for (const key of ['effect', 'remedy', 'stack']) if (said(key) !== '') lines.push(said(key));
  return `${lines.join('\n').replaceAll('\n', '\n     ')}\n`;
}
