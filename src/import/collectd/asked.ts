import type { Value } from '../draft.ts';

/** What plugins ask of the handlers. */
export interface Asked {
  readonly only: string[];
  readonly except: string[];
  /** Options of the dialect, by plugin. */
  readonly dialect: Map<string, Record<string, Value>>;
  /** Further collectors of a plugin, that its interval holds for, too. */
  readonly instances: string[];
  /** Collectors that have to know collectd's types. */
  readonly typed: string[];
  /** What lines of logs are called. */
  readonly names: LogName[];
  /** What else of ours has a name of collectd's, which the dialect does not know. */
  readonly renames: Rename[];
}

/** A rule that gives a metric its name, parts of a path between slashes. */
export interface Rename {
  readonly match: string;
  /** An expression for the path below the host, as the dialect makes it. */
  readonly from: string;
  /** Of plugin, instance, and type; the instance may be empty. */
  readonly to: readonly [plugin: string, instance: string, type: string];
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
