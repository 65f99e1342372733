/** What outlives the process: folders that one process holds, and the spool in them. */
export { holdFolder } from './hold.ts';
export { openSpool, type Spool, type SpoolLoss, type Stored } from './spool.ts';
