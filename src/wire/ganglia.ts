/**
 * Ganglia's packets since 3.1, one in each datagram: what a metric is (128), a value of it (129 to 135, by
 * type), and the request for the former (136). Packets of 2.5 (below 128) are none of these, and ignored by
 * gmond as well.
 *
 * @see https://github.com/ganglia/monitor-core/blob/master/lib/gm_protocol.x
 */
import { XdrReader, XdrWriter } from './xdr.ts';

/** The types that a value travels as. */
export type GangliaValueType =
  | 'string'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'float'
  | 'double';

/** How a value moves, for whoever stores it: `positive` is a counter, which is stored as its rate. */
export type Slope = 'zero' | 'positive' | 'negative' | 'both' | 'unspecified' | 'derivative';

/** Whose metric it is, and which. */
export interface MetricId {
  /** With `spoof`, the host that it is of, as `address:name`. Without, gmond goes by the sender's address. */
  readonly host: string;
  readonly name: string;
  readonly spoof: boolean;
}

/** What a metric is. */
export interface GangliaMetadata {
  readonly kind: 'metadata';
  readonly id: MetricId;
  /** A {@link GangliaValueType}, or a name of gmetric's such as `int8`; of whoever sends it, anything. */
  readonly type: string;
  readonly units: string;
  readonly slope: Slope;
  /** Seconds between two values at most. */
  readonly tmax: number;
  /** Seconds without a value after which it is forgotten; 0 is never. */
  readonly dmax: number;
  /** Such as GROUP, TITLE and DESC, in their order; a key may occur twice. */
  readonly extra: ReadonlyArray<readonly [key: string, value: string]>;
}

/** One value of a metric. */
export interface GangliaValue {
  readonly kind: 'value';
  readonly id: MetricId;
  readonly type: GangliaValueType;
  /** For printf: `%.1f`. From the network, nothing to be obeyed. */
  readonly format: string;
  /** A text where the type is `string`, else a number; `float` and `double` may be NaN or infinite. */
  readonly value: number | string;
}

/** Asks the one whose metric it is to say again what it is. */
export interface GangliaRequest {
  readonly kind: 'request';
  readonly id: MetricId;
}

export type GangliaPacket = GangliaMetadata | GangliaValue | GangliaRequest;

/** Bytes in the longest packet that gmond writes, and reads from everybody. */
export const LONGEST_PACKET = 1464;

const METADATA = 128;
/** In the order of their numbers, from 129. */
const TYPES = ['uint16', 'int16', 'int32', 'uint32', 'string', 'float', 'double'] as const;
const VALUES = METADATA + 1;
const REQUEST = VALUES + TYPES.length;
/** In the order of their numbers, from 0. */
const SLOPES = ['zero', 'positive', 'negative', 'both', 'unspecified', 'derivative'] as const;
/** Bytes of a key and a value that are both empty. */
const SHORTEST_EXTRA = 8;

/**
 * Reads one datagram, bounded by its length. As gmond does, it takes no offence at bytes behind the packet, and
 * a slope that has no name is `unspecified`.
 *
 * @returns `undefined` where the bytes are no whole packet of this protocol. It never throws.
 */
export function decodePacket(bytes: Uint8Array): GangliaPacket | undefined {
  // Whatever else arrives at the port is told by its first word, without the cost of an error.
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 0) return undefined;
  const number = bytes[3] ?? 0;
  if (number < METADATA || number > REQUEST) return undefined;
  try {
    const reader = new XdrReader(bytes);
    reader.uint();
    const id = { host: reader.string(), name: reader.string(), spoof: reader.bool() };
    if (number === METADATA) return readMetadata(reader, id);
    if (number === REQUEST) return { kind: 'request', id };
    const type = TYPES[number - VALUES] ?? 'string';
    return { kind: 'value', id, type, format: reader.string(), value: readValue(reader, type) };
  } catch {
    return undefined;
  }
}

/** Whose metadata is asked for; `undefined` where the bytes ask for nothing. */
export function decodeRequest(bytes: Uint8Array): MetricId | undefined {
  if (bytes[3] !== REQUEST) return undefined;
  const packet = decodePacket(bytes);
  return packet?.kind === 'request' ? packet.id : undefined;
}

function readMetadata(reader: XdrReader, id: MetricId): GangliaMetadata {
  const type = reader.string();
  reader.string(); // The name again. gmond goes by the one in the id.
  const units = reader.string();
  const slope = SLOPES[reader.uint()] ?? 'unspecified';
  const [tmax, dmax] = [reader.uint(), reader.uint()];
  const extra: [string, string][] = [];
  for (let left = reader.count(LONGEST_EXTRA, SHORTEST_EXTRA); left > 0; left -= 1) {
    extra.push([reader.string(), reader.string()]);
  }
  return { kind: 'metadata', id, type, units, slope, tmax, dmax, extra };
}

/** More do not fit into any datagram. */
const LONGEST_EXTRA = Math.floor(65_507 / SHORTEST_EXTRA);

function readValue(reader: XdrReader, type: GangliaValueType): number | string {
  switch (type) {
    case 'string':
      return reader.string();
    case 'uint16':
      return reader.uint() & 0xffff;
    case 'int16':
      return (reader.int() << 16) >> 16;
    case 'uint32':
      return reader.uint();
    case 'int32':
      return reader.int();
    case 'float':
      return reader.float();
    case 'double':
      return reader.double();
  }
}

/**
 * Writes one datagram.
 *
 * It throws a RangeError where a number is beyond its type or no whole one where it has to be, or where the
 * packet is longer than {@link LONGEST_PACKET}.
 */
export function encodePacket(packet: GangliaPacket): Buffer {
  const { host, name, spoof } = packet.id;
  const writer = new XdrWriter().uint(numberOf(packet)).string(host).string(name).bool(spoof);
  if (packet.kind === 'metadata') {
    const { type, units, slope, tmax, dmax, extra } = packet;
    writer.string(type).string(name).string(units);
    writer.uint(SLOPES.indexOf(slope)).uint(tmax).uint(dmax).uint(extra.length);
    for (const [key, value] of extra) writer.string(key).string(value);
  } else if (packet.kind === 'value') {
    writer.string(packet.format);
    writeValue(writer, packet);
  }
  const bytes = writer.finish();
  if (bytes.length > LONGEST_PACKET) {
    throw new RangeError(`${name.slice(0, 64)}: a packet of ${bytes.length} bytes`);
  }
  return bytes;
}

function numberOf(packet: GangliaPacket): number {
  if (packet.kind === 'metadata') return METADATA;
  return packet.kind === 'request' ? REQUEST : VALUES + TYPES.indexOf(packet.type);
}

function writeValue(writer: XdrWriter, { type, value }: GangliaValue): void {
  if (type === 'string') {
    writer.string(String(value));
    return;
  }
  const number = Number(value);
  switch (type) {
    case 'float':
      writer.float(number);
      break;
    case 'double':
      writer.double(number);
      break;
    default: {
      const [least, most] = RANGES[type];
      if (!Number.isInteger(number) || number < least || number > most) {
        throw new RangeError(`${number} is no ${type}`);
      }
      writer.uint(number >>> 0);
    }
  }
}

const RANGES = {
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffff_ffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
} as const;
