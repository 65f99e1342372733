import type { Draft } from './draft.ts';

/** What moves one ancestor's configuration over. */
export interface Importer {
  /** As the command line calls it: `diamond`. */
  readonly name: string;
  /** As people call it: `Diamond`. */
  readonly title: string;
  /** What follows the name on the command line: `/etc/diamond`. */
  readonly takes: string;
  /** How many words that is; any number unless said. */
  readonly words?: number;
  /**
   * Reads what is named, and drafts the same as a configuration of cullinan. Every directive becomes a
   * {@link Draft.line}, and is carried over or left with a reason.
   *
   * @throws {@link InputError} if it cannot be read or understood.
   */
  draft(words: readonly string[], draft: Draft): void;
}
