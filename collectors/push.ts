/**
 * What programs on this host send: Graphite's lines, statsd's, InfluxDB's and collectd's PUTVAL.
 *
 * Source  Sockets: a unix socket, UDP and TCP, on the loopback unless it is said otherwise. A line is told
 *         apart by how it begins; PUTVAL is answered as collectd's unixsock plugin does. statsd's counters, timers
 *         and sets are added up from tick to tick.
 * Units   Numbers; statsd's timers in what they are sent in.
 * Access  Ports above 1023, and a folder for the socket that the agent may write to. Nobody is asked who he is: who
 *         may connect may send, within the bounds below.
 */
import { defineCollector, dottedName, size, z } from 'cullinan/plugin';
import {
  openSockets,
  PUSHED,
  percentilesOption,
  placeIn,
  seriesOption,
  typesOption,
} from 'cullinan/programs';

const place = z.string().transform((text, context) => {
  const found = placeIn(text);
  if (typeof found !== 'string') return found;
  context.addIssue({ code: 'custom', message: `must ${found}` });
  return z.NEVER;
});

const socket = z.strictObject({
  at: place.describe(
    'Where: `unix:/run/cullinan/push.sock`, `udp:127.0.0.1:8125`, `tcp:127.0.0.1:2003`.',
  ),
  format: z
    .enum(PUSHED)
    .default('auto')
    .describe(
      'What is sent there: `plain` is Graphite’s `name value [time]`; `auto` tells lines apart by how they begin.',
    ),
});

const options = z.strictObject({
  listen: z
    .array(socket)
    .min(1)
    .prefault([
      { at: 'unix:/run/cullinan/push.sock' },
      { at: 'udp:127.0.0.1:8125', format: 'statsd' },
    ])
    .describe('The sockets.'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'must be three octal digits: 660')
    .default('660')
    .transform((text) => Number.parseInt(text, 8))
    .describe('Permissions of unix sockets: who may send.'),
  connections: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Connections to one socket at once.'),
  bytes: size()
    .prefault('16MiB')
    .describe(
      'What a socket takes in within a tick; what is beyond that waits, or is lost where it is a datagram.',
    ),
  as: dottedName()
    .optional()
    .meta({ description: 'What stands before their names.', fallback: 'nothing' }),
  series: seriesOption(),
  percentiles: percentilesOption(),
  types: typesOption(),
});

export default defineCollector({
  name: 'push',
  summary: 'What programs on this host send: lines of Graphite, statsd, InfluxDB and collectd.',
  source: 'sockets at which it listens',
  enabled: false,
  foreign: true,
  options,
  metrics: {},
  open: openSockets,
});
