/** Plugins that the agent was not built with: found, looked at, and run in threads where they do no harm. */
export { type Configured, withItsParsers } from './outside-parser.ts';
export { type Summoned, summon, type Unloaded, type Wanted } from './summon.ts';
