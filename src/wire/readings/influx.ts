/**
 * InfluxDB's line protocol as Telegraf's execd takes it: `measurement,tag=value field=1i,other=0.5 time`.
 *
 * Each field that is a number or a truth (1, 0) is a level `measurement.field`, or `measurement` where the
 * field is `value`; texts are no numbers. The tag `host` says whom it speaks for.
 *
 * @see https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 */
import { isName, type LineReader, numberIn, type Reading, refused, timeIn } from './reading.ts';

const FORM = "InfluxDB's line";

/** Splits at what is neither escaped nor within quotes; quotes count only where `quotes` says so. */
function split(text: string, at: string, quotes: boolean): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (character === '\\') i += 1;
    else if (character === '"' && quotes) quoted = !quoted;
    else if (character === at && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

const unescaped = (text: string): string =>
  text.includes('\\') ? text.replace(/\\([,= "\\])/g, '$1') : text;

/** A field's number; NaN for what is no field, `undefined` for a text. */
function numberOf(text: string): number | undefined {
  if (text.startsWith('"')) return text.length > 1 && text.endsWith('"') ? undefined : Number.NaN;
  if (/^(?:t|T|true|True|TRUE)$/.test(text)) return 1;
  if (/^(?:f|F|false|False|FALSE)$/.test(text)) return 0;
  return numberIn(/\d[iu]$/.test(text) ? text.slice(0, -1) : text);
}

/** A measurement, its tags as labels, and each of its fields; `undefined` for what is no such line. */
export interface InfluxLine {
  readonly measurement: string;
  readonly tags: readonly (readonly [name: string, value: string])[];
  /** Only fields that are numbers. */
  readonly fields: readonly (readonly [name: string, value: number])[];
  readonly time: number | undefined;
}

/** @throws SyntaxError for what is no line of the protocol. */
export function decodeInflux(line: string): InfluxLine {
  const parts = split(line.trim(), ' ', true).filter((part) => part !== '');
  const [key = '', all = '', at, more] = parts;
  if (all === '' || more !== undefined) throw refused(FORM, line, 'has not two or three parts');
  if (at !== undefined && !/^-?\d{1,20}$/.test(at))
    throw refused(FORM, line, 'has no time at its end');
  const [measurement = '', ...tagged] = split(key, ',', false);
  const tags = tagged.map((tag) => split(tag, '=', false).map(unescaped));
  if (!isName(measurement) || tags.some(({ length, 0: name }) => length !== 2 || name === '')) {
    throw refused(FORM, line, 'has no measurement, or a tag without a value');
  }
  const fields: [string, number][] = [];
  for (const field of split(all, ',', true)) {
    const [name = '', text = '', rest] = split(field, '=', true);
    const value = numberOf(text);
    if (!isName(name) || rest !== undefined || Number.isNaN(value)) {
      throw refused(FORM, line, 'has a field without a value');
    }
    if (value !== undefined) fields.push([unescaped(name), value]);
  }
  const time = at === undefined ? undefined : timeIn(Number(at));
  const pairs = tags.map(([name = '', value = '']) => [name, value] as const);
  return { measurement: unescaped(measurement), tags: pairs, fields, time };
}

/** The readings of one line. */
export function influxReadings(line: string, readings: Reading[]): void {
  const { measurement, tags, fields, time } = decodeInflux(line);
  const { host, ...labels } = Object.fromEntries(tags) as Record<string, string>;
  for (const [field, value] of fields) {
    const name = field === 'value' ? measurement : `${measurement}.${field}`;
    readings.push({ name, labels, value, kind: 'gauge', unit: 'count', time, host });
  }
}

export const influxReader = (): LineReader => ({
  read(line, { readings }) {
    if (!/^\s*(?:#|$)/.test(line)) influxReadings(line, readings);
  },
});
