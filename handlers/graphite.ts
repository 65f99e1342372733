/**
 * Sends points to Carbon: to one host, to all of several, to the first that answers, or each path to
 * the host that a relay's consistent hash would choose.
 *
 * Format    Carbon's plaintext, one `path value time` line per point (src/wire/graphite.ts), over TCP,
 *           TLS or UDP; or its pickles over TCP or TLS (src/wire/pickle.ts).
 * Delivery  Carbon never acknowledges: a batch is delivered when the kernel has taken it. A point
 *           sent twice is one point (same path and time overwrite), so the agent resends what it
 *           delivered shortly before a connection broke. A Carbon host that loses its power goes
 *           unnoticed until the kernel's send buffer is full or its retransmissions give up; what
 *           was delivered longer ago than the resend window is then lost. A datagram may always be.
 */
import {
  type Endpoint,
  endpoint,
  failover,
  failoverOptions,
  openTcp,
  openUdp,
  peerHosts,
  spoken,
  tls,
} from 'cullinan/net';
import {
  type Batch,
  type Connection,
  defineHandler,
  duration,
  port,
  size,
  z,
} from 'cullinan/plugin';
import { packLines } from 'cullinan/wire/datagrams';
import { encodeLines } from 'cullinan/wire/graphite';
import { imageEncoder } from 'cullinan/wire/graphite-image';
import { lineEncoder } from 'cullinan/wire/graphite-lines';
import { hashRing } from 'cullinan/wire/hash-ring';
import { jumpHash } from 'cullinan/wire/jump-hash';
import { encodePickle } from 'cullinan/wire/pickle';

const options = z
  .strictObject({
    host: peerHosts().describe(
      'Where Carbon listens: host, host:port or host:port=instance; or a list of them ("route" says which gets what).',
    ),
    port: port.optional().meta({
      description: 'The port of each host that names none.',
      fallback: '2003, or 2004 with format: pickle',
    }),
    protocol: z.enum(['tcp', 'udp']).default('tcp').describe('How it is reached.'),
    format: z.enum(['plaintext', 'pickle']).default('plaintext').describe('What Carbon is sent.'),
    lineEnd: z.enum(['lf', 'crlf']).optional().meta({
      description: 'What ends a line of plaintext.',
      fallback: 'lf, or crlf with dialect: collectd',
    }),
    datagram: size()
      .refine((bytes) => bytes >= 64 && bytes <= 65_507, {
        error: 'must be between 64B and 65507B',
      })
      .prefault('1400B')
      .describe('With protocol: udp, the most that a datagram holds; whole lines only.'),
    tls: tls()
      .optional()
      .describe('TLS, from what is given here; "tls: {}" is enough for a public certificate.'),
    route: z
      .enum(['fan-out', 'failover', 'carbon_ch', 'fnv1a_ch', 'jump_fnv1a_ch'])
      .default('fan-out')
      .describe(
        'Of several hosts: all get every point, the first that answers does, or each path has one by consistent hash.',
      ),
    relay: z.enum(['carbon', 'carbon-c-relay']).optional().meta({
      description:
        'Whose relay a consistent hash agrees with: they differ where two hosts fall on the same place, and only Carbon’s hashes tags.',
      fallback: 'carbon with carbon_ch, else carbon-c-relay',
    }),
    failover: failoverOptions().describe('With route: failover.'),
    newNamesPerMinute: z.int().min(1).optional().meta({
      description:
        'New names that are sent per minute; the points of the others wait. Carbon creates 50 files a minute unless told otherwise, and drops the points of the rest.',
      fallback: 'any number',
    }),
    keepalive: duration({ least: '1s' })
      .prefault('60s')
      .describe('Idle time after which the kernel probes whether Carbon is still there.'),
  })
  .superRefine((given, context) => {
    for (const [key, message] of objections(given)) {
      context.addIssue({ code: 'custom', path: [key], message });
    }
  });

type Options = z.output<typeof options>;

const hostsOf = ({ host }: Options): readonly string[] =>
  typeof host === 'string' ? [host] : host;

const standardPort = ({ port, format }: Options): number =>
  port ?? (format === 'pickle' ? 2004 : 2003);

const endpointsOf = (given: Options): readonly Endpoint[] =>
  hostsOf(given).flatMap((text) => endpoint(text, standardPort(given)) ?? []);

/** What is wrong with options that are right each by itself. */
function* objections(given: Options): Generator<readonly [keyof Options, string]> {
  const { protocol, format, route } = given;
  if (protocol === 'udp' && given.tls !== undefined)
    yield ['tls', 'must be left out: UDP has no TLS'];
  if (protocol === 'udp' && format === 'pickle') {
    yield ['format', 'must be plaintext: Carbon takes no pickles over UDP'];
  }
  if (format === 'pickle' && given.lineEnd !== undefined) {
    yield ['lineEnd', 'must be left out: a pickle has no lines'];
  }
  if (given.relay !== undefined && (route === 'fan-out' || route === 'failover')) {
    yield ['relay', 'must be left out: only a route by consistent hash agrees with a relay'];
  }
  if (given.relay === 'carbon' && route === 'jump_fnv1a_ch') {
    yield [
      'relay',
      'must be carbon-c-relay, or left out: the relay of Carbon has no jump_fnv1a_ch',
    ];
  }
  if (protocol === 'udp' && route === 'failover') {
    yield ['route', 'must not be failover: UDP does not tell whether a host answers'];
  }
  const hosts: Endpoint[] = [];
  for (const text of hostsOf(given)) {
    const host = endpoint(text, standardPort(given));
    if (host !== undefined) hosts.push(host);
    else
      yield [
        'host',
        `must be host, host:port or host:port=instance, and "${text}" is none of them`,
      ];
  }
  const instances = hosts.filter(({ instance }) => instance !== undefined).length;
  if (route === 'jump_fnv1a_ch' && instances > 0 && instances < hosts.length) {
    yield ['host', 'must have an instance for every host, or for none: instances order the hosts'];
  }
  if (route === 'carbon_ch' && repeats(hosts, ({ host, instance }) => `${host}=${instance}`)) {
    yield ['host', 'must tell hosts apart by name or instance: carbon_ch does not look at ports'];
  }
  if (repeats(hosts, spoken)) yield ['host', 'must not name a host and port twice'];
}

const repeats = <T>(items: readonly T[], key: (item: T) => string): boolean =>
  new Set(items.map(key)).size < items.length;

/** Which of the hosts a path belongs to; `undefined` where each gets all. */
function router({ route, relay }: Options, hosts: readonly Endpoint[]) {
  if (route === 'jump_fnv1a_ch') return jumpHash(hosts.map(({ instance }) => instance));
  if (route === 'carbon_ch') return hashRing(route, hosts, relay ?? 'carbon');
  if (route === 'fnv1a_ch') return hashRing(route, hosts, relay ?? 'carbon-c-relay');
  return undefined;
}

function endOf({ lineEnd }: Options, dialect: string | undefined) {
  return (lineEnd ?? (dialect === 'collectd' ? 'crlf' : 'lf')) === 'crlf' ? '\r\n' : '\n';
}

function encoder(given: Options, dialect: string | undefined) {
  const { format, protocol, datagram } = given;
  if (format === 'pickle') return (batch: Batch) => encodePickle(batch);
  const end = endOf(given, dialect);
  if (protocol === 'tcp') return (batch: Batch) => encodeLines(batch, end);
  return (batch: Batch) => packLines(encodeLines(batch, end), datagram);
}

/**
 * So many points are written into the lines of the time before. Fewer are sooner put together anew: where there are
 * few, V8 does not optimize what runs (docs/architecture.md, decision 14), and its own code for texts is faster.
 */
const MANY = 1000;

export default defineHandler({
  name: 'graphite',
  summary: 'Sends points to Carbon, to one host or to several.',
  options,
  dialect: 'diamond',
  counters: 'rates', // Carbon stores points, not kinds: a raw counter would plot as a ramp.
  idempotent: true,
  acknowledged: false,
  newNamesPerMinute: ({ newNamesPerMinute }) => newNamesPerMinute,
  peers(given) {
    const texts = hostsOf(given);
    if (texts.length === 1 || given.route === 'failover') return [{ name: '', options: given }];
    const hosts = endpointsOf(given);
    const route = router(given, hosts);
    return hosts.map((host, i) => ({
      name: spoken(host),
      options: { ...given, host: texts[i] ?? '' },
      ...(route === undefined ? undefined : { accepts: (path: string) => route(path) === i }),
    }));
  },
  open({ options: given, signal, dialect }) {
    const { protocol, tls, keepalive } = given;
    const encode = encoder(given, dialect);
    const candidates = endpointsOf(given).map((host) => ({
      name: spoken(host),
      async open(signal: AbortSignal): Promise<Connection> {
        const stream =
          protocol === 'udp'
            ? await openUdp(host, signal)
            : await openTcp({ ...host, keepalive, tls, peer: 'Carbon' }, signal);
        const { ended, close, finish } = stream;
        const write = (batch: Batch) => stream.write(encode(batch));
        if (protocol === 'udp' || given.format === 'pickle') return { ended, close, finish, write };
        const end = endOf(given, dialect);
        const few = lineEncoder(end);
        const many = imageEncoder(end);
        return {
          ...{ ended, close, finish, write },
          writePacked(points) {
            if (typeof points.times !== 'number') return write(points.slice(0, points.length));
            // What is left over of many is not few: all of it comes at once.
            const encode = points.from === 0 && points.length < MANY ? few : many;
            return stream.write([encode(points, points.times)]);
          },
        };
      },
    }));
    return failover(candidates, given.failover, signal);
  },
});
