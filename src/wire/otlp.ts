/**
 * OTLP's metrics, as protocol buffers and as JSON: one request holds the points of several resources,
 * grouped by metric. Numbers are doubles. Pure.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/
 * @see https://github.com/open-telemetry/opentelemetry-proto (metrics.proto: the numbers of the fields)
 */
import { decodeProtobuf, type ProtobufField, ProtobufWriter } from './protobuf.ts';

type Attributes = Readonly<Record<string, string>>;

/** What a point's value is over time: a level, a total since its start, or an amount since then. */
export type OtlpKind = 'gauge' | 'cumulative' | 'delta';

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  /** In UCUM: `By`, `s`, `1`, `{packet}`. */
  readonly unit: string;
  readonly kind: OtlpKind;
}

export interface OtlpPoint {
  /** Points of one metric share the object. */
  readonly metric: OtlpMetric;
  /** An attribute without a value is left out. */
  readonly attributes: Attributes;
  readonly value: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
  /** Since when a sum is one; a gauge has none. */
  readonly start: number | undefined;
}

/** What the points are of. */
export interface OtlpResource {
  readonly attributes: Attributes;
  readonly points: readonly OtlpPoint[];
}

const RESOURCE_METRICS = 1;
const RESOURCE = { resource: 1, scopeMetrics: 2, attributes: 1 } as const;
const SCOPE = { scope: 1, metrics: 2, name: 1 } as const;
const METRIC = { name: 1, description: 2, unit: 3, gauge: 5, sum: 7 } as const;
const DATA = { points: 1, temporality: 2, monotonic: 3 } as const;
const POINT = { start: 2, time: 3, double: 4, attributes: 7 } as const;
const ATTRIBUTE = { key: 1, value: 2, text: 1 } as const;
const TEMPORALITY = { gauge: 0, delta: 1, cumulative: 2 } as const;
const ANSWER = { partial: 1, rejected: 1, message: 2 } as const;
const STATUS_MESSAGE = 2;

/** Nanoseconds, of a time from 1970 on; a double has no finer time of our days than some hundreds of them. */
const nanos = (seconds: number): bigint => BigInt(Math.max(0, Math.round(seconds * 1e6))) * 1000n;

/** {@link nanos}, of a time that most points of a request share. */
function shared(): typeof nanos {
  let latest = 0;
  let known = 0n;
  return (seconds) => {
    if (seconds !== latest) {
      latest = seconds;
      known = nanos(seconds);
    }
    return known;
  };
}
const startNanos = shared();
const timeNanos = shared();

function byMetric(points: readonly OtlpPoint[]): Iterable<[OtlpMetric, OtlpPoint[]]> {
  const groups = new Map<OtlpMetric, OtlpPoint[]>();
  for (const point of points) {
    const group = groups.get(point.metric);
    if (group === undefined) groups.set(point.metric, [point]);
    else group.push(point);
  }
  return groups;
}

const said = (attributes: Attributes): [string, string][] =>
  Object.entries(attributes).filter(([, value]) => value !== '');

function attributesOf(attributes: Attributes, field: number): Buffer {
  const writer = new ProtobufWriter();
  for (const [key, value] of said(attributes)) {
    const text = new ProtobufWriter().text(ATTRIBUTE.text, value).finish();
    writer.bytes(
      field,
      new ProtobufWriter().text(ATTRIBUTE.key, key).bytes(ATTRIBUTE.value, text).finish(),
    );
  }
  return writer.finish();
}

/** The attributes of a series are one object for all its points. */
const encoded = new WeakMap<Attributes, Buffer>();

/** A field of 64 bits: its tag, and its value. */
const FIXED = 9;
const tagOf = (field: number): number => field * 8 + 1;

/** Written by hand, because there are as many of them as points: two times, a double, the attributes. */
function encodePoint({ attributes, value, time, start }: OtlpPoint): Buffer {
  let fields = encoded.get(attributes);
  if (fields === undefined) {
    fields = attributesOf(attributes, POINT.attributes);
    encoded.set(attributes, fields);
  }
  const numbers = start === undefined ? 2 * FIXED : 3 * FIXED;
  const point = Buffer.allocUnsafe(numbers + fields.length);
  let at = 0;
  if (start !== undefined) {
    at = point.writeUInt8(tagOf(POINT.start), at);
    at = point.writeBigUInt64LE(startNanos(start), at);
  }
  at = point.writeUInt8(tagOf(POINT.time), at);
  at = point.writeBigUInt64LE(timeNanos(time), at);
  at = point.writeUInt8(tagOf(POINT.double), at);
  at = point.writeDoubleLE(value, at);
  point.set(fields, at);
  return point;
}

function encodeMetric({ name, description, unit, kind }: OtlpMetric, points: OtlpPoint[]): Buffer {
  const data = new ProtobufWriter();
  for (const point of points) data.bytes(DATA.points, encodePoint(point));
  if (kind !== 'gauge') {
    data.integer(DATA.temporality, TEMPORALITY[kind]).integer(DATA.monotonic, 1);
  }
  return new ProtobufWriter()
    .text(METRIC.name, name)
    .text(METRIC.description, description)
    .text(METRIC.unit, unit)
    .bytes(kind === 'gauge' ? METRIC.gauge : METRIC.sum, data.finish())
    .finish();
}

/**
 * A request as protocol buffers: an ExportMetricsServiceRequest.
 *
 * @param scope who observed the points.
 */
export function encodeOtlp(resources: readonly OtlpResource[], scope: string): Buffer {
  const request = new ProtobufWriter();
  const who = new ProtobufWriter().text(SCOPE.name, scope);
  for (const { attributes, points } of resources) {
    const metrics = new ProtobufWriter().bytes(SCOPE.scope, who.finish());
    for (const [metric, of] of byMetric(points)) {
      metrics.bytes(SCOPE.metrics, encodeMetric(metric, of));
    }
    const resource = attributesOf(attributes, RESOURCE.attributes);
    const one = new ProtobufWriter()
      .bytes(RESOURCE.resource, resource)
      .bytes(RESOURCE.scopeMetrics, metrics.finish());
    request.bytes(RESOURCE_METRICS, one.finish());
  }
  return request.finish();
}

const jsonAttributes = (attributes: Attributes) =>
  said(attributes).map(([key, value]) => ({ key, value: { stringValue: value } }));

const jsonPoint = ({ attributes, value, time, start }: OtlpPoint) => ({
  attributes: jsonAttributes(attributes),
  ...(start === undefined ? {} : { startTimeUnixNano: `${nanos(start)}` }),
  timeUnixNano: `${nanos(time)}`,
  asDouble: value,
});

function jsonMetric({ kind, ...facts }: OtlpMetric, points: OtlpPoint[]): object {
  const dataPoints = points.map(jsonPoint);
  if (kind === 'gauge') return { ...facts, gauge: { dataPoints } };
  const aggregationTemporality = TEMPORALITY[kind];
  return { ...facts, sum: { dataPoints, aggregationTemporality, isMonotonic: true } };
}

/** A request as JSON, with 64-bit integers as text, as OTLP has it. */
export function encodeOtlpJson(resources: readonly OtlpResource[], scope: string): string {
  const resourceMetrics = resources.map(({ attributes, points }) => ({
    resource: { attributes: jsonAttributes(attributes) },
    scopeMetrics: [
      {
        scope: { name: scope },
        metrics: Array.from(byMetric(points), ([metric, of]) => jsonMetric(metric, of)),
      },
    ],
  }));
  return JSON.stringify({ resourceMetrics });
}

/** What a receiver says of a request that it took: how many points it did not, and why. */
export interface OtlpAnswer {
  readonly rejected: number;
  readonly message: string;
}

const find = (
  fields: readonly ProtobufField[],
  field: number,
): ProtobufField['value'] | undefined => fields.findLast((each) => each.field === field)?.value;

/** @returns nothing where the bytes are no answer of OTLP; nothing at all is one that took everything. */
export function decodeOtlpAnswer(bytes: Buffer): OtlpAnswer | undefined {
  const answer = decodeProtobuf(bytes);
  const partial = answer && find(answer, ANSWER.partial);
  if (answer !== undefined && partial === undefined) return { rejected: 0, message: '' };
  const fields = Buffer.isBuffer(partial) ? decodeProtobuf(partial) : undefined;
  if (fields === undefined) return undefined;
  const rejected = find(fields, ANSWER.rejected) ?? 0;
  const message = find(fields, ANSWER.message) ?? '';
  return typeof rejected === 'number' ? { rejected, message: message.toString() } : undefined;
}

/** {@link decodeOtlpAnswer}, of JSON. */
export function decodeOtlpJsonAnswer(text: string): OtlpAnswer | undefined {
  try {
    const answer = JSON.parse(text) as { partialSuccess?: Record<string, unknown> } | null;
    const { rejectedDataPoints = 0, errorMessage = '' } = answer?.partialSuccess ?? {};
    const rejected = Number(rejectedDataPoints);
    return rejected >= 0 ? { rejected, message: String(errorMessage) } : undefined;
  } catch {
    return undefined;
  }
}

/** What a refusal says: the message of a google.rpc.Status. */
export function decodeOtlpStatus(bytes: Buffer): string | undefined {
  const message = find(decodeProtobuf(bytes) ?? [], STATUS_MESSAGE);
  return Buffer.isBuffer(message) ? message.toString() : undefined;
}
