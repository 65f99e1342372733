/** The public door: everything a collector or a handler may import from this project. */
export * from '../metric/index.ts';
export * from './around.ts';
export * from './collector.ts';
export * from './columns.ts';
export * from './errors.ts';
export * from './fields.ts';
export * from './handler.ts';
export * from './host.ts';
export * from './joined.ts';
export * from './line.ts';
export * from './options.ts';
export * from './parser.ts';
export * from './part.ts';
export * from './records.ts';
export * from './status.ts';
export * from './unwrapped.ts';
export * from './within.ts';
