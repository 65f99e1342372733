import {
  collectdWords,
  decodePutval,
  putnotifReadings,
  putvalReadings,
} from '../wire/readings/collectd.ts';
import { influxReadings } from '../wire/readings/influx.ts';
import { decodePlain } from '../wire/readings/plain.ts';
import type { Said } from '../wire/readings/reading.ts';
import { decodeStatsd, type StatsdEvent } from '../wire/readings/statsd.ts';
import type { StatsdAggregates } from './aggregate.ts';
import type { typesOf } from './formats.ts';

/** What is sent to a socket: any of these, told apart line by line, or one of them. */
export const PUSHED = ['auto', 'plain', 'statsd', 'influx', 'collectd'] as const;
export type Pushed = (typeof PUSHED)[number];

const COLLECTD = /^\s*(?:PUTVAL|PUTNOTIF|GETVAL|GETTHRESHOLD|LISTVAL|FLUSH)\b/i;
const STATSD = /^[^\s:|]+:[^|]*\|/;
const PLAIN = /^\s*\S+\s+[-+.\d]\S*(?:\s+[-\dN]\S*)?\s*$/;

/** What a line is, by its first words. */
function formOf(line: string): Exclude<Pushed, 'auto'> {
  if (COLLECTD.test(line)) return 'collectd';
  if (STATSD.test(line)) return 'statsd';
  return PLAIN.test(line) ? 'plain' : 'influx';
}

const values = (n: number): string =>
  n === 1 ? '1 value has been dispatched.' : `${n} values have been dispatched.`;

/** Takes in lines that programs send, and says what collectd would answer to those of its protocol. */
export class Dispatch {
  readonly #aggregates: StatsdAggregates;
  readonly #types: ReturnType<typeof typesOf>;
  readonly #events: StatsdEvent[] = [];

  constructor(aggregates: StatsdAggregates, types: ReturnType<typeof typesOf>) {
    this.#aggregates = aggregates;
    this.#types = types;
  }

  /**
   * @returns what collectd answers, without the end of the line; `undefined` where nobody is answered.
   * @throws SyntaxError for a line that cannot be read and is not of collectd's protocol.
   */
  take(line: string, format: Pushed, said: Said): string | undefined {
    if (/^\s*(?:#|$)/.test(line)) return undefined;
    switch (format === 'auto' ? formOf(line) : format) {
      case 'collectd':
        return this.#collectd(line, said);
      case 'statsd':
        this.#events.length = 0;
        decodeStatsd(line, this.#events);
        for (const event of this.#events) this.#aggregates.add(event);
        return undefined;
      case 'plain': {
        const reading = decodePlain(line);
        if (reading !== undefined) said.readings.push(reading);
        return undefined;
      }
      default:
        influxReadings(line, said.readings);
        return undefined;
    }
  }

  #collectd(line: string, said: Said): string {
    const words = collectdWords(line);
    if (words === undefined) return '-1 Cannot parse the line: a quotation mark too many';
    const command = words[0]?.toUpperCase();
    if (command === 'FLUSH') return '0 Done: 0 successful, 0 errors';
    try {
      if (command === 'PUTNOTIF') {
        putnotifReadings(words, line, said);
        return '0 Success';
      }
      if (command !== 'PUTVAL') return `-1 Unknown command: ${words[0]?.slice(0, 40) ?? ''}`;
      const putval = decodePutval(words, line, this.#types);
      putvalReadings(putval, said.readings);
      return `0 Success: ${values(putval.lists.length)}`;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return `-1 ${error.message}`;
    }
  }
}
