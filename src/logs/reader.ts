import type { Position } from './identity.ts';

/** Where the journal was left. */
export interface Cursor {
  /** The last entry that counts as read, in the journal's own words; absent where there was none. */
  readonly entry?: string | undefined;
  /** Whether that entry is among those that are asked for, so that it is found again among them. */
  readonly ours: boolean;
  /** When that was, in milliseconds since the Unix epoch; without an entry, what is older is left out. */
  readonly at: number;
  /** What journalctl has said that cannot be read, once it was told. */
  readonly warning?: string | undefined;
}

/** How far a log was read. */
export interface Place {
  /** Its files, oldest first; none for a journal. */
  readonly positions: readonly Position[];
  /** Where in the journal; absent for files. */
  readonly cursor?: Cursor | undefined;
}

/** Reads a log from where it was left: a file through everything that it is rotated to, or the journal. */
export interface Reader extends Place {
  /** Leaves out what there is by now. */
  startAtEnd(): Promise<void>;
  /** Leaves out what is older. @param time in milliseconds since the Unix epoch. */
  startSince(time: number): Promise<void>;
  /**
   * Offers every line that there is now and was not offered before.
   *
   * @throws whatever keeps it from going on; what was offered until then counts as read.
   */
  catchUp(): Promise<void>;
  /** Whether there is nothing to be read any more. */
  absent(): Promise<boolean>;
}

/** What is kept of a reader. */
export const placeOf = ({ positions, cursor }: Reader): Place => ({ positions, cursor });
