/**
 * Points as lines that people and small scripts read. Pure. No line holds a control character of
 * its own, whatever a device is called.
 */
import type { Kind, Name, Point } from '../metric/index.ts';
import { formatValue } from './graphite.ts';
import { printable, printableJson } from './printable.ts';

/**
 * What stands first in a line: the inner name with its labels and unit, or the path as the
 * dialect gives it, as Carbon and Diamond's archive write it.
 */
export type LineForm = 'series' | 'path';

/**
 * One point as a line, its newline included. The time is in Unix seconds.
 *
 * @example
 * encodeText(point); // 'system.cpu.time{cpu="0",state="user"} 0.034 seconds/s 1795219200\n'
 * encodeText(point, 'path'); // 'servers.web01.cpu.cpu0.user 3.4 1795219200\n'
 */
export function encodeText({ name, value, time }: Point, form: LineForm = 'series'): string {
  const number = formatValue(value, name.precision, name.significant);
  if (form === 'path') return `${printable(name.path)} ${number} ${Math.floor(time)}\n`;
  const unit = unitOf(name) ?? '-';
  return `${titleOf(name)} ${number} ${unit} ${time}\n`;
}

/** A point's JSON but for its numbers; the same for as long as a series lives. */
interface Frame {
  /** `"path":"servers.web01.load.01",` */
  readonly path: string;
  /** `"name":…,"labels":{…},"value":` */
  readonly head: string;
  /** `,"unit":…,"kind":…,"time":` */
  readonly middle: string;
  /** `,"host":"web01"}` and the newline. */
  readonly tail: string;
}

const frames = new WeakMap<Name, Frame>();

/** The members of an object, without the braces around them. */
const members = (object: object): string => printableJson(object).slice(1, -1);

function frameOf(name: Name): Frame {
  const { metric, labels, host } = name.series;
  return {
    path: `${members({ path: name.path })},`,
    head: `${members({ name: metric.name, labels: name.labels ?? labels })},"value":`,
    middle: `,${members({ unit: unitOf(name) ?? null, kind: kindOf(name) })},"time":`,
    tail: `,${members({ host })}}\n`,
  };
}

/** As `JSON.stringify` writes it: what is no finite number is null. */
const numberOf = (value: number): string => (Number.isFinite(value) ? String(value) : 'null');

/**
 * One point as a JSON object in one line, its newline included:
 * `{"name","labels","value","unit","kind","time","host"}`, with `path` first where it is asked for.
 *
 * `unit` is a base unit, with `/s` behind it for a rate; null where the dialect has scaled the value
 * to a unit of its own. A rate is a gauge, and a counter's growth a delta. `time` is in Unix seconds.
 */
export function encodeJson(
  { name, value, time }: Point,
  { path = false }: { readonly path?: boolean } = {},
): string {
  let frame = frames.get(name);
  if (frame === undefined) {
    frame = frameOf(name);
    frames.set(name, frame);
  }
  const { head, middle, tail } = frame;
  return `{${path ? frame.path : ''}${head}${numberOf(value)}${middle}${numberOf(time)}${tail}`;
}

/** A base unit, with `/s` behind it for a rate; `undefined` where a dialect has made another of it. */
export function unitOf({ series, reading, scale = 1, offset = 0 }: Name): string | undefined {
  if (scale !== 1 || offset !== 0) return undefined;
  return reading === 'rate' ? `${series.metric.unit}/s` : series.metric.unit;
}

/** What was sent of a series is: a rate is a gauge, and a counter's growth a delta. */
export function kindOf({ series, reading }: Name): Kind {
  switch (reading) {
    case 'value':
      return series.metric.kind;
    case 'rate':
      return 'gauge';
    case 'growth':
      return 'delta';
  }
}

function titleOf({ series: { metric, labels: own }, labels = own }: Name): string {
  let inside = '';
  for (const [label, value] of Object.entries(labels)) {
    inside += `${inside === '' ? '' : ','}${printable(label)}="${quoted(value)}"`;
  }
  return inside === '' ? printable(metric.name) : `${printable(metric.name)}{${inside}}`;
}

const quoted = (text: string): string =>
  QUOTED.test(text) ? printable(text.replace(EACH_QUOTED, '\\$&')) : printable(text);
const QUOTED = /[\\"]/;
const EACH_QUOTED = /[\\"]/g;
