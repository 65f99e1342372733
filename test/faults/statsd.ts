import { sanitize } from 'cullinan/wire/statsd';
import { LineServer } from './line-server.ts';
import { type Arrival, COMMON, type Subject } from './subject.ts';

/** Its lines are one point each, but for a gauge below zero: that follows a 0, which is none. */
function take(line: string, arrived: Arrival[]): void {
  const [, path, number] = /^([^:|]+):(-?[\d.]+)\|[cg]$/.exec(line) ?? [];
  if (path === undefined) throw new Error(`statsd would not understand ${line}`);
  const value = Number(number);
  if (value < 0 && line.endsWith('|g')) arrived.pop();
  arrived.push({ path, value });
}

/**
 * Over TCP. It acknowledges nothing and adds up what it gets, so nothing that the kernel took is ever
 * sent again: what was under way when a connection broke is lost, and booked as delivered. Whatever was
 * not under way arrives, once; so does what a spool holds, through kill -9, if nothing of it was being
 * sent at that moment. The batch that was is sent again.
 */
export const statsd: Subject = {
  name: 'statsd',
  tls: false,
  repeats: false,
  archive: ', counters: deltas',
  spelled: sanitize,
  async start() {
    const arrived: Arrival[] = [];
    const server = await LineServer.listen((line) => take(line, arrived));
    return {
      port: server.port,
      handler: ({ host, port }, more) =>
        `{ type: statsd, protocol: tcp, host: ${host}, port: ${port}, ${COMMON}${more} }`,
      received: () => arrived,
      restart: () => server.restart(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
