import type { Name, Series } from '../metric/index.ts';
import type { Counters, z } from '../plugin/index.ts';

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
  /**
   * What is sent of a counter where the dialect leaves it open. `deltas` also turns every rate that
   * the dialect asks for into the growth it is made of.
   */
  readonly counters: Counters;
}

/** A {@link Name} and how its number comes out of the reading: `reading * scale + offset`. */
export interface Spelling extends Name {
  readonly scale: number;
  readonly offset: number;
  /** Whether what several series of one collection give under this path is added up to one point. */
  readonly summed?: boolean | undefined;
  /**
   * The whole that the number is divided by, by its name (see {@link Dialect.wholeOf}), before it is
   * scaled. What several series of one collection give is added up first.
   */
  readonly share?: string | undefined;
}

/** How series are named, scaled and typed for an audience. Pure: the same series gives the same names. */
export interface Dialect {
  readonly name: string;
  readonly summary: string;
  /** One series may have no name, one or several (Diamond counts traffic in bits and in bytes). */
  spell(series: Series, naming: Naming): readonly Spelling[];
  /**
   * The name of the whole that a series counts towards. What is read of all series of a collection
   * with the same answer adds up to it: levels, or rates of counters.
   */
  readonly wholeOf?: ((series: Series) => string | undefined) | undefined;
  /** What may be chosen beside its name, all of it with defaults. */
  readonly options?: z.ZodType | undefined;
  /** The same dialect with these options, as their schema puts them out. */
  readonly configured?: ((options: unknown) => Dialect) | undefined;
}

/**
 * Makes a dialect that has options. As it is, their defaults hold.
 *
 * @param create makes the naming for some options; called when it is first needed.
 */
export function defineDialect<O extends z.ZodType>({
  name,
  summary,
  options,
  create,
}: {
  readonly name: string;
  readonly summary: string;
  readonly options: O;
  readonly create: (options: z.output<O>) => Pick<Dialect, 'spell' | 'wholeOf'>;
}): Dialect {
  const dialect = (choose: () => unknown): Dialect => {
    let made: Pick<Dialect, 'spell' | 'wholeOf'> | undefined;
    const it = () => {
      made ??= create(choose() as z.output<O>);
      return made;
    };
    return {
      name,
      summary,
      options,
      configured: (chosen) => dialect(() => chosen),
      spell: (series, naming) => it().spell(series, naming),
      wholeOf: (series) => it().wholeOf?.(series),
    };
  };
  return dialect(() => options.parse({}));
}
