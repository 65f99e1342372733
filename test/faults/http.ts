import { InfluxDb } from '../support/influxdb.ts';
import { COMMON, type Subject } from './subject.ts';

/** An InfluxDB that is killed and not asked to stop: what it has acknowledged it has. */
export const http: Subject = {
  name: 'http',
  needs: 'influxdb',
  tls: true,
  repeats: true,
  async start() {
    const server = await InfluxDb.start();
    return {
      port: server.port,
      handler: ({ host, port, ca }, more) => {
        const [scheme, tls] = ca === undefined ? ['http', ''] : ['https', `, tls: { ca: ${ca} }`];
        const url = `${scheme}://${host}:${port}/write?db=metrics`;
        return `{ type: http, url: "${url}", format: influx, measurement: path, gzip: false, counters: rates, ${COMMON}${tls}${more} }`;
      },
      async received() {
        const found = await server.query('SELECT value FROM /.*/');
        return found.flatMap(({ name, values }) =>
          values.map(([time, value]) => ({
            path: name,
            time: Number(time) / 1000,
            value: Number(value),
          })),
        );
      },
      restart: () => server.restart(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
