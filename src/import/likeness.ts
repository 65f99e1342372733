import { registry } from '../agent/index.ts';

/** What to do instead of an input whose options are not carried over, where a collector has its name. */
export const likeness = (input: string): string | undefined =>
  registry.collectors.has(input)
    ? `the collector ${input} does the like: cullinan describe ${input}`
    : undefined;
