/** The process as the commands see it. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Data. */
  out(text: string): void;
  /** Resolves when the system has all data so far; absent where it is taken at once. */
  readonly outDone?: () => Promise<void>;
  /** Talk. */
  err(text: string): void;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
}

/**
 * The exit codes of sysexits.h that the commands use; `namesGo` is what diff-names found, `lost` is cull's:
 * all else went well, and no other run will find what is lost.
 */
export const EXIT = {
  ok: 0,
  failure: 1,
  namesGo: 2,
  usage: 64,
  lost: 65,
  configuration: 78,
} as const;

/** The command line was wrong; the message says what to do. Exit 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Joins words as a sentence lists them: `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** The number behind `--count`; absent where there is none. */
export function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--count is "${text}"; it must be a number from 1`);
}
