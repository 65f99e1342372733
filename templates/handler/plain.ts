/**
 * Sends points as lines over TCP.
 *
 * Format    `path value time`, a line for each point, as Carbon takes them.
 * Delivery  Nothing is acknowledged: a batch is delivered when the kernel has taken it.
 */
import { openTcp } from 'cullinan/net';
import { type Batch, defineHandler, port, z } from 'cullinan/plugin';

const options = z.strictObject({
  host: z.string().min(1).default('localhost').describe('Where the peer listens.'),
  port: port.default(2003).describe('Its port.'),
});

/** A line for each point; as many digits as its dialect wants. */
export const encode = (batch: Batch) =>
  batch
    .map(({ name, value, time }) => {
      const digits = name.precision === undefined ? String(value) : value.toFixed(name.precision);
      return `${name.path} ${digits} ${Math.floor(time)}\n`;
    })
    .join('');

export default defineHandler({
  api: '1.0',
  name: 'plain',
  summary: 'Sends points as lines over TCP.',
  options,
  dialect: 'diamond',
  counters: 'rates',
  idempotent: true,
  acknowledged: false,
  async open({ options: { host, port }, signal }) {
    const stream = await openTcp({ host, port, keepalive: 60, peer: 'plain' }, signal);
    const { ended, close, finish } = stream;
    return { ended, close, finish, write: (batch) => stream.write(encode(batch)) };
  },
});
