/** Plugins that the agent was not built with: found, looked at, and run in threads where they do no harm. */
export { defaultOf, loadHere, parserHere } from './here.ts';
export { withItsParsers } from './outside-parser.ts';
export type { Plugin } from './shape.ts';
export { summon } from './summon.ts';
