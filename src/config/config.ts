import type { HostnameMethod, Relabel } from '../naming/index.ts';
import type { Collector, Counters, Handler, z } from '../plugin/index.ts';

/** What a configuration can speak of. */
export interface Registry {
  readonly collectors: ReadonlyMap<string, Collector>;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly dialects: ReadonlyMap<string, { readonly options?: z.ZodType | undefined }>;
  /** What changes when the file of a plugin does that the agent was not built with. */
  readonly revision?: (plugin: object) => string | undefined;
  /** Whether a plugin of this name is there, and cannot be loaded: then the rest goes on without it. */
  readonly isMissed?: (name: string) => boolean;
}

/** One collector that runs. Times are in seconds. */
export interface CollectorConfig {
  /** Its key in the configuration: the collector's name, or one of its own for a second instance. */
  readonly instance: string;
  readonly collector: Collector;
  /** The collector's own options, as its schema puts them out. */
  readonly options: unknown;
  readonly interval: number;
  /** Until a collection is given up; may exceed the interval. */
  readonly timeout: number;
  /** The window after the tick in which this host starts; at most the interval. */
  readonly stagger: number;
  readonly newSeriesPerHour: number;
  /** Its own options as they were written, with every default. */
  readonly meant: () => unknown;
  /** What changes when anything that matters to this instance changes. Only a reload asks for it. */
  readonly fingerprint: () => string;
}

/** Where what a handler has yet to send outlives the agent. */
export interface SpoolConfig {
  /** A folder of its own. */
  readonly path: string;
  readonly size: number;
  readonly age: number | undefined;
}

/** One handler that runs. Times are in seconds, sizes in bytes. */
export interface HandlerConfig {
  readonly instance: string;
  readonly handler: Handler;
  readonly options: unknown;
  readonly dialect: string;
  /** The dialect's own options, as its schema puts them out; `undefined` where it has none. */
  readonly dialectOptions: unknown;
  /** `undefined` leaves it to the dialect; '' is none. */
  readonly prefix: string | undefined;
  readonly suffix: string;
  readonly tags: boolean;
  readonly counters: Counters;
  /** Patterns of names, collectors and labels; `undefined` is everything. */
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[];
  readonly relabel: readonly Relabel[];
  /** Between two samples of a series that are sent; `undefined` sends each. */
  readonly interval: number | undefined;
  readonly reduce: 'last' | 'average';
  readonly queue: {
    readonly samples: number;
    readonly bytes: number;
    readonly age: number | undefined;
    readonly spool: SpoolConfig | undefined;
  };
  /** Samples in one write, at most; never more than the queue holds. */
  readonly batch: number;
  readonly linger: number;
  readonly timeout: number;
  readonly backoff: { readonly least: number; readonly most: number };
  /** `undefined` is two intervals. */
  readonly resend: number | undefined;
  /** As a collector's. */
  readonly fingerprint: () => string;
}

/** A configuration that is complete and checked. */
export interface Config {
  /** Seconds; a whole number of milliseconds, at least 0.1. */
  readonly interval: number;
  readonly hostname: { readonly method: HostnameMethod; readonly name: string | undefined };
  readonly labels: Readonly<Record<string, string>>;
  readonly host: {
    readonly proc: string;
    readonly sys: string;
    readonly root: string;
    readonly source: 'auto' | 'proc' | 'systeminformation';
  };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  readonly shutdown: { readonly timeout: number };
  /** Where it answers who asks how it is; without a socket, at the usual place. */
  readonly status: { readonly enabled: boolean; readonly socket: string | undefined };
  /** Where probes are answered. */
  readonly health: {
    readonly listen: { readonly host: string; readonly port: number } | undefined;
  };
  /** By instance. */
  readonly collectors: readonly CollectorConfig[];
  /** In the order of the file. */
  readonly handlers: readonly HandlerConfig[];
  /** What was read, in order. */
  readonly files: readonly string[];
  /** Of what cannot change while the agent runs: hostname, labels, host. */
  readonly fingerprint: () => string;
  /** Every value that a `${…}` brought in, to keep out of logs and previews. */
  readonly secrets: ReadonlySet<string>;
}
