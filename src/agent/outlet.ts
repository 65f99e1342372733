import { type Draft, type Readings, samplesOf } from '../columns/index.ts';
import type { Config } from '../config/index.ts';
import type { Delivery } from '../deliver/index.ts';
import type { Point, Sample, Series } from '../metric/index.ts';
import { createNamer, type Dialect, type Naming, route, type Spelling } from '../naming/index.ts';
import type { Destination } from './peers.ts';
import { registry } from './registry.ts';
import { createThinner } from './thinner.ts';

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
  points(readings: Readings, into: Draft): void;
  /** The same of samples of several collections together. */
  samples(samples: readonly Sample[], into: Draft): void;
  /** Appends the points of what its own interval still holds back: the handler ends. */
  rest(into: Draft): void;
  /** The names a series is sent under, after routing. */
  names(series: Series): readonly Spelling[];
  /** What `only` sees of a series besides its inner name: its paths, and those below the host. */
  paths(series: Series): readonly string[];
}

/** Makes the way of samples to one handler: its interval, routing and naming. */
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
  const namer = createNamer(route(dialect, config), naming);
  const named = (samples: readonly Sample[], into: Draft): void => {
    const points: Point[] = [];
    namer.collection(samples, points);
    for (const { name, value, time } of points) into.push(name, value, time);
  };
  const thinner =
    config.interval === undefined ? undefined : createThinner(config.interval, config.reduce);
  return {
    config,
    points: (readings, into) =>
      thinner === undefined
        ? namer.readings(readings, into)
        : named(thinner.sift(samplesOf(readings)), into),
    samples: (samples, into) => named(thinner?.sift(samples) ?? samples, into),
    rest: (into) => named(thinner?.rest() ?? [], into),
    names: (series) => namer.names(series),
    paths: (series) => {
      const below = dialect.spell(series, { ...naming, prefix: '', host: '', suffix: '' });
      return [...namer.names(series), ...below].map(({ path }) => path);
    },
  };
}

/** An outlet with the delivery behind it. */
export interface Line {
  readonly outlet: Outlet;
  readonly delivery: Delivery;
  /** Named, and not yet handed on: what came in the wake-up that is under way. */
  readonly points: Draft;
}

/** Gives a handler's delivery what has gathered for it. */
export function handOn(line: Line): void {
  if (line.points.length > 0) line.delivery.offer(line.points.take());
}
