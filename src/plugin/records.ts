import { count, delta, gauge, type Instrument, type Observation } from '../metric/index.ts';
import { encoded } from '../wire/bytes.ts';
import { Distribution, statistics } from '../wire/distribution.ts';
import { Tally } from '../wire/tally.ts';
import { isoTime, known } from '../wire/timestamps.ts';
import type { Line, Parsing } from './parser.ts';
import * as z from './zod.ts';

/** Options of a parser of records whose fields have names. */
export const recordOptions = z.strictObject({
  count: z
    .array(z.string().min(1))
    .default(['level'])
    .describe('Fields whose texts are counted, each by itself.'),
  values: z
    .array(z.string().min(1))
    .default([])
    .describe('Fields that hold numbers to report the spread of.'),
  percentiles: z
    .array(z.number().min(0).max(100))
    .default([50, 90, 99])
    .describe('Percentiles of these numbers.'),
  time: z.string().default('time').describe('The field that says when a record was written.'),
  limit: z
    .int()
    .min(1)
    .max(10_000)
    .default(50)
    .describe('Texts of each field that are told apart; the others count as `other`.'),
});

/** The metrics that {@link recordMetrics} declares. */
export interface RecordMetrics {
  readonly lines: Instrument<'count', never>;
  readonly counts: Instrument<'count', 'field' | 'value'>;
  readonly values: Instrument<'count', 'field' | 'statistic'>;
}

/** The metrics of a parser of records: `json.lines`, `json.counts`, `json.values`. */
export const recordMetrics = (prefix: string): RecordMetrics => ({
  lines: delta(`${prefix}.lines`, { unit: 'count', help: 'Records.' }),
  counts: delta(`${prefix}.counts`, {
    unit: 'count',
    labels: ['field', 'value'],
    help: 'Records by what a field holds.',
  }),
  values: gauge(`${prefix}.values`, {
    unit: 'count',
    labels: ['field', 'statistic'],
    help: 'The spread of a field that holds numbers, in the unit that it has.',
  }),
});

/** Looks up a field of a record; `undefined` where it has none. */
export type RecordFields = (field: string) => unknown;

/**
 * When a record was written, as RFC 3339 or as seconds, milliseconds, microseconds or nanoseconds since
 * the Unix epoch, whichever is a time after 1973.
 */
export function recordTime(value: unknown): number | undefined {
  if (typeof value === 'string' && !/^\d{9,20}(\.\d+)?$/.test(value)) {
    return known(isoTime(encoded(value)));
  }
  let time = Number(value ?? Number.NaN);
  for (let i = 0; i < 3 && time >= 1e11; i += 1) time /= 1000;
  return time >= 1e8 && time < 1e11 ? time : undefined;
}

/**
 * Opens a parser of lines that have fields: it counts what they hold, and spreads their numbers.
 *
 * @param read makes a line's fields accessible; `undefined` for a line that is no record.
 */
export function openRecords(
  metrics: RecordMetrics,
  { count: counted, values, percentiles, time, limit }: z.output<typeof recordOptions>,
  read: (line: Line) => RecordFields | undefined,
): Parsing {
  const tallies = [...new Set(counted)].map((field) => ({ field, tally: new Tally({ limit }) }));
  const spreads = [...new Set(values)].map((field) => ({ field, spread: new Distribution() }));
  let lines = 0;
  return {
    parse(line) {
      const fields = read(line);
      if (fields === undefined) return false;
      lines += 1;
      for (const { field, tally } of tallies) {
        const value = fields(field);
        if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
          tally.addText(`${value}`);
        }
      }
      for (const { field, spread } of spreads) {
        const value = fields(field);
        if (typeof value === 'number' || (typeof value === 'string' && value !== '')) {
          spread.add(Number(value));
        }
      }
      return true;
    },
    timeOf: (line) => recordTime(read(line)?.(time)),
    *report(): Generator<Observation> {
      yield metrics.lines.observe(count(lines));
      lines = 0;
      for (const { field, tally } of tallies) {
        for (const [value, n] of tally.take())
          yield metrics.counts.observe(count(n), { field, value });
      }
      for (const { field, spread } of spreads) {
        for (const [statistic, value] of statistics(spread, percentiles)) {
          yield metrics.values.observe(count(value), { field, statistic });
        }
        spread.clear();
      }
    },
  };
}
