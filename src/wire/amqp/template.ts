/**
 * Texts with placeholders that a message's routing key and headers are made of, such as
 * `metrics.{host}.{collector}`.
 *
 * | Placeholder | Stands for |
 * |---|---|
 * | `{path}` | the path that the dialect gives the series |
 * | `{host}` | the host that the series is of |
 * | `{collector}` | the collector instance that observes it |
 * | `{name}` | its inner name, such as `system.disk.io` |
 * | `{label.device}` | the value of its label `device`, with `_` for each dot; nothing where it has none |
 */
import type { Name } from '../../metric/index.ts';
import { fnv1a32 } from '../fnv1a.ts';

/** A text with placeholders, ready to be filled in. */
export type Template = (name: Name) => string;

const PLACEHOLDER = /\{([^{}]*)\}/;
const LABEL = 'label.';

const PLACEHOLDERS: Readonly<Record<string, Template>> = {
  path: ({ path }) => path,
  host: ({ series }) => series.host,
  collector: ({ series }) => series.collector,
  name: ({ series }) => series.metric.name,
};

function placeholder(what: string): Template | undefined {
  const known = Object.hasOwn(PLACEHOLDERS, what) ? PLACEHOLDERS[what] : undefined;
  const label = what.startsWith(LABEL) ? what.slice(LABEL.length) : '';
  if (known !== undefined || label === '') return known;
  return ({ series, labels = series.labels }) => (labels[label] ?? '').replaceAll('.', '_');
}

/** What is wrong with a text with placeholders; nothing if it is right. */
export function objectionTo(text: string): string | undefined {
  for (const [i, part] of text.split(PLACEHOLDER).entries()) {
    if (i % 2 === 1 && placeholder(part) === undefined) {
      return `must not have the placeholder {${part}}: there are {path}, {host}, {collector}, {name} and {label.…}`;
    }
    if (i % 2 === 0 && /[{}]/.test(part)) return 'must have no brace but those of a placeholder';
  }
  return undefined;
}

/** Makes a text with placeholders ready; one that {@link objectionTo} objects to is not filled in there. */
export function template(text: string): Template {
  const parts = text
    .split(PLACEHOLDER)
    .map((part, i) => (i % 2 === 1 ? (placeholder(part) ?? part) : part))
    .filter((part) => part !== '');
  const [first] = parts;
  if (parts.length === 1 && typeof first === 'function') return first;
  return (name) => {
    let filled = '';
    for (const part of parts) filled += typeof part === 'string' ? part : part(name);
    return filled;
  };
}

/** Bytes in a routing key, at most: its length is one byte on the wire. */
const LONGEST_KEY = 255;
/** A tilde and eight hexadecimal digits. */
const MARK = 9;

/**
 * A text that is short enough for a routing key. A longer one is cut, and what tells it from others
 * that begin alike stands behind a tilde: a hash of the whole.
 */
export function shortKey(text: string): string {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (text.length * 3 <= LONGEST_KEY) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= LONGEST_KEY) return text;
  let end = LONGEST_KEY - MARK;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const hash = fnv1a32(text).toString(16).padStart(8, '0');
  return `${bytes.toString('utf8', 0, end)}~${hash}`;
}
