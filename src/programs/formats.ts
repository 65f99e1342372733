import { readFileSync } from 'node:fs';
import { collectdReader } from '../wire/readings/collectd.ts';
import { collectdTypes, parseTypes } from '../wire/readings/collectd-types.ts';
import { expositionReader } from '../wire/readings/exposition.ts';
import { influxReader } from '../wire/readings/influx.ts';
import { jsonReader } from '../wire/readings/json.ts';
import { type NetdataReader, netdataReader } from '../wire/readings/netdata.ts';
import { plainReader } from '../wire/readings/plain.ts';
import type { LineReader } from '../wire/readings/reading.ts';
import { decodeStatsd, type StatsdEvent } from '../wire/readings/statsd.ts';
import { StatsdAggregates } from './aggregate.ts';

/** What is read line by line. */
// biome-ignore format: one line of words
export const LINE_FORMATS = [
  'plain', 'collectd', 'influx', 'prometheus', 'statsd', 'json', 'netdata',
] as const;
export type LineFormat = (typeof LINE_FORMATS)[number];

export interface FormatOptions {
  /** What programs are told that the host is called. */
  readonly own?: string | undefined;
  /** Files in the form of types.db(5), the later ones first. */
  readonly types?: readonly string[];
  /** Names of statsd that are told apart, and the percentiles of its timers. */
  readonly most?: number;
  readonly percentiles?: readonly number[];
}

/** collectd's own types, and those of the files that are there. */
export function typesOf(files: readonly string[]): ReturnType<typeof collectdTypes> {
  const types = new Map(collectdTypes());
  for (const file of files) {
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // Without collectd there is none of it, and what it has is known here.
      continue;
    }
    for (const [type, sources] of parseTypes(text)) types.set(type, sources);
  }
  return types;
}

/** A reader that adds up what it reads until it is told that all is said. */
function statsdReader({ most = 10_000, percentiles = [] }: FormatOptions): LineReader {
  const aggregates = new StatsdAggregates(most, percentiles);
  const events: StatsdEvent[] = [];
  return {
    read(line) {
      if (line.trim() === '') return;
      events.length = 0;
      decodeStatsd(line, events);
      for (const event of events) aggregates.add(event);
    },
    end({ readings, notes }) {
      aggregates.flush((reading) => readings.push(reading));
      const refused = aggregates.refusals();
      if (refused > 0) notes.push(`${refused} events of more than ${most} names were left out`);
    },
  };
}

/** Begins to read one program's output. */
export function readerOf(format: LineFormat, options: FormatOptions): LineReader {
  switch (format) {
    case 'plain':
      return plainReader();
    case 'collectd':
      return collectdReader(typesOf(options.types ?? []), options.own);
    case 'influx':
      return influxReader();
    case 'prometheus':
      return expositionReader();
    case 'statsd':
      return statsdReader(options);
    case 'json':
      return jsonReader();
    case 'netdata':
      return netdataReader();
  }
}

/** Whether a plugin of Netdata has said that there is nothing for it to do. */
export const isDisabled = (reader: LineReader): boolean =>
  'disabled' in reader && (reader as NetdataReader).disabled;
