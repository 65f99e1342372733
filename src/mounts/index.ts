/** What is mounted where: which folders may have somebody wait for another machine, or for another program. */
export { bytewise, Mounts, type On } from './mounts.ts';
