/** What the agent tells people: structured lines, each problem once. */
export * from './log.ts';
export { redact } from './redact.ts';
export * from './report.ts';
