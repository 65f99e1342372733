/** One collector at a time: its deadline, its outcome, its series, its stamps. */
export * from './runner.ts';
export { createTable } from './series.ts';
