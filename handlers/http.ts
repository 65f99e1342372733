/**
 * Sends points over HTTP: as JSON, or to InfluxDB in its line protocol.
 *
 * Format    JSON: an array of objects, as src/wire/lines.ts has them, with their path. Influx: a line
 *           per point (src/wire/influx.ts), for /write of InfluxDB 1 and /api/v2/write of InfluxDB 2.
 * Delivery  A batch is delivered when the server has answered with 2xx. What was not answered before a
 *           connection broke is sent again: InfluxDB keeps one point per series and time.
 */
import { checkHttp, httpOptions, httpUrl, openHttp } from 'cullinan/net';
import { type Batch, defineHandler, type Name, z } from 'cullinan/plugin';
import { influxKey, influxLine, type Precision } from 'cullinan/wire/influx';
import { encodeJson } from 'cullinan/wire/lines';

/** What InfluxDB calls a precision; of hours and minutes nothing would be left. */
const PRECISIONS: Readonly<Record<string, Precision>> = {
  ...{ n: 'ns', ns: 'ns', u: 'us', us: 'us', ms: 'ms', s: 's' },
};
const precisionOf = (url: string): string => new URL(url).searchParams.get('precision') ?? 'ns';

const options = z
  .strictObject({
    url: httpUrl().describe(
      'Where it is sent, with its query: http://localhost:8086/write?db=metrics.',
    ),
    ...httpOptions('true with format: influx'),
    method: z.enum(['POST', 'PUT']).default('POST').describe('How it is sent.'),
    format: z
      .enum(['json', 'influx'])
      .default('json')
      .describe("json: an array of objects; influx: InfluxDB's line protocol."),
    measurement: z
      .enum(['name', 'path'])
      .default('name')
      .describe(
        'With format: influx, what a measurement is: name: the inner name, its labels and the host are tags; path: the path, and nothing is.',
      ),
  })
  .superRefine((given, context) => {
    checkHttp(given, context);
    const { format, url } = given;
    if (format !== 'influx' || !URL.canParse(url) || precisionOf(url) in PRECISIONS) return;
    context.addIssue({
      code: 'custom',
      path: ['url'],
      message: 'must have a precision of ns, us, ms or s, or none',
    });
  });
type Options = z.output<typeof options>;

const CONTENT = {
  json: 'application/json',
  influx: 'text/plain; charset=utf-8',
} as const;

const encodeArray = (batch: Batch): string =>
  `[${batch.map((point) => encodeJson(point, { path: true }).trimEnd()).join(',\n')}]\n`;

/** How many points InfluxDB 1 has not taken of a batch whose others it has. */
function lost({ body }: { readonly body: Buffer }): number | undefined {
  const match = /partial write: .* dropped=(\d{1,9})/.exec(body.toString());
  return match === null ? undefined : Number(match[1]);
}

/** What the lines of a name begin with: it is the same for all its points. */
function keys(measurement: Options['measurement']): (name: Name) => string {
  const known = new WeakMap<Name, string>();
  return (name) => {
    let key = known.get(name);
    if (key === undefined) {
      const { metric, host, labels } = name.series;
      key =
        measurement === 'path'
          ? influxKey(name.path, {})
          : influxKey(metric.name, { host, ...(name.labels ?? labels) });
      known.set(name, key);
    }
    return key;
  };
}

function encoder({ format, measurement, url }: Options): (batch: Batch) => string {
  if (format === 'json') return encodeArray;
  const keyOf = keys(measurement);
  const precision = PRECISIONS[precisionOf(url)] ?? 'ns';
  return (batch) => {
    let lines = '';
    for (const { name, value, time } of batch) {
      // Of one series there may be a total and a rate: they are fields of one point.
      const field = measurement === 'path' ? 'value' : name.reading;
      lines += influxLine(keyOf(name), field, value, time, precision);
    }
    return lines;
  };
}

export default defineHandler({
  name: 'http',
  summary: 'Sends points over HTTP, as JSON or to InfluxDB.',
  options,
  dialect: 'otel',
  counters: 'raw', // InfluxDB derives rates itself, as do most who take totals over HTTP.
  idempotent: false,
  acknowledged: true,
  async open({ options: given, signal, clock }) {
    const { format, gzip = format === 'influx', headers } = given;
    const encode = encoder(given);
    const peer = await openHttp(
      {
        ...given,
        gzip,
        scheme: format === 'influx' ? 'Token' : 'Bearer',
        headers: { 'content-type': CONTENT[format], ...headers },
        lost,
      },
      { clock, signal, key: given },
    );
    return {
      close: peer.close,
      async write(batch, stop) {
        await peer.send(encode(batch), stop);
      },
    };
  },
});
