/** What the agent tells of itself over a local socket and to probes, and how it is asked. */
export { ask, follow, request } from './client.ts';
export { type Condition, conditionOf } from './condition.ts';
export { listenForProbes } from './probing.ts';
export { Refused } from './refused.ts';
export {
  LOG_LEVELS,
  LONGEST_LEVEL,
  type LogLevelAnswer,
  type LogRequest,
  type TapRequest,
} from './request.ts';
export { type Answers, type Serving, serve } from './server.ts';
export { type Snapshot, snapshot, unbalanced } from './snapshot.ts';
export type { Flow } from './stream.ts';
