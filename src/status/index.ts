/** What the agent tells of itself over a local socket, and how it is asked. */
export { ask } from './client.ts';
export { type Serving, serve } from './server.ts';
export { type Snapshot, snapshot, unbalanced } from './snapshot.ts';
