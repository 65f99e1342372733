/**
 * Riemann's messages: over TCP each behind its length (4 bytes, big-endian), over UDP one per datagram.
 * An event has a host, a service, a time, a number and attributes; to every message over TCP Riemann
 * answers with one that says whether it was taken.
 *
 * @see https://riemann.io/howto.html#write-a-client
 * @see https://github.com/riemann/riemann-java-client (riemann.proto: the numbers of the fields)
 */
import type { Batch, Point } from '../metric/index.ts';
import { decodeProtobuf, ProtobufWriter } from './protobuf.ts';

/** What every event says besides its number. */
export interface RiemannEvents {
  /** Seconds after which Riemann takes the event for expired. */
  readonly ttl: number;
  readonly tags: readonly string[];
  /** The service that a point belongs to. */
  readonly service: (point: Point) => string;
}

const MSG = { ok: 2, error: 3, events: 6 } as const;
const EVENT = {
  ...{ time: 1, service: 3, host: 4, tags: 7, ttl: 8, attributes: 9 },
  ...{ timeMicros: 10, metric: 14 },
} as const;
const ATTRIBUTE = { key: 1, value: 2 } as const;
const LENGTH = 4;

function encodeEvent(point: Point, { ttl, tags, service }: RiemannEvents): Buffer {
  const { name, value, time } = point;
  const { series, labels = series.labels } = name;
  const event = new ProtobufWriter()
    .integer(EVENT.time, Math.floor(time))
    .text(EVENT.service, service(point))
    .text(EVENT.host, series.host);
  for (const tag of tags) event.text(EVENT.tags, tag);
  event.float(EVENT.ttl, ttl);
  for (const [key, said] of Object.entries(labels)) {
    if (said === '') continue;
    const attribute = new ProtobufWriter().text(ATTRIBUTE.key, key).text(ATTRIBUTE.value, said);
    event.bytes(EVENT.attributes, attribute.finish());
  }
  return event
    .integer(EVENT.timeMicros, Math.round(time * 1e6))
    .double(EVENT.metric, value)
    .finish();
}

/**
 * The messages of a batch, in its order.
 *
 * @param most bytes of one message; a single event that is longer has a message of its own.
 */
export function encodeRiemann(batch: Batch, facts: RiemannEvents, most: number): Buffer[] {
  const messages: Buffer[] = [];
  let message = new ProtobufWriter();
  let length = 0;
  const flush = () => {
    if (length === 0) return;
    messages.push(message.finish());
    message = new ProtobufWriter();
    length = 0;
  };
  for (const point of batch) {
    const event = encodeEvent(point, facts);
    // The tag is a byte, the length of an event at most five.
    const size = event.length + 6;
    if (length + size > most) flush();
    message.bytes(MSG.events, event);
    length += size;
  }
  flush();
  return messages;
}

/** A message behind its length. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.allocUnsafe(LENGTH);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

/** What Riemann answers: whether it took the message, and why it did not. */
export interface RiemannAnswer {
  readonly ok: boolean;
  readonly error: string;
}

/** Answers are short: a longer one is not Riemann's. */
const LONGEST_ANSWER = 65_536;

/**
 * Makes a reader of what Riemann sends. It takes bytes as they come and hands on each answer that is whole.
 *
 * The reader throws a SyntaxError where something else than Riemann speaks.
 */
export function answerReader(answered: (answer: RiemannAnswer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (rest.length >= LENGTH) {
      const length = rest.readUInt32BE();
      if (length > LONGEST_ANSWER) throw new SyntaxError(`it announces ${length} bytes`);
      if (rest.length < LENGTH + length) return;
      const fields = decodeProtobuf(rest.subarray(LENGTH, LENGTH + length));
      rest = rest.subarray(LENGTH + length);
      if (fields === undefined) throw new SyntaxError('its answer is no message of Riemann');
      const error = fields.find(({ field }) => field === MSG.error)?.value;
      answered({
        ok: fields.find(({ field }) => field === MSG.ok)?.value === 1,
        error: Buffer.isBuffer(error) ? error.toString().slice(0, 500) : '',
      });
    }
  };
}
