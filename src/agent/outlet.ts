import type { Config } from '../config/index.ts';
import type { Delivery } from '../deliver/index.ts';
import type { Point, Sample, Series } from '../metric/index.ts';
import { createNamer, type Dialect, type Naming, type Spelling } from '../naming/index.ts';
import { type Chosen, chooser } from '../plugin/index.ts';
import type { Destination } from './peers.ts';
import { registry } from './registry.ts';

/** Where a host's name stands in a path and in labels. */
export interface Identity {
  /** As its hostname method spells it in a Graphite path; '' leaves the level out. */
  readonly path: string;
  /** As labels and JSON have it. */
  readonly label: string;
}

/** What one handler is sent: which series, under which names. */
export interface Outlet {
  readonly config: Destination;
  /** Names the samples of whole collections that are routed here and appends their points. */
  points(samples: readonly Sample[], into: Point[]): void;
  /** The names a series is sent under, after routing. */
  names(series: Series): readonly Spelling[];
}

/** Makes the way of samples to one handler: routing and naming. */
export function createOutlet(
  config: Destination,
  globals: Pick<Config, 'labels'>,
  identity: Identity,
): Outlet {
  const usual: Dialect | undefined = registry.dialects.get(config.dialect);
  if (usual === undefined) throw new Error(`no dialect is called ${config.dialect}`);
  const dialect = usual.configured?.(config.dialectOptions) ?? usual;
  const naming: Naming = {
    prefix: config.prefix,
    host: identity.path,
    ownHost: identity.label,
    suffix: config.suffix,
    tags: config.tags,
    labels: globals.labels,
    counters: config.counters,
  };
  const namer = createNamer(routed(dialect, config), naming);
  return {
    config,
    points(samples, into) {
      for (let i = 0; i < samples.length; i += 1) namer.points(samples[i] as Sample, into);
      namer.finish(into);
    },
    names: (series) => namer.names(series),
  };
}

/**
 * A dialect that spells only what is wanted. Decided once per series, with its names: `only` and
 * `except` look at the inner name, the path, and the path below the host; one of several peers takes
 * the paths that are its own.
 */
function routed(dialect: Dialect, { only, except, accepts }: Destination): Dialect {
  if (only === undefined && except.length === 0 && accepts === undefined) return dialect;
  const wanted: Chosen = chooser(only, undefined);
  const unwanted: Chosen = chooser(except, undefined);
  const keep = ({ series, path }: Spelling, below: string): boolean => {
    const names = [series.metric.name, path, below];
    if (!names.some(wanted) || (except.length > 0 && names.some(unwanted))) return false;
    return accepts === undefined || accepts(path);
  };
  return {
    ...dialect,
    spell: (series, naming) => {
      const below = dialect.spell(series, { ...naming, prefix: '', host: '', suffix: '' });
      const whole = dialect.spell(series, naming);
      return whole.filter((spelling, i) => keep(spelling, below[i]?.path ?? spelling.path));
    },
  };
}

/** An outlet with the delivery behind it. */
export interface Line {
  readonly outlet: Outlet;
  readonly delivery: Delivery;
}
