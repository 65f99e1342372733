/** From counters to growth: derived once, here, and nowhere else. Pure. */
export * from './growth.ts';
export * from './since.ts';
