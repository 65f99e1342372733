/**
 * Numbers in JSON: our own lines, as `cullinan once --json` prints them, and any other object.
 *
 * An object with a text `name` and a number `value` is one reading, with `labels`, `unit`, `kind`, `time` and
 * `host` where they are there. Of any other, each number is a level, called by the keys that lead to it.
 */
import type { Kind, Unit } from '../../metric/index.ts';
import { isName, type LineReader, NO_LABELS, type Reading, refused, timeIn } from './reading.ts';

const FORM = 'JSON';
const KINDS: readonly Kind[] = ['gauge', 'counter', 'delta'];
const UNITS: readonly Unit[] = [
  ...([
    'bytes',
    'seconds',
    'ratio',
    'count',
    'celsius',
    'volts',
    'amperes',
    'watts',
    'hertz',
  ] as const),
];
/** Objects in objects. */
const DEEPEST = 8;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function ours(it: Fields): Reading | undefined {
  const { name, value, labels, unit, kind, time, host } = it;
  if (typeof name !== 'string' || typeof value !== 'number' || !isName(name)) return undefined;
  if (!Number.isFinite(value)) return undefined;
  const texts = isObject(labels)
    ? Object.fromEntries(Object.entries(labels).map(([label, text]) => [label, String(text)]))
    : NO_LABELS;
  // A rate is a level; its base unit is per second then.
  const base = typeof unit === 'string' ? unit.replace(/\/s$/, '') : '';
  return {
    ...{ name, value, labels: texts },
    kind: KINDS.find((it) => it === kind) ?? 'gauge',
    unit: UNITS.find((it) => it === base) ?? 'count',
    time: typeof time === 'number' ? timeIn(time) : undefined,
    host: typeof host === 'string' && host !== '' ? host : undefined,
  };
}

function flatten(it: Fields, prefix: string, depth: number, into: Reading[]): void {
  for (const [key, value] of Object.entries(it)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (!isName(name)) continue;
    if (Number.isFinite(value) && typeof value === 'number') {
      into.push({ name, labels: NO_LABELS, value, kind: 'gauge', unit: 'count' });
    } else if (isObject(value) && depth < DEEPEST) flatten(value, name, depth + 1, into);
  }
}

/** The readings of a value that was parsed: an object, or a list of them. */
function readingsOf(value: unknown, text: string, into: Reading[]): void {
  if (Array.isArray(value)) {
    for (const each of value) readingsOf(isObject(each) ? each : undefined, text, into);
    return;
  }
  if (!isObject(value)) throw refused(FORM, text, 'is no object');
  const reading = ours(value);
  if (reading === undefined) flatten(value, '', 1, into);
  else into.push(reading);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused(FORM, text, 'cannot be read');
  }
}

/** A whole document: one value over many lines, or one in each line. @throws SyntaxError */
export function decodeJson(text: string, into: Reading[]): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first = ''] = lines;
  let each: unknown;
  try {
    each = lines.length > 1 ? JSON.parse(first) : undefined;
  } catch {
    each = undefined;
  }
  if (each === undefined) readingsOf(parsed(text), text, into);
  else for (const line of lines) readingsOf(parsed(line), line, into);
}

export const jsonReader = (): LineReader => ({
  read(line, { readings }) {
    if (line.trim() !== '') readingsOf(parsed(line), line, readings);
  },
});
