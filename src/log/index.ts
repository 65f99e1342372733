/** What the agent tells people: structured lines, each problem once. */
export { Level } from './level.ts';
export * from './log.ts';
export { Recent } from './recent.ts';
export { redact } from './redact.ts';
export * from './report.ts';
