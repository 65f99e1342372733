import type { Line } from '../draft.ts';

/** A rule of a handler's `relabel`. */
export type Rule = {
  readonly match: readonly string[];
  readonly rename: { readonly from: string; readonly to: string };
  readonly scale?: number;
};

/** What a collector's options ask of the handlers. */
export interface More {
  /** Patterns of names that no handler is to send. */
  readonly except: string[];
  /** Options of the dialect. */
  readonly dialect: Map<string, boolean>;
  readonly relabel: Rule[];
}

/** What the collectors ask of every handler. */
export interface Asked extends More {
  /** Patterns of everything that Diamond publishes. */
  readonly only: string[];
  readonly prefix: string | undefined;
  readonly suffix: string | undefined;
  readonly instancePrefix: string | undefined;
  /** Where prefix, suffix and instance prefix were said. */
  readonly lines: Line[];
  /** Seconds. */
  readonly interval: number;
}
