/**
 * Sends points to statsd, or to what speaks its language.
 *
 * Format    statsd's lines (src/wire/statsd.ts) over UDP, as many in a datagram as fit the path's
 *           MTU, or over TCP. A counter is sent as what it grew by (`|c`), a gauge as it stands (`|g`),
 *           one below zero after a 0, because statsd takes a sign for a change. Optionally with
 *           DogStatsD's tags. statsd knows no time: what is sent late counts where it arrives.
 * Delivery  statsd never acknowledges: a batch is delivered when the kernel has taken it. A counter
 *           that is sent twice counts twice, so nothing delivered is ever sent again, and what a broken
 *           TCP connection had in flight is lost. The batch that was being written goes out once more:
 *           of its counters, statsd may count twice what it had read of it. A datagram may be lost, in
 *           silence; only that nobody listens is answered, which costs the batch that finds out.
 */
import { openTcp, openUdp, paced, type Stream } from 'cullinan/net';
import {
  type Connection,
  defineHandler,
  duration,
  type OpenContext,
  port,
  size,
  within,
  z,
} from 'cullinan/plugin';
import { encodeStatsd, packStatsd } from 'cullinan/wire/statsd';

const options = z.strictObject({
  host: z.string().min(1).default('localhost').describe('Where statsd listens: name or address.'),
  port: port.default(8125).describe('Its port.'),
  protocol: z.enum(['udp', 'tcp']).default('udp').describe('How it is reached.'),
  datagram: size()
    .refine((bytes) => bytes >= 64 && bytes <= 65_507, { error: 'must be between 64B and 65507B' })
    .prefault('1432B')
    .describe(
      "With protocol: udp, the most that a datagram holds: the path's MTU without 68 bytes for the headers. 8932B where every hop takes jumbo frames.",
    ),
  tagFormat: z
    .enum(['graphite', 'dogstatsd'])
    .default('graphite')
    .describe(
      'With tags: true, where they go: into the name (name;host=web01:1|c), or behind the value as DogStatsD has them (name:1|c|#host:web01).',
    ),
  zeros: z
    .boolean()
    .default(true)
    .describe(
      'Sends counters that did not grow as 0, which keeps them alive in a statsd that forgets what is idle.',
    ),
  keepalive: duration({ least: '1s' })
    .prefault('60s')
    .describe(
      'With protocol: tcp, idle time after which the kernel probes whether statsd is still there.',
    ),
});

/** Milliseconds that a host has to answer that nobody listens. */
const OBJECTION = 100;

/**
 * Opens a socket and asks with an empty datagram, of which statsd takes no notice, whether anybody
 * listens: points that wait for a statsd that is being restarted are not to be spent on finding out.
 */
async function openProbed(
  where: { readonly host: string; readonly port: number },
  { signal, clock }: Pick<OpenContext, 'signal' | 'clock'>,
): Promise<Stream> {
  const stream = await openUdp(where, signal);
  await stream.write([Buffer.alloc(0)]);
  const objection = await within(stream.ended, OBJECTION, clock);
  if (objection !== undefined) throw objection;
  return stream;
}

export default defineHandler({
  name: 'statsd',
  summary: 'Sends points to statsd, over UDP or TCP.',
  options,
  dialect: 'diamond',
  counters: 'deltas', // statsd adds up what it gets: a rate or a total would be added up too.
  idempotent: false,
  acknowledged: false,
  async open({ options: { tagFormat, zeros, ...given }, signal, clock }): Promise<Connection> {
    const form = { tags: tagFormat, zeros };
    if (given.protocol === 'tcp') {
      const stream = await openTcp({ ...given, peer: 'statsd' }, signal);
      const { ended, close } = stream;
      return { ended, close, write: (batch) => stream.write(encodeStatsd(batch, form)) };
    }
    const { datagram } = given;
    const socket = await openProbed(given, { signal, clock });
    const stream = paced(socket, { clock, longest: datagram });
    const { ended, close } = stream;
    return { ended, close, write: (batch) => stream.write(packStatsd(batch, form, datagram)) };
  },
});
