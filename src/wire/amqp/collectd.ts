/**
 * collectd's JSON, as its amqp and write_http plugins send it: an array of value lists, each with the
 * values of one identifier at one time.
 *
 * @see https://collectd.org/documentation/manpages/collectd.conf.5.shtml#plugin_amqp
 */
import type { Batch, Name, Point } from '../../metric/index.ts';
import { formatValue } from '../graphite.ts';
import { printableJson } from '../printable.ts';

/** What stands before a list's time and behind its interval; the same for as long as a series lives. */
interface Frame {
  /** The identifier as one text: what has it in common belongs together. */
  readonly id: string;
  readonly source: string;
  readonly type: 'derive' | 'gauge';
  /** `"host":"web01","plugin":"cpu",…}`, ready to be sent. */
  readonly rest: string;
}

/** Values of one identifier and one time, under way. */
interface List {
  values: string;
  types: string;
  sources: string;
  readonly time: number;
  readonly frame: Frame;
  readonly points: Point[];
}

/** A value list in JSON, and the points that are in it. */
export interface ValueList {
  readonly text: string;
  readonly points: Batch;
}

/** collectd writes 15 digits of a number that is no whole one. */
const DIGITS = 15;

function frameOf({ series, reading, identifier, path }: Name): Frame {
  const { host, plugin, pluginInstance, type, typeInstance, source } = identifier ?? {
    host: undefined,
    plugin: path,
    pluginInstance: '',
    type: 'gauge',
    typeInstance: '',
    source: '',
  };
  const object = {
    host: host ?? series.host,
    plugin,
    plugin_instance: pluginInstance,
    type,
    type_instance: typeInstance,
  };
  // collectd calls a rate what it was made of.
  const counted = reading !== 'value' || series.metric.kind === 'counter';
  return {
    id: Object.values(object).join('\0'),
    source: JSON.stringify(source === '' ? 'value' : source),
    type: counted ? 'derive' : 'gauge',
    rest: printableJson(object).slice(1),
  };
}

/** The texts of what {@link collectdValueLists} makes. */
export function collectdLists(interval: number): (batch: Batch) => readonly string[] {
  const lists = collectdValueLists(interval);
  return (batch) => lists(batch).map(({ text }) => text);
}

/**
 * Makes an encoder, which remembers what is the same of a series at every tick.
 *
 * @param interval seconds that each list says are between it and the next.
 * @returns batches as value lists in JSON, without the brackets around them; values of one identifier
 *   and time are in one list, such as the bytes that an interface received and sent.
 */
export function collectdValueLists(interval: number): (batch: Batch) => readonly ValueList[] {
  const frames = new WeakMap<Name, Frame>();
  const every = interval.toFixed(3);

  function frame(name: Name): Frame {
    let known = frames.get(name);
    if (known === undefined) {
      known = frameOf(name);
      frames.set(name, known);
    }
    return known;
  }

  return (batch) => {
    const lists: List[] = [];
    const open = new Map<string, List>();
    for (const point of batch) {
      const it = frame(point.name);
      const value = numberOf(point);
      const list = it.source === VALUE ? undefined : open.get(it.id);
      if (list !== undefined && list.time === point.time && !list.sources.includes(it.source)) {
        list.values += `,${value}`;
        list.types += `,"${it.type}"`;
        list.sources += `,${it.source}`;
        list.points.push(point);
        continue;
      }
      const begun = {
        values: value,
        types: `"${it.type}"`,
        sources: it.source,
        time: point.time,
        frame: it,
        points: [point],
      };
      lists.push(begun);
      if (it.source !== VALUE) open.set(it.id, begun);
    }
    return lists.map(({ values, types, sources, time, frame: { rest }, points }) => ({
      text:
        `{"values":[${values}],"dstypes":[${types}],"dsnames":[${sources}],` +
        `"time":${time.toFixed(3)},"interval":${every},${rest}`,
      points,
    }));
  };
}

const VALUE = '"value"';

const numberOf = ({ name, value }: Point): string =>
  name.precision === 0 ? formatValue(value, 0) : formatValue(value, undefined, DIGITS);
