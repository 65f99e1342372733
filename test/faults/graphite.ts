import { decodeLine } from 'cullinan/wire/graphite';
import { LineServer } from './line-server.ts';
import { type Arrival, COMMON, type Subject } from './subject.ts';

export const graphite: Subject = {
  name: 'graphite',
  tls: true,
  repeats: true,
  async start() {
    const arrived: Arrival[] = [];
    const server = await LineServer.listen((line) => arrived.push(decodeLine(line)));
    return {
      port: server.port,
      handler: ({ host, port, ca }, more) =>
        `{ type: graphite, host: ${host}, port: ${port}, resend: 20s, ${COMMON}${
          ca === undefined ? '' : `, tls: { ca: ${ca} }`
        }${more} }`,
      received: () => arrived,
      restart: () => server.restart(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
