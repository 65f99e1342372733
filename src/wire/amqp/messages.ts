/**
 * A batch of points as AMQP messages: what each holds, under which routing key, with which headers.
 * Pure: the same batch gives the same messages.
 */
import type { Batch, Name, Point } from '../../metric/index.ts';
import { encodeLines, formatValue } from '../graphite.ts';
import { encodeJson } from '../lines.ts';
import { type CeilometerOptions, ceilometerNotifications } from './ceilometer.ts';
import { collectdValueLists } from './collectd.ts';
import { shortKey, type Template } from './template.ts';

/**
 * What a message holds.
 *
 * - `lines`: Graphite lines, `path value time`, as Diamond sends them.
 * - `values`: `value time`, the name being the routing key, as Carbon's own listener expects it.
 * - `collectd`: collectd's JSON, an array of value lists (src/wire/amqp/collectd.ts).
 * - `ceilometer`: a notification with samples (src/wire/amqp/ceilometer.ts).
 * - `json`: an array of objects with `path`, `name`, `labels`, `value`, `unit`, `kind`, `time` and
 *   `host`, each as src/wire/lines.ts writes it.
 */
export const BODIES = ['lines', 'values', 'collectd', 'ceilometer', 'json'] as const;
export type Body = (typeof BODIES)[number];

/** One message, apart from what all have in common. */
export interface Message {
  readonly routingKey: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What is in the body. */
  readonly points: Batch;
}

export interface MessageOptions {
  readonly body: Body;
  readonly routingKey: Template;
  readonly headers: Readonly<Record<string, Template>>;
  /** Samples in a message, at most; value lists with `collectd`. */
  readonly samples: number;
  /** Seconds, for collectd's value lists. */
  readonly interval: number;
  /** For Ceilometer's samples. */
  readonly ceilometer?: CeilometerOptions | undefined;
}

/** Where a series' points go: one object for as long as it lives. */
interface Address extends Pick<Message, 'routingKey' | 'headers'> {
  /** What goes to the same place has the same. */
  readonly id: string;
}

/** `value time` lines. */
function encodeValues(batch: Batch): string {
  let lines = '';
  for (const { name, value, time } of batch) {
    lines += `${formatValue(value, name.precision, name.significant)} ${Math.floor(time)}\n`;
  }
  return lines;
}

/** One object, without the newline that ends a line of them. */
const jsonOf = (point: Point): string => encodeJson(point, { path: true }).slice(0, -1);

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (items.length <= size) yield items;
  else for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

/** How points with one address become bodies. */
function encoderOf({
  body,
  interval,
  samples,
  ceilometer = { event: 'telemetry.polling', secret: undefined },
}: MessageOptions): (batch: Batch) => Iterable<Pick<Message, 'body' | 'points'>> {
  const each = (encode: (batch: Batch) => string) =>
    function* (batch: Batch) {
      for (const points of slices(batch, samples)) yield { body: encode(points), points };
    };
  switch (body) {
    case 'lines':
      return each((batch) => encodeLines(batch));
    case 'values':
      return each(encodeValues);
    case 'ceilometer':
      return each(ceilometerNotifications(ceilometer));
    case 'json':
      return each((batch) => `[${batch.map(jsonOf).join(',')}]`);
    case 'collectd': {
      const lists = collectdValueLists(interval);
      return function* (batch) {
        for (const some of slices(lists(batch), samples)) {
          const body = `[${some.map(({ text }) => text).join(',')}]`;
          yield { body, points: some.flatMap(({ points }) => points) };
        }
      };
    }
  }
}

/**
 * Makes an encoder, which remembers the address of each series.
 *
 * @returns the messages of a batch; points with one address keep their order.
 */
export function createMessages(options: MessageOptions): (batch: Batch) => readonly Message[] {
  const encode = encoderOf(options);
  const headers = Object.entries(options.headers);
  const addresses = new WeakMap<Name, Address>();

  function addressOf(name: Name): Address {
    let address = addresses.get(name);
    if (address === undefined) {
      const routingKey = shortKey(options.routingKey(name));
      const filled = headers.map(([header, fill]) => [header, fill(name)] as const);
      const id = JSON.stringify([routingKey, ...filled.map(([, text]) => text)]);
      address = { id, routingKey, headers: Object.fromEntries(filled) };
      addresses.set(name, address);
    }
    return address;
  }

  return (batch) => {
    const groups = new Map<string, { readonly address: Address; readonly points: Point[] }>();
    for (const point of batch) {
      const address = addressOf(point.name);
      const group = groups.get(address.id);
      if (group === undefined) groups.set(address.id, { address, points: [point] });
      else group.points.push(point);
    }
    const messages: Message[] = [];
    for (const { address, points } of groups.values()) {
      const { routingKey, headers } = address;
      for (const encoded of encode(points)) messages.push({ routingKey, headers, ...encoded });
    }
    return messages;
  };
}
