/**
 * statsd's lines: `name:value|c` adds to a counter, `name:value|g` sets a gauge. Pure.
 *
 * A counter's growth, and a delta, is a counter of statsd, which adds up what it gets until it flushes.
 * Everything else is a gauge, a rate too: rates that are added up are no number.
 *
 * @see https://github.com/statsd/statsd/blob/master/docs/metric_types.md
 */
import type { Batch, Name, Point } from '../metric/index.ts';
import { formatValue } from './graphite.ts';

export interface StatsdForm {
  /**
   * What becomes of the tags of a path such as `name;host=web01`: they stay in the name, as Graphite and
   * statsd take them, or follow the value as DogStatsD has them, `name:1|c|#host:web01`.
   */
  readonly tags: 'graphite' | 'dogstatsd';
  /** Whether a counter that did not grow is sent, as 0. */
  readonly zeros: boolean;
}

/** Digits of a growth that is no whole number: as many as a double has for certain. */
const DIGITS = 15;
const MINUS = 0x2d;

const UNCLEAN = /[^\w\-.;=]/;
const NAME_ENDS = /[^\w\-.]/;

/**
 * A name as statsd itself would store it: whitespace is `_`, a slash is `-`, and whatever else is not
 * of `A-Z a-z 0-9 _ - . ; =` is left out. Of a name of which nothing would be left, `_` is.
 *
 * It is done here, because some servers leave it to their backends, and a colon would end the name.
 */
export function sanitize(name: string): string {
  if (name !== '' && !UNCLEAN.test(name)) return name;
  return (
    name
      .replace(/\s+/g, '_')
      .replaceAll('/', '-')
      .replace(/[^\w\-.;=]/g, '') || '_'
  );
}

/** What would end a tag, or the line; a colon ends only the tag's name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const NO_TAG = /[\s\u0000-\u001F\u007F-\u009F,|#;]/g;

/** `host=web01` as `host:web01`. */
function tag(text: string): string {
  const end = text.indexOf('=');
  const name = text.slice(0, end).replaceAll(':', '_');
  return `${name}:${text.slice(end + 1)}`.replace(NO_TAG, '_');
}

/** Name and tags of a path, to stand before and behind the value. */
function frame(path: string, { tags }: StatsdForm): readonly [name: string, tags: string] {
  if (tags === 'graphite' || !NAME_ENDS.test(path)) return [sanitize(path), ''];
  const [name = '', ...labels] = path.split(';');
  const given = labels.filter((label) => label.includes('='));
  return [sanitize(name), given.length === 0 ? '' : `|#${given.map(tag).join(',')}`];
}

const isCount = ({ reading, series }: Name): boolean =>
  reading === 'growth' || (reading === 'value' && series.metric.kind === 'delta');

/**
 * One point as a line without its end. A gauge below zero takes two, since statsd reads a sign as a
 * change: `name:0|g` and `name:-5|g`, which must arrive together. '' where nothing is to be sent.
 */
function encode({ name, value }: Point, form: StatsdForm): string {
  if (isCount(name)) {
    if (value === 0 && !form.zeros) return '';
    // Not rounded as the dialect has it: what is added up would stray from the total.
    const text = Number.isInteger(value)
      ? formatValue(value, undefined)
      : formatValue(value, undefined, DIGITS);
    const [key, tags] = frame(name.path, form);
    return `${key}:${text}|c${tags}`;
  }
  const text = formatValue(value, name.precision, name.significant);
  const [key, tags] = frame(name.path, form);
  const line = `${key}:${text}|g${tags}`;
  return text.charCodeAt(0) === MINUS ? `${key}:0|g${tags}\n${line}` : line;
}

/** A batch for a stream, every line ended by a newline. */
export function encodeStatsd(batch: Batch, form: StatsdForm): string {
  let lines = '';
  for (let i = 0; i < batch.length; i += 1) {
    const line = encode(batch[i] as Point, form);
    if (line !== '') lines += `${line}\n`;
  }
  return lines;
}

/**
 * A batch in datagrams: whole lines, with newlines between them, and both lines of a gauge below zero in
 * the same one, because datagrams may be lost or overtake each other.
 *
 * @param most bytes in one. What is longer by itself has a datagram of its own.
 */
export function packStatsd(batch: Batch, form: StatsdForm, most: number): readonly Buffer[] {
  const datagrams: Buffer[] = [];
  let text = '';
  let length = 0;
  for (let i = 0; i < batch.length; i += 1) {
    const line = encode(batch[i] as Point, form);
    if (line === '') continue;
    const bytes = Buffer.byteLength(line);
    if (length > 0 && length + 1 + bytes > most) {
      datagrams.push(Buffer.from(text));
      text = '';
      length = 0;
    }
    text += length === 0 ? line : `\n${line}`;
    length += length === 0 ? bytes : bytes + 1;
  }
  if (length > 0) datagrams.push(Buffer.from(text));
  return datagrams;
}
