/** Logs: what is new in them, read once, through everything that they are rotated to. */
export { cull } from './cull.ts';
export type { Culled, CullNeeds, First, Progress, Took } from './cull-contract.ts';
export type { Noted } from './entries.ts';
export { type Files, liveFiles } from './files.ts';
export type { Look } from './follow.ts';
export { type Followed, Following } from './following.ts';
export { isJournal, journalName, journalQuery } from './journal-query.ts';
export { LineFinder, LONGEST_LINE } from './lines.ts';
export type { Loss } from './loss.ts';
export { packingOf, unpacked } from './packed.ts';
export { type Scratch, scratch } from './read-on.ts';
export { type Found, STATE_FOLDER, statePath } from './state.ts';
