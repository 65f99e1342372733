/**
 * InfluxDB's line protocol: `measurement,tag=value field=number time`, one line per point. The same for
 * InfluxDB 1, 2 and 3, and for what else takes it (Telegraf, VictoriaMetrics, QuestDB). Pure.
 *
 * @see https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 */

/** The unit of a time; InfluxDB 1 calls two of them `n` and `u`. */
export type Precision = 'ns' | 'us' | 'ms' | 's';

/** Milliseconds are the finest that a time in seconds has in a double of our days; zeros follow. */
const FINER: Readonly<Record<Exclude<Precision, 's'>, string>> = {
  ns: '000000',
  us: '000',
  ms: '',
};

/** No line can have these, escaped or not; a backslash before what it escapes says something else. */
const UNSAYABLE = /[\p{Cc}\u2028\u2029]/gu;
const RESERVED = /[, =]/g;

/**
 * A measurement, a tag or a field as a line spells it. Line breaks and other control characters become
 * `?`: a line cannot have them. So does a backslash that would escape what follows it.
 */
function spelled(text: string): string {
  return text
    .replace(UNSAYABLE, '?')
    .replace(/\\(?=[, ="\\]|$)/g, '?')
    .replace(RESERVED, '\\$&');
}

/**
 * What a point's line begins with: the measurement and the tags, sorted by their keys, as InfluxDB asks
 * for. Tags without a value are left out: a line cannot have them.
 *
 * @param measurement not empty; a `#` in front, which makes a comment of a line, becomes `?`.
 * @throws RangeError if it is empty.
 */
export function influxKey(measurement: string, tags: Readonly<Record<string, string>>): string {
  if (measurement === '') throw new RangeError('a measurement must have a name');
  // The equals sign needs no backslash here, and InfluxDB would keep one.
  let key = spelled(measurement).replace(/^#/, '?').replaceAll('\\=', '=');
  const spelledTags = new Map<string, string>();
  for (const [name, value] of Object.entries(tags)) {
    if (name !== '' && value !== '') spelledTags.set(spelled(name), spelled(value));
  }
  for (const name of [...spelledTags.keys()].sort()) key += `,${name}=${spelledTags.get(name)}`;
  return key;
}

/**
 * One point's line, its newline included.
 *
 * @param key of {@link influxKey}.
 * @param field not empty.
 * @param value finite; a bigint is written as an integer, which is another type to InfluxDB.
 * @param time seconds since the Unix epoch; finer than a millisecond is rounded.
 * @throws RangeError if the value or the time is no number: a line cannot have that.
 */
export function influxLine(
  key: string,
  field: string,
  value: number | bigint,
  time: number,
  precision: Precision,
): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`${value} is no value of InfluxDB`);
  }
  if (!Number.isFinite(time)) throw new RangeError(`${time} is no time`);
  const number = typeof value === 'bigint' ? `${value}i` : String(value);
  const at = precision === 's' ? `${Math.round(time)}` : Math.round(time * 1000) + FINER[precision];
  return `${key} ${spelled(field)}=${number} ${at}\n`;
}
