import type { Collector, Parser, Parsing, z } from '../plugin/index.ts';
import { Foreseen } from '../plugin/index.ts';
import type { Colony } from './colony.ts';
import { sessionElsewhere } from './outside-collector.ts';
import type { Parcel } from './protocol.ts';

/** What is to be known of a parser that runs in another thread, also where it is wrapped in another. */
const ELSEWHERE = Symbol('elsewhere');

interface Elsewhere {
  readonly parcel: Parcel;
  readonly colony: Colony;
}

/** A parser that only says of itself what it is: whoever is to use it is run where it runs. */
export function parserElsewhere(
  facts: Omit<Parser, 'open' | 'options'>,
  schema: () => z.ZodType,
  knowsTime: boolean,
  where: Elsewhere,
): Parser {
  const never = (): never => {
    throw new Foreseen(`the parser ${facts.name} runs in another thread`);
  };
  const stub: Parsing = { parse: never, report: never, ...(knowsTime ? { timeOf: never } : {}) };
  const { revision } = where.parcel;
  const parser = { ...facts, options: schema(), open: () => stub, revision, [ELSEWHERE]: where };
  return parser;
}

/** How deep in the options of a collector parsers are looked for. */
const DEPTH = 5;

/** The parsers in options that run in another thread. */
function parsersIn(options: unknown, depth = DEPTH): { name: string; where: Elsewhere }[] {
  if (typeof options !== 'object' || options === null || depth === 0) return [];
  const { name, [ELSEWHERE]: where } = options as { name?: unknown; [ELSEWHERE]?: Elsewhere };
  if (where !== undefined) {
    const { as, path } = where.parcel;
    return [{ name: as === 'parser' ? path : String(name), where }];
  }
  return Object.values(options).flatMap((each) => parsersIn(each, depth - 1));
}

/** One collector as it is configured. */
export interface Configured {
  readonly instance: string;
  readonly collector: Collector;
  readonly options: unknown;
  /** Its options as they were written, with defaults. */
  readonly meant: () => unknown;
}

/**
 * A collector that was given parsers which run in another thread is run there itself: lines would cost
 * more to hand over than to read.
 */
export function withItsParsers(configured: Configured): Collector {
  const { instance, collector, options, meant } = configured;
  const found = parsersIn(options);
  const [first] = found;
  if (first === undefined) return collector;
  const parsers = found.map(({ name, where }) => ({ name, parcel: where.parcel }));
  const key = [instance, ...parsers.map(({ parcel }) => parcel.key)].join(' ');
  const { colony } = first.where;
  const paths = [...new Set(parsers.map(({ parcel }) => parcel.path))];
  const lodger = { key, collector: collector.name, parsers };
  const resident = colony.settle(paths.join(', or '), lodger);
  // One by one: what is built in may be made only when it is asked for.
  const { name, summary, options: schema, metrics, source, enabled = true } = collector;
  const more = (given: unknown) => collector.moreMetrics?.(given) ?? [];
  return {
    ...{ name, summary, options: schema, metrics, source, enabled, moreMetrics: more },
    open: () =>
      sessionElsewhere(
        colony,
        resident,
        (given) => [...Object.values(metrics), ...more(given)],
        () => meant(),
      ),
  };
}
