import { isJournal } from './journal-query.ts';
import { type JournalNeeds, JournalTail } from './journal-tail.ts';
import type { Place, Reader } from './reader.ts';
import { Tail, type TailNeeds } from './tail.ts';

/** @param place where it was left; `undefined` where nothing is known of it. */
export function openReader(needs: TailNeeds & JournalNeeds, place: Place | undefined): Reader {
  return isJournal(needs.path)
    ? new JournalTail(needs, place?.cursor)
    : new Tail(needs, place?.positions ?? []);
}
