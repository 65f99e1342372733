/**
 * Sends points to a syslog server, one message each.
 *
 * Format    RFC 5424 (src/wire/syslog.ts). Over TCP each message has its length before it (RFC 6587), over
 *           TLS too (RFC 5425); over UDP each is a datagram (RFC 5426).
 * Delivery  syslog never acknowledges: a batch is delivered when the kernel has taken it. A message that
 *           is sent twice is two lines in a log, so nothing delivered is ever sent again, and what a
 *           broken connection had in flight is lost. The batch that was being written goes out once
 *           more. A datagram may be lost, in silence.
 */
import { openTcp, openUdp, paced, tls } from 'cullinan/net';
import { type Batch, type Connection, defineHandler, duration, port, z } from 'cullinan/plugin';
import { FACILITIES, octetCounted, SEVERITIES, syslogEncoder } from 'cullinan/wire/syslog';

const options = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('localhost')
      .describe('Where the server listens: name or address.'),
    port: port.optional().meta({ description: 'Its port.', fallback: '514, or 6514 with tls' }),
    protocol: z.enum(['tcp', 'udp']).default('tcp').describe('How it is reached.'),
    tls: tls()
      .optional()
      .describe('TLS, from what is given here; "tls: {}" is enough for a public certificate.'),
    facility: z.enum(FACILITIES).default('local0').describe('What kind of program it is said by.'),
    severity: z.enum(SEVERITIES).default('info').describe('How much it matters.'),
    appName: z
      .string()
      .regex(/^[\x21-\x7e]{1,48}$/, 'must be 1 to 48 printable ASCII characters without a space')
      .default('cullinan')
      .describe('The name of the program.'),
    enterprise: z
      .string()
      .regex(/^\d{1,10}(\.\d{1,10}){0,8}$/, 'must be numbers with dots between them')
      .default('32473')
      .describe(
        'The private enterprise number behind the names of the structured data. The default is the one for documentation: put yours there.',
      ),
    keepalive: duration({ least: '1s' })
      .prefault('60s')
      .describe(
        'With protocol: tcp, idle time after which the kernel probes whether the server is still there.',
      ),
  })
  .refine(({ protocol, tls }) => protocol === 'tcp' || tls === undefined, {
    error: 'must be left out: UDP has no TLS',
    path: ['tls'],
  });

/** Bytes of a message that every path takes in one piece. */
const USUAL = 1432;

export default defineHandler({
  name: 'syslog',
  summary: 'Sends points to a syslog server, as structured data.',
  options,
  dialect: 'otel',
  counters: 'rates',
  idempotent: false,
  acknowledged: false,
  async open({ options: given, signal, clock }): Promise<Connection> {
    const encode = syslogEncoder({ ...given, process: process.pid });
    const where = { host: given.host, port: given.port ?? (given.tls === undefined ? 514 : 6514) };
    if (given.protocol === 'udp') {
      const stream = paced(await openUdp(where, signal), { clock, longest: USUAL });
      const { ended, close } = stream;
      const datagrams = (batch: Batch) => batch.map((point) => Buffer.from(encode(point)));
      return { ended, close, write: (batch) => stream.write(datagrams(batch)) };
    }
    const stream = await openTcp({ ...given, ...where, peer: 'the syslog server' }, signal);
    const { ended, close } = stream;
    return {
      ended,
      close,
      write: (batch) => stream.write(batch.map((point) => octetCounted(encode(point))).join('')),
    };
  },
});
