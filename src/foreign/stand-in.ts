import type { Metric } from '../metric/index.ts';
import type { Collector, Handler, Parser, Peer } from '../plugin/index.ts';
import { Asking } from './asking.ts';
import { Colony } from './colony.ts';
import { collectorElsewhere } from './outside-collector.ts';
import { handlerElsewhere, peersIn } from './outside-handler.ts';
import { parserElsewhere } from './outside-parser.ts';
import type { Beginning, Description, Judgement, Parcel, PlainMetric } from './protocol.ts';
import { type Consequences, schemaElsewhere } from './schema.ts';

/** Where plugins live, and what they may take there. */
export interface Lodging {
  /** The program that runs in a thread. */
  readonly program: string;
  readonly host: Beginning['host'];
  /** Bytes for the plugins of one thread. */
  readonly memory: number;
  /** Seconds that one may keep its thread busy. */
  readonly block: number;
}

/** What stands here for the plugins of other threads. */
export interface StandIns {
  of(parcel: Parcel, who: string, it: Description): Collector | Handler | Parser;
  /** Ends what is needed only while a configuration is read. */
  close(): Promise<void>;
}

let colony: { readonly of: string; readonly it: Colony } | undefined;

/** Where plugins live under these settings: one for all, for as long as the settings are the same. */
function colonyFor(lodging: Lodging, warn: (message: string) => void): Colony {
  const { program, host, memory, block } = lodging;
  const of = JSON.stringify([host, memory, block, program]);
  if (colony?.of !== of) colony = { of, it: new Colony({ ...lodging, warn }) };
  return colony.it;
}

/** @param warn tells a person what plugins do later on. */
export function standIns(lodging: Lodging, warn: (message: string) => void): StandIns {
  const asking = new Asking(lodging);
  const home = colonyFor(lodging, warn);
  return {
    of: (parcel, who, it) => standIn(parcel, who, it, home, asking),
    close: () => asking.close(),
  };
}

function standIn(
  parcel: Parcel,
  who: string,
  it: Description,
  home: Colony,
  asking: Asking,
): Collector | Handler | Parser {
  const follows: Consequences = new WeakMap();
  const judge = (input: unknown) => asking.judge(parcel, input);
  const { name, summary } = it;
  const schema = () => schemaElsewhere(it.schema, judge, follows);
  const all = { name, summary };
  const resident = home.settle(who, parcel);
  const known = (given: unknown): Judgement => follows.get(given as object) ?? {};
  const metricsIn = remembered((given) => (known(given).metrics ?? []).map(metricOf));
  switch (it.kind) {
    case 'collector': {
      const metrics = Object.fromEntries(
        Object.entries(it.metrics).map(([key, metric]) => [key, metricOf(metric)]),
      );
      const facts = { ...all, source: it.source, enabled: it.enabled, metrics };
      return collectorElsewhere(facts, schema, metricsIn, home, resident);
    }
    case 'handler': {
      const peersOf = (given: unknown): readonly Peer[] => {
        const judgement = known(given);
        const peers = peersIn(given, judgement.peers);
        // What follows from options holds for each peer.
        for (const { options } of peers) follows.set(options, judgement);
        return peers;
      };
      const { idempotent, acknowledged, previews } = it;
      const facts = {
        ...{ ...all, idempotent, acknowledged, previews },
        dialect: it.dialect as Handler['dialect'],
        counters: it.counters as Handler['counters'],
        newNamesPerMinute: (given: unknown) => known(given).newNamesPerMinute,
        ...(it.divides && { peers: peersOf }),
      };
      return handlerElsewhere(facts, schema, home, resident);
    }
    case 'parser': {
      const { source, journal, knowsTime } = it;
      const needles = (given: unknown) => known(given).needles ?? [];
      const facts = { ...all, source, metrics: metricsIn, needles, ...(journal && { journal }) };
      return parserElsewhere(facts, schema, knowsTime, { parcel, colony: home });
    }
  }
}

const metricOf = (metric: PlainMetric): Metric => metric;

/** The same answer for the same options, so that a metric stays one object. */
function remembered(make: (options: unknown) => readonly Metric[]) {
  const known = new WeakMap<object, readonly Metric[]>();
  return (options: unknown): readonly Metric[] => {
    if (typeof options !== 'object' || options === null) return [];
    const found = known.get(options) ?? make(options);
    known.set(options, found);
    return found;
  };
}
