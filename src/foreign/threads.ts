import { createRequire } from 'node:module';

type Threads = typeof import('node:worker_threads');

/** Node's module for threads, loaded when the first is needed: plugins that are off need none. */
export const threads = (): Threads =>
  createRequire(import.meta.url)('node:worker_threads') as Threads;
