/** Logs: what is new in them, read once, through everything that they are rotated to. */
export { type Culled, type CullNeeds, cull, type First, type Progress, type Took } from './cull.ts';
export { type Files, liveFiles } from './files.ts';
export { Follow, type FollowNeeds, type Look } from './follow.ts';
export { isJournal, journalName, journalQuery } from './journal-query.ts';
export { Ledger } from './ledger.ts';
export { LineFinder, LONGEST_LINE } from './lines.ts';
export type { Loss } from './loss.ts';
export { type Found, STATE_FOLDER, statePath } from './state.ts';
export { type Scratch, scratch } from './tail.ts';
