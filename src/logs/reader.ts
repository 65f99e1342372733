import type { Position } from './identity.ts';
import { isJournal } from './journal-query.ts';
import { type Cursor, type JournalNeeds, JournalTail } from './journal-tail.ts';
import { Tail, type TailNeeds } from './tail.ts';

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

/** @param place where it was left; `undefined` where nothing is known of it. */
export function openReader(needs: TailNeeds & JournalNeeds, place: Place | undefined): Reader {
  return isJournal(needs.path)
    ? new JournalTail(needs, place?.cursor)
    : new Tail(needs, place?.positions ?? []);
}

/** What is kept of a reader. */
export const placeOf = ({ positions, cursor }: Reader): Place => ({ positions, cursor });
