/**
 * Sends metrics to an OpenTelemetry collector, or to whatever else takes OTLP.
 *
 * Format    OTLP over HTTP, as protocol buffers or JSON (src/wire/otlp.ts). Metrics have their inner
 *           names, units in UCUM and the labels as attributes; hosts are resources.
 * Delivery  A batch is delivered when the receiver has answered with 2xx; what it says it did not take
 *           of it (partial success) is counted. What was not answered before a connection broke is
 *           sent again.
 */
import { checkHttp, httpOptions, httpUrl, openHttp } from 'cullinan/net';
import {
  type Batch,
  defineHandler,
  type Metric,
  type Name,
  type Point,
  Unsendable,
  z,
} from 'cullinan/plugin';
import { kindOf, unitOf } from 'cullinan/wire/lines';
import {
  decodeOtlpAnswer,
  decodeOtlpJsonAnswer,
  decodeOtlpStatus,
  encodeOtlp,
  encodeOtlpJson,
  type OtlpMetric,
  type OtlpPoint,
  type OtlpResource,
} from 'cullinan/wire/otlp';

const options = z
  .strictObject({
    url: httpUrl()
      .default('http://localhost:4318/v1/metrics')
      .describe('Where the receiver listens, with its path.'),
    ...httpOptions('true'),
    encoding: z
      .enum(['protobuf', 'json'])
      .default('protobuf')
      .describe('protobuf: protocol buffers; json: three times as long, for who cannot read them.'),
    resource: z
      .record(z.string().min(1), z.string())
      .default({ 'service.name': 'cullinan' })
      .describe('Attributes of every resource, beside host.name.'),
  })
  .superRefine(checkHttp);

const SCOPE = 'cullinan';
const CONTENT = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

/** A number of things is no ratio: in UCUM it has its unit in braces. */
const UCUM: Readonly<Record<Metric['unit'], string>> = {
  ...{ bytes: 'By', seconds: 's', ratio: '1', count: '{count}', celsius: 'Cel' },
  ...{ volts: 'V', amperes: 'A', watts: 'W', hertz: 'Hz' },
};

/** How a series' points were sent so far. */
interface Known {
  readonly metric: OtlpMetric;
  readonly attributes: Readonly<Record<string, string>>;
  /** Since when its total has grown without a reset, as far as was seen. */
  start: number;
  /** The latest point. */
  time: number;
  value: number;
}

/** By name, which lives as long as its series: a new connection does not begin every total anew. */
const series = new WeakMap<Name, Known>();
/** Points of one metric share an object, by which they are grouped. */
const metrics = new WeakMap<Metric, Map<string, OtlpMetric>>();

function metricOf(name: Name): OtlpMetric {
  const { metric } = name.series;
  const kind = kindOf(name);
  const base = unitOf(name) === undefined ? '' : UCUM[metric.unit];
  const unit = name.reading === 'rate' && base !== '' ? `${base}/s` : base;
  const key = `${kind} ${unit}`;
  const readings = metrics.get(metric) ?? new Map<string, OtlpMetric>();
  const known = readings.get(key) ?? {
    name: metric.name,
    description: metric.help,
    unit,
    kind: kind === 'counter' ? 'cumulative' : kind,
  };
  metrics.set(metric, readings.set(key, known));
  return known;
}

/**
 * A point with the time since when it is a sum. Of a total that was there before us nobody knows it:
 * then it begins where it was first seen, which OTLP takes for exactly that. After a reset it begins
 * at the last point before. A point that is sent again, or late, changes nothing.
 */
export function otlpPoint({ name, value, time }: Point): OtlpPoint {
  let known = series.get(name);
  if (known === undefined) {
    const attributes = name.labels ?? name.series.labels;
    known = { metric: metricOf(name), attributes, start: time, time, value };
    series.set(name, known);
  }
  const { metric, attributes } = known;
  if (time > known.time) {
    if (metric.kind === 'delta' || value < known.value) known.start = known.time;
    known.time = time;
    known.value = value;
  }
  const start = metric.kind === 'gauge' ? undefined : Math.min(known.start, time);
  return { metric, attributes, value, time, start };
}

/** The points of a batch, by the host they are of. */
function resources(
  batch: Batch,
  attributes: Readonly<Record<string, string>>,
): readonly OtlpResource[] {
  const hosts = new Map<string, OtlpPoint[]>();
  for (const point of batch) {
    const { host } = point.name.series;
    const points = hosts.get(host);
    if (points === undefined) hosts.set(host, [otlpPoint(point)]);
    else points.push(otlpPoint(point));
  }
  return Array.from(hosts, ([host, points]) => ({
    attributes: { 'host.name': host, ...attributes },
    points,
  }));
}

export default defineHandler({
  name: 'otlp',
  summary: 'Sends metrics to an OpenTelemetry collector, over HTTP.',
  options,
  dialect: 'otel',
  counters: 'raw', // A sum is cumulative: receivers derive rates, and see a reset by its start.
  idempotent: false,
  acknowledged: true,
  async open({ options: given, signal, clock }) {
    const { encoding, resource, gzip = true, headers } = given;
    const binary = encoding === 'protobuf';
    const peer = await openHttp(
      {
        ...given,
        gzip,
        method: 'POST',
        headers: { 'content-type': CONTENT[encoding], ...headers },
        sentence: ({ headers, body }) =>
          headers['content-type']?.startsWith(CONTENT.protobuf)
            ? decodeOtlpStatus(body)
            : undefined,
      },
      { clock, signal, key: given },
    );
    return {
      close: peer.close,
      async write(batch, stop) {
        const request = resources(batch, resource);
        const encode = binary ? encodeOtlp : encodeOtlpJson;
        const { body } = await peer.send(encode(request, SCOPE), stop);
        // One that answers with something else has said 2xx all the same.
        const answer = binary ? decodeOtlpAnswer(body) : decodeOtlpJsonAnswer(body.toString());
        if (answer === undefined || answer.rejected === 0) return;
        const { rejected, message } = answer;
        const points = Math.min(rejected, batch.length);
        const why = message === '' ? '' : `: ${message.slice(0, 300)}`;
        throw new Unsendable(
          `the receiver did not take ${points} of ${batch.length} points${why}`,
          {
            points,
          },
        );
      },
    };
  },
});
