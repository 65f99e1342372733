import type { Value } from '../draft.ts';

/** What plugins ask of the handlers. */
export interface Asked {
  readonly only: string[];
  readonly except: string[];
  /** Options of the dialect, by plugin. */
  readonly dialect: Map<string, Record<string, Value>>;
  /** Further collectors of a plugin, that its interval holds for, too. */
  readonly instances: string[];
  /** What lines of logs are called. */
  readonly names: LogName[];
}

/** A metric of the collector logs, and what collectd calls it. */
export interface LogName {
  /** `tail-exim.counter-rejected`; it is made of the plugin's part, `as`, and one of our own. */
  readonly inner: string;
  readonly as: string;
  /** What follows it: a percentile, a bucket. */
  readonly level?: string;
  /** Type and its instance. */
  readonly path: readonly string[];
}
