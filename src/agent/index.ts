/** The wired agent: start, reload, stop; and the plugins it is built with. */
export * from './agent.ts';
export * from './outlet.ts';
export { type Destination, destinations } from './peers.ts';
export { type Others, registry } from './registry.ts';
export { Taps } from './taps.ts';
