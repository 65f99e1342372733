/** Time, injected: rooms that wait or measure take a clock, so that tests and replays bring their own. */
export * from './clock.ts';
export * from './system.ts';
