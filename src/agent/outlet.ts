import type { Config, HandlerConfig } from '../config/index.ts';
import type { Delivery } from '../deliver/index.ts';
import type { Point, Sample, Series } from '../metric/index.ts';
import { createNamer, type Dialect, type Naming, type Spelling } from '../naming/index.ts';
import { type Chosen, chooser } from '../plugin/index.ts';
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
  readonly config: HandlerConfig;
  /** Names the samples that are routed here and appends their points. */
  points(samples: readonly Sample[], into: Point[]): void;
  /** The names a series is sent under, after routing. */
  names(series: Series): readonly Spelling[];
}

/** Makes the way of samples to one handler: routing and naming. */
export function createOutlet(
  config: HandlerConfig,
  globals: Pick<Config, 'labels'>,
  identity: Identity,
): Outlet {
  const dialect = registry.dialects.get(config.dialect);
  if (dialect === undefined) throw new Error(`no dialect is called ${config.dialect}`);
  const naming: Naming = {
    prefix: config.prefix,
    host: identity.path,
    ownHost: identity.label,
    suffix: config.suffix,
    tags: config.tags,
    labels: globals.labels,
    counters: config.counters,
  };
  const namer = createNamer(routed(dialect, config, identity), naming);
  return {
    config,
    points(samples, into) {
      for (const sample of samples) namer.points(sample, into);
    },
    names: (series) => namer.names(series),
  };
}

/**
 * A dialect that spells only what is wanted. Decided once per series, with its names: `only` and
 * `except` look at the inner name, the path, and the path below the host.
 */
function routed(
  dialect: Dialect,
  { only, except, suffix }: HandlerConfig,
  { path: host }: Identity,
): Dialect {
  if (only === undefined && except.length === 0) return dialect;
  const wanted: Chosen = chooser(only, undefined);
  const unwanted: Chosen = chooser(except, undefined);
  const head = `.${[host, suffix].filter((part) => part !== '').join('.')}.`;
  const keep = ({ series, path }: Spelling): boolean => {
    const at = `.${path}`.indexOf(head);
    const names = [series.metric.name, path];
    if (at >= 0) names.push(`.${path}`.slice(at + head.length));
    return names.some(wanted) && (except.length === 0 || !names.some(unwanted));
  };
  return { ...dialect, spell: (series, naming) => dialect.spell(series, naming).filter(keep) };
}

/** An outlet with the delivery behind it. */
export interface Line {
  readonly outlet: Outlet;
  readonly delivery: Delivery;
}
