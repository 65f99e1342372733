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

/** The exit codes of sysexits.h that the commands use. */
export const EXIT = { ok: 0, failure: 1, usage: 64, configuration: 78 } as const;

/** The command line was wrong; the message says what to do. Exit 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Joins words as a sentence lists them: `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
