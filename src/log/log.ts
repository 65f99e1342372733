import { pino } from 'pino';
import { redact } from './redact.ts';

/** The part of pino's logger that the agent uses: what is said, and the facts that belong to it. */
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
  /** `text` for people, `json` (one object a line, as pino writes it) for machines. */
  readonly format: 'text' | 'json';
  /** Takes whole lines. */
  readonly write: (line: string) => void;
  /** Values that must never appear; each is replaced by `***`. May grow while the log is in use. */
  readonly secrets?: ReadonlySet<string>;
}

/** Makes a structured log. Writing is synchronous: a line that matters is there even if the agent dies. */
export function createLog({ level, format, write, secrets = new Set() }: LogOptions): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => write(redact(format === 'json' ? line : asText(line), secrets)) },
  );
}

const LEVELS: Readonly<Record<string, string>> = {
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
};

function asText(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const said = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  const repeats =
    typeof entry['repeats'] === 'number' ? ` (and ${entry['repeats']} times more)` : '';
  const lines = [`${LEVELS[String(entry['level'])]} ${said('msg')}${repeats}`];
  for (const key of ['effect', 'remedy', 'stack']) if (said(key) !== '') lines.push(said(key));
  return `${lines.join('\n').replaceAll('\n', '\n     ')}\n`;
}
