/** What a word on the command line can be, as far as a shell can complete it. */
export type Takes =
  | { readonly kind: 'file' | 'folder' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'text' };

/** An option of a command. */
export interface Flag {
  /** `-c`, where there is one. */
  readonly short: string | undefined;
  /** `--config`. */
  readonly long: string;
  /** Its value; `undefined` where it has none. */
  readonly value: { readonly name: string; readonly takes: Takes } | undefined;
  readonly help: string;
  /** What holds without it. */
  readonly default: string | undefined;
}

/** A word behind a command. */
export interface Word {
  readonly name: string;
  readonly required: boolean;
  readonly variadic: boolean;
  readonly help: string;
  readonly takes: Takes;
}

/** A command, as its page and the shells show it. */
export interface CommandFacts {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
}

/** The program with all its commands. */
export interface ProgramFacts {
  readonly summary: string;
  readonly version: string;
  readonly commands: readonly CommandFacts[];
}

/** The options of a flag, the short one first. */
export const spellings = ({ short, long }: Flag): readonly string[] =>
  short === undefined ? [long] : [short, long];
