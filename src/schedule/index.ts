/** When: ticks on the wall clock, staggered execution, no piling up, steps and suspends noticed. */
export * from './schedule.ts';
export * from './stagger.ts';
