/**
 * statsd's lines: `name:1|c|@0.1`, `name:5|g`, `name:+5|g`, `name:320|ms`, `name:who|s`; several values
 * behind one name, and DogStatsD's tags behind `|#`.
 *
 * @see https://github.com/statsd/statsd/blob/master/docs/metric_types.md
 */
import type { Labels } from '../../metric/index.ts';
import { isName, NO_LABELS, numberIn, refused } from './reading.ts';

const FORM = "statsd's line";

export interface StatsdEvent {
  readonly name: string;
  readonly labels: Labels;
  readonly type: 'counter' | 'gauge' | 'timer' | 'set';
  /** NaN for a set. */
  readonly value: number;
  /** A set's member. */
  readonly member: string;
  /** Whether a gauge is changed by the value. */
  readonly relative: boolean;
  /** How many events it stands for. */
  readonly times: number;
}

const TYPES: Readonly<Record<string, StatsdEvent['type']>> = {
  c: 'counter',
  m: 'counter',
  g: 'gauge',
  ms: 'timer',
  h: 'timer',
  d: 'timer',
  s: 'set',
};

/** `#a:b,c` or Graphite's `;a=b`, as labels. */
function labelsIn(parts: readonly string[], separator: string): Labels {
  if (parts.length === 0) return NO_LABELS;
  return Object.fromEntries(
    parts
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf(separator);
        return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
      }),
  );
}

/** @throws SyntaxError for what is no line of statsd. */
export function decodeStatsd(line: string, into: StatsdEvent[]): void {
  const at = line.indexOf(':');
  const [path = '', ...tagged] = line.slice(0, Math.max(at, 0)).trim().split(';');
  if (!isName(path)) throw refused(FORM, line, 'has no name');
  const [values = '', word = '', ...more] = line
    .slice(at + 1)
    .trim()
    .split('|');
  const type = TYPES[word];
  if (type === undefined)
    throw refused(FORM, line, 'has no type that is known (c, g, ms, h, d, s)');
  let times = 1;
  let labels = labelsIn(tagged, '=');
  for (const part of more) {
    if (part.startsWith('@')) {
      const rate = numberIn(part.slice(1));
      if (!(rate > 0 && rate <= 1)) throw refused(FORM, line, 'has no sample rate between 0 and 1');
      times = 1 / rate;
    } else if (part.startsWith('#')) labels = labelsIn(part.slice(1).split(','), ':');
  }
  for (const text of type === 'set' ? [values] : values.split(':')) {
    const value = type === 'set' ? Number.NaN : numberIn(text);
    if (type !== 'set' && Number.isNaN(value)) throw refused(FORM, line, 'has no number');
    if (type === 'set' && !isName(text)) throw refused(FORM, line, 'has no member');
    const relative = type === 'gauge' && /^[+-]/.test(text);
    into.push({
      name: path,
      labels,
      type,
      value,
      member: type === 'set' ? text : '',
      relative,
      times,
    });
  }
}
