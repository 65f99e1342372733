/** Samples and points in columns: one place in several arrays each, where an object would be copied about. */
export * from './points.ts';
export * from './readings.ts';
export * from './wider.ts';
