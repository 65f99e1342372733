import type { Name, Series } from '../metric/index.ts';

/** Everything besides the series that a path depends on. */
export interface Naming {
  /** First level or levels of every path; `undefined` takes the dialect's own default, '' is none. */
  readonly prefix: string | undefined;
  /** The agent's own host as its hostname method spells it in a path; '' leaves the level out. */
  readonly host: string;
  /**
   * What `series.host` says of the agent's own host. A series of any other host (a guest, a
   * forwarder) is named after that one. Where absent, every series counts as the agent's own.
   */
  readonly ownHost?: string | undefined;
  /** Levels between the host and the rest. */
  readonly suffix: string;
  /** Graphite tags (`name;host=…;device=…`) instead of levels. */
  readonly tags: boolean;
  /** The configuration's own labels; they appear where a dialect has labels (tags, JSON). */
  readonly labels: Readonly<Record<string, string>>;
  /** What is sent of a counter where the dialect leaves it open. */
  readonly counters: 'raw' | 'rates';
}

/** A {@link Name} and how its number comes out of the reading: `reading * scale + offset`. */
export interface Spelling extends Name {
  readonly scale: number;
  readonly offset: number;
}

/** How series are named, scaled and typed for an audience. Pure: the same series gives the same names. */
export interface Dialect {
  readonly name: string;
  readonly summary: string;
  /** One series may have no name, one or several (Diamond counts traffic in bits and in bytes). */
  spell(series: Series, naming: Naming): readonly Spelling[];
}
