import { RiemannServer } from '../support/riemann.ts';
import { COMMON, type Subject } from './subject.ts';

export const riemann: Subject = {
  name: 'riemann',
  tls: true,
  repeats: true,
  async start() {
    const server = await RiemannServer.listen();
    return {
      port: server.port,
      handler: ({ host, port, ca }, more) =>
        `{ type: riemann, host: ${host}, port: ${port}, service: path, ${COMMON}${
          ca === undefined ? '' : `, tls: { ca: ${ca} }`
        }${more} }`,
      received: () =>
        server.events.map(({ service, time, metric }) => ({ path: service, time, value: metric })),
      restart: () => server.restart(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
