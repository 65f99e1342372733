/**
 * A record of the spool: points as JSON in a gzip member of its own, so that `zcat` shows what waits.
 *
 * Source  RFC 1952. The member's extra field, subfield `CU`, holds what must be known without
 *         unpacking it: the member's length, the points in it, when they were stored, a CRC-32 of these,
 *         and its state, which is the one byte that is ever written over. The member's own CRC-32
 *         guards what is packed.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Batch, Metric, Name, Point, Series } from '../metric/index.ts';
import { crc32 } from '../wire/crc32.ts';

/** The bytes before the packed points. */
export const HEADER_BYTES = 37;
/** Where in the header the state stands. */
export const STATE_AT = 36;

/** The record was delivered, or given up. */
export const DONE = 255;

/** More in one record is not ours: a batch has some 100 KiB. */
const MOST_UNPACKED = 256 * 1024 * 1024;

/** What a record says of itself without being unpacked. */
export interface Header {
  /** Bytes of the whole record. */
  readonly length: number;
  readonly points: number;
  /** When it was stored, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** 0: never delivered. {@link DONE}. Else it was, so many times, over connections that broke. */
  readonly state: number;
}

const START = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0]);
/** Of the extra field: its length, the subfield's name and length. */
const EXTRA = Buffer.from([25, 0, 0x43, 0x55, 21, 0]);

/** Packs points. */
export function encodeRecord(points: Batch, { at, state }: Pick<Header, 'at' | 'state'>): Buffer {
  const packed = gzipSync(`${JSON.stringify(table(points))}\n`, { level: 1 });
  const header = Buffer.alloc(HEADER_BYTES);
  START.copy(header);
  packed.copy(header, 8, 8, 10);
  EXTRA.copy(header, 10);
  const rest = packed.subarray(10);
  header.writeUInt32LE(HEADER_BYTES + rest.length, 16);
  header.writeUInt32LE(points.length, 20);
  header.writeDoubleLE(at, 24);
  header.writeUInt32LE(crc32(header.subarray(16, 32)), 32);
  header.writeUInt8(state, STATE_AT);
  return Buffer.concat([header, rest]);
}

/** The header that begins at an offset; `undefined` if none does. */
export function decodeHeader(bytes: Buffer, offset: number): Header | undefined {
  if (bytes.length - offset < HEADER_BYTES) return undefined;
  if (START.compare(bytes, offset, offset + START.length) !== 0) return undefined;
  if (EXTRA.compare(bytes, offset + 10, offset + 10 + EXTRA.length) !== 0) return undefined;
  const facts = bytes.subarray(offset + 16, offset + 32);
  if (bytes.readUInt32LE(offset + 32) !== crc32(facts)) return undefined;
  return {
    length: facts.readUInt32LE(0),
    points: facts.readUInt32LE(4),
    at: facts.readDoubleLE(8),
    state: bytes.readUInt8(offset + STATE_AT),
  };
}

/** Where the next header begins, from an offset on; -1 if there is none. */
export function findHeader(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(START, from); at !== -1; at = bytes.indexOf(START, at + 1)) {
    if (decodeHeader(bytes, at) !== undefined) return at;
  }
  return -1;
}

/** More names than this are not told apart from new ones. */
const MOST_NAMES = 50_000;

/** The names that came back so far: those of one series are one object, as in the process that wrote them. */
export class Names {
  readonly #known = new Map<string, Name>();

  of(row: string, make: () => Name): Name {
    const known = this.#known.get(row);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_NAMES) this.#known.clear();
    const made = make();
    this.#known.set(row, made);
    return made;
  }
}

/** Unpacks one whole record; `undefined` if a bit of it is not as it was written. */
export function decodeRecord(bytes: Buffer, known = new Names()): Batch | undefined {
  try {
    const text = gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED }).toString();
    return pointsOf(JSON.parse(text) as Table, known);
  } catch {
    return undefined;
  }
}

/** A metric, a name and a point as rows; each refers to the one before it by its place. */
type MetricRow = readonly [
  Metric['name'],
  Metric['kind'],
  Metric['unit'],
  string,
  readonly string[],
];
type NameRow = readonly [
  metric: number,
  path: string,
  reading: Name['reading'],
  series: readonly [collector: string, host: string, labels: Series['labels']],
  form: Omit<Name, 'path' | 'reading' | 'series'>,
];
type PointRow = readonly [name: number, value: number, time: number];

interface Table {
  readonly metrics: readonly MetricRow[];
  readonly names: readonly NameRow[];
  readonly points: readonly PointRow[];
}

function table(points: Batch): Table {
  const metrics = new Places<Metric>();
  const names = new Places<Name>();
  const rows = points.map(({ name, value, time }): PointRow => [names.of(name), value, time]);
  const nameRows = names.all.map(({ path, reading, series, ...form }): NameRow => {
    const { metric, collector, host, labels } = series;
    return [metrics.of(metric), path, reading, [collector, host, labels], form];
  });
  const metricRows = metrics.all.map(
    ({ name, kind, unit, help, labels }): MetricRow => [name, kind, unit, help, labels],
  );
  return { metrics: metricRows, names: nameRows, points: rows };
}

/** Gives each thing a place, the same one every time. */
class Places<T> {
  readonly all: T[] = [];
  readonly #places = new Map<T, number>();

  of(thing: T): number {
    const known = this.#places.get(thing);
    if (known !== undefined) return known;
    const place = this.all.push(thing) - 1;
    this.#places.set(thing, place);
    return place;
  }
}

/** A series that came back from disk is no series of this process, and has no place in its tables. */
const NO_ID = -1;

function pointsOf({ metrics, names, points }: Table, known: Names): Point[] {
  const declared = metrics.map(([name, kind, unit, help, labels]): Metric => {
    return { name, kind, unit, help, labels };
  });
  const named = names.map((row) => {
    const [place, path, reading, [collector, host, labels], form] = row;
    const metric = declared[place] as Metric;
    const key = JSON.stringify([metrics[place], row.slice(1)]);
    return known.of(key, () => {
      return { ...form, series: { id: NO_ID, metric, collector, host, labels }, path, reading };
    });
  });
  return points.map(([place, value, time]) => ({ name: named[place] as Name, value, time }));
}
