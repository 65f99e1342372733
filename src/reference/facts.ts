import { describeOptions, type Option } from '../config/index.ts';
import type { Kind, Metric, Unit } from '../metric/index.ts';
import type { Dialect } from '../naming/index.ts';
import {
  aroundOptions,
  type Collector,
  type Counters,
  type Handler,
  type Parser,
} from '../plugin/index.ts';
import { type DiamondName, diamondNames } from './diamond.ts';

/** What the reference is written from: the plugins and dialects, by name. */
export interface Plugins {
  readonly collectors: ReadonlyMap<string, Collector>;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly parsers: ReadonlyMap<string, Parser>;
  readonly dialects: ReadonlyMap<string, Dialect>;
}

/** A metric, without what only its collector needs. */
export interface MetricFacts {
  readonly name: string;
  readonly unit: Unit;
  readonly kind: Kind;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Everything a user may want to know of a collector. */
export interface CollectorFacts {
  readonly type: 'collector';
  readonly name: string;
  readonly summary: string;
  /** The files it reads and what it asks for. */
  readonly source: string;
  /** Whether it runs without being configured. */
  readonly enabled: boolean;
  /** Its own options; those that every collector has are not among them. */
  readonly options: readonly Option[];
  readonly metrics: readonly MetricFacts[];
  /** The names that Diamond's users know its metrics by. */
  readonly diamond: readonly DiamondName[];
}

/** Everything a user may want to know of a handler. */
export interface HandlerFacts {
  readonly type: 'handler';
  readonly name: string;
  readonly summary: string;
  /** The dialect it speaks unless it is told otherwise. */
  readonly dialect: string;
  /** What it sends of a counter where its dialect leaves that open. */
  readonly counters: Counters;
  /** Whether the agent sends once more what may have been lost with a broken connection. */
  readonly resends: boolean;
  /** Whether its peer says that it has what was sent. */
  readonly acknowledged: boolean;
  /** Its own options; those that every handler has are not among them. */
  readonly options: readonly Option[];
}

/** Everything a user may want to know of a parser. */
export interface ParserFacts {
  readonly type: 'parser';
  readonly name: string;
  readonly summary: string;
  /** Where the format of its lines is described. */
  readonly source: string;
  readonly options: readonly Option[];
  /** What it reports at its defaults; nothing where it has options that it cannot do without. */
  readonly metrics: readonly MetricFacts[];
}

/** Everything a user may want to know of a dialect. */
export interface DialectFacts {
  readonly type: 'dialect';
  readonly name: string;
  readonly summary: string;
  /** Its own options, which stand beside its name. */
  readonly options: readonly Option[];
}

export type Facts = CollectorFacts | HandlerFacts | ParserFacts | DialectFacts;

export const collectorFacts = (
  { name, summary, source, enabled = true, options, metrics }: Collector,
  dialects: Plugins['dialects'],
): CollectorFacts => ({
  type: 'collector',
  name,
  summary,
  source,
  enabled,
  options: describeOptions(options),
  metrics: Object.values(metrics).map(metricFacts),
  diamond: diamondNames(Object.values(metrics), dialects.get('diamond')),
});

const metricFacts = ({ name, unit, kind, labels, help }: Metric): MetricFacts => ({
  name,
  unit,
  kind,
  labels,
  help,
});

export const handlerFacts = (handler: Handler): HandlerFacts => ({
  type: 'handler',
  name: handler.name,
  summary: handler.summary,
  dialect: handler.dialect,
  counters: handler.counters,
  resends: handler.idempotent,
  acknowledged: handler.acknowledged,
  options: describeOptions(handler.options),
});

export function parserFacts({ name, summary, source, options, metrics }: Parser): ParserFacts {
  const usual = options.safeParse({});
  return {
    type: 'parser',
    name,
    summary,
    source,
    options: describeOptions(options),
    metrics: usual.success ? metrics(usual.data).map(metricFacts) : [],
  };
}

/** What every parser can be told, beside its own options. */
export const commonParserOptions = (): readonly Option[] => describeOptions(aroundOptions);

export const dialectFacts = ({ name, summary, options }: Dialect): DialectFacts => ({
  type: 'dialect',
  name,
  summary,
  options: options === undefined ? [] : describeOptions(options),
});

/** Everything there is, in the order in which it is listed. */
export const allFacts = ({
  collectors,
  handlers,
  parsers,
  dialects,
}: Plugins): readonly Facts[] => [
  ...[...collectors.values()].map((it) => collectorFacts(it, dialects)),
  ...[...handlers.values()].map(handlerFacts),
  ...[...parsers.values()].map(parserFacts),
  ...[...dialects.values()].map(dialectFacts),
];
