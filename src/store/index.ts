/** What outlives the process: folders and files that one process holds, and the spool. */
export { type Hold, holdFile, holdFolder } from './hold.ts';
export { openSpool, type Spool, type SpoolLoss, type Stored } from './spool.ts';
