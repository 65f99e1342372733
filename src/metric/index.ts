/** What is measured and what becomes of it: the words every other room speaks. Imports nothing. */
export * from './metric.ts';
export * from './observations.ts';
export * from './series.ts';
