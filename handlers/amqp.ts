/**
 * Publishes points to an exchange of RabbitMQ, with publisher confirms.
 *
 * Format    AMQP 0-9-1 over TCP or TLS. A message holds one point or many: Graphite lines, Carbon's
 *           `value time` with the name in the routing key, collectd's JSON, Ceilometer's samples or
 *           JSON of our own (src/wire/amqp/messages.ts); with gzip if it is wanted.
 * Delivery  A batch is delivered when the broker has confirmed every message of it. What it refuses is
 *           published again, and nothing else of the batch. A batch that was not confirmed before a
 *           connection broke is published again, so a consumer may see it twice.
 *           A confirmed message that is persistent, in a durable queue, survives the broker. One that no
 *           queue takes is confirmed, too: it comes back before that, and is counted.
 */
import { promisify } from 'node:util';
import {
  type AmqpMessage,
  type Endpoint,
  endpoint,
  failover,
  failoverOptions,
  openAmqp,
  peerHosts,
  spoken,
  tls,
} from 'cullinan/net';
import {
  type Batch,
  type Connection,
  defineHandler,
  duration,
  Foreseen,
  type OpenContext,
  port,
  z,
} from 'cullinan/plugin';
import { EVENTS } from 'cullinan/wire/amqp/ceilometer';
import { BODIES, createMessages } from 'cullinan/wire/amqp/messages';
import { objectionTo, template } from 'cullinan/wire/amqp/template';

const text = z.string().superRefine((given, context) => {
  const message = objectionTo(given);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const options = z
  .strictObject({
    host: peerHosts().describe(
      'Where the broker listens: host or host:port; or a list, of which the first that answers is used.',
    ),
    port: port.optional().meta({
      description: 'The port of each host that names none.',
      fallback: '5672, or 5671 with tls',
    }),
    failover: failoverOptions().describe('With several hosts.'),
    vhost: z.string().min(1).default('/').describe('The virtual host.'),
    auth: z
      .enum(['plain', 'external'])
      .default('plain')
      .describe('plain: by username and password; external: by the certificate in tls.cert.'),
    username: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The name to log in with.', fallback: 'guest' }),
    password: z.string().optional().meta({
      description: 'Its password; best kept in a file or a credential.',
      fallback: 'guest',
    }),
    tls: tls()
      .optional()
      .describe('TLS, from what is given here; "tls: {}" is enough for a public certificate.'),
    heartbeat: duration({ least: '1s' })
      .prefault('30s')
      .describe('After twice this time of silence one side takes the other for dead.'),
    exchange: z
      .strictObject({
        name: z
          .string()
          .max(127)
          .optional()
          .meta({ description: 'Its name.', fallback: 'graphite, or ceilometer with that body' }),
        type: z
          .enum(['topic', 'fanout', 'direct', 'headers', 'x-consistent-hash'])
          .default('topic')
          .describe('Its type, where it is declared.'),
        declare: z
          .enum(['active', 'passive', 'none'])
          .default('active')
          .describe(
            'active: create it if it is not there; passive: only see whether it is; none: neither.',
          ),
        durable: z.boolean().optional().meta({
          description: 'Whether it outlives the broker, where it is declared.',
          fallback: 'true; false with body: ceilometer, as OpenStack declares it',
        }),
      })
      .prefault({})
      .describe('Where messages are published to.'),
    routingKey: text.optional().meta({
      description:
        'What routes a message, with {path}, {host}, {collector}, {name} or {label.…} in it. Points with one key share messages.',
      fallback:
        '{host}; {path} with body: values; notifications.sample or metering.sample with body: ceilometer',
    }),
    headers: z
      .record(z.string().min(1).max(127), text)
      .default({})
      .describe('Headers of each message, with the same placeholders: { host: "{host}" }.'),
    body: z
      .enum(BODIES)
      .default('lines')
      .describe(
        'lines: "path value time"; values: "value time", as Carbon reads them by default; collectd: its JSON; ceilometer: its samples; json: an array of objects.',
      ),
    event: z
      .enum(EVENTS)
      .default('telemetry.polling')
      .describe(
        'With body: ceilometer, what its notification agent (telemetry.polling) or a collector before Queens (metering) listens to.',
      ),
    telemetrySecret: z.string().min(1).optional().meta({
      description: "With body: ceilometer, Ceilometer's telemetry_secret, which signs each sample.",
      fallback: 'samples are not signed',
    }),
    samples: z.int().min(1).max(100_000).default(1000).describe('Samples in a message, at most.'),
    gzip: z.boolean().default(false).describe('Compress each message.'),
    persistent: z
      .boolean()
      .default(true)
      .describe('Have the broker write messages to disk before it confirms them.'),
    unroutable: z
      .enum(['count', 'wait', 'ignore'])
      .default('count')
      .describe(
        'What becomes of a message that no queue takes: count: it is lost, counted and said; wait: it is an error, and the points wait; ignore: the broker keeps that to itself.',
      ),
  })
  .superRefine((given, context) => {
    for (const [key, message] of objections(given)) {
      context.addIssue({ code: 'custom', path: [key], message });
    }
  });

type Options = z.output<typeof options>;

/** What the body says of where messages go, where nobody else does. */
function usually({ body, event }: Pick<Options, 'body' | 'event'>) {
  switch (body) {
    case 'values':
      return { name: 'graphite', durable: true, routingKey: '{path}' };
    case 'ceilometer': {
      const topic = event === 'metering' ? 'metering' : 'notifications';
      return { name: 'ceilometer', durable: false, routingKey: `${topic}.sample` };
    }
    default:
      return { name: 'graphite', durable: true, routingKey: '{host}' };
  }
}

const hostsOf = ({ host }: Options): readonly string[] =>
  typeof host === 'string' ? [host] : host;

const standardPort = ({ port, tls }: Options): number => port ?? (tls === undefined ? 5672 : 5671);

/** What is wrong with options that are right each by itself. */
function* objections(given: Options): Generator<readonly [keyof Options, string]> {
  const { auth, username, password, exchange, body, routingKey = '{path}' } = given;
  const hosts = hostsOf(given).map((host) => endpoint(host, standardPort(given)));
  const wrong = hosts.findIndex((host) => host === undefined || host.instance !== undefined);
  if (wrong >= 0) {
    yield ['host', `must be host or host:port, and "${hostsOf(given)[wrong]}" is neither`];
  }
  if (auth === 'plain' && (username === undefined) !== (password === undefined)) {
    yield ['password', 'must be given together with "username", or neither of them'];
  }
  if (auth === 'external' && given.tls?.cert === undefined) {
    yield ['auth', 'must not be external without tls.cert and tls.key: they say who we are'];
  }
  if (auth === 'external' && username !== undefined) {
    yield ['username', 'must be left out: with auth: external the certificate says who we are'];
  }
  if (exchange.name === '' && exchange.declare !== 'none') {
    yield ['exchange', 'must have declare: none: the exchange without a name is always there'];
  }
  if (exchange.type === 'headers' && Object.keys(given.headers).length === 0) {
    yield ['headers', 'must be given: an exchange of type headers routes by nothing else'];
  }
  if (body === 'values' && routingKey !== '{path}') {
    yield ['routingKey', 'must be {path} or left out: with body: values it is the only name'];
  }
  if (body === 'ceilometer' && given.gzip) {
    yield ['gzip', 'must be false with body: ceilometer: OpenStack would not decompress it'];
  }
  if (body !== 'ceilometer' && given.telemetrySecret !== undefined) {
    yield ['telemetrySecret', 'must have body: ceilometer beside it: nothing else is signed'];
  }
}

/** Makes messages of batches. */
function encoder(
  given: Options,
  interval: number,
): (batch: Batch) => Promise<readonly AmqpMessage[]> {
  const { body, samples, gzip, persistent, unroutable, event, telemetrySecret: secret } = given;
  const messages = createMessages({
    body,
    samples,
    interval,
    ceilometer: { event, secret },
    routingKey: template(given.routingKey ?? usually(given).routingKey),
    headers: Object.fromEntries(
      Object.entries(given.headers).map(([name, text]) => [name, template(text)]),
    ),
  });
  const plain = {
    contentType: body === 'lines' || body === 'values' ? 'text/graphite' : 'application/json',
    appId: 'cullinan',
    persistent,
    mandatory: unroutable !== 'ignore',
  };
  const contentEncoding = gzip ? 'gzip' : body === 'ceilometer' ? 'utf-8' : undefined;
  const common = contentEncoding === undefined ? plain : { ...plain, contentEncoding };
  const bare = Object.keys(given.headers).length === 0;
  return async (batch) => {
    const compress = gzip ? promisify((await import('node:zlib')).gzip) : undefined;
    return Promise.all(
      messages(batch).map(async ({ routingKey, headers, body, points }) => ({
        routingKey,
        points,
        content: compress === undefined ? Buffer.from(body) : await compress(body),
        properties: bare ? common : { ...common, headers },
      })),
    );
  };
}

const loginOf = ({ auth, username = 'guest', password = 'guest' }: Options) =>
  auth === 'plain' ? { username, password } : undefined;

/** One connection to one broker. */
async function openBroker(
  at: Endpoint,
  given: Options,
  { signal, clock, host, interval }: Pick<OpenContext, 'signal' | 'clock' | 'host' | 'interval'>,
): Promise<Connection> {
  const { tls, vhost, heartbeat, unroutable } = given;
  const usual = usually(given);
  const { name = usual.name, durable = usual.durable } = given.exchange;
  const exchange = { ...given.exchange, name, durable };
  const broker = {
    ...{ ...at, tls, vhost, exchange },
    login: loginOf(given),
    heartbeat: Math.ceil(heartbeat),
    title: `cullinan on ${host}`,
    unroutableWaits: unroutable === 'wait',
  };
  const peer = await openAmqp(broker, { signal, clock });
  const encode = encoder(given, interval);
  return {
    ended: peer.ended,
    close: peer.close,
    write: async (batch) => peer.publish(await encode(batch)),
    get note() {
      return peer.note;
    },
    get counts() {
      return peer.counts;
    },
    get stalled() {
      return peer.stalled;
    },
  };
}

export default defineHandler({
  name: 'amqp',
  summary: 'Publishes points to an exchange of RabbitMQ, which confirms each message.',
  options,
  dialect: 'diamond',
  counters: 'rates', // As for Carbon, which is where most of these messages end up.
  idempotent: false, // What is confirmed is kept: it need not be sent again.
  acknowledged: true,
  async open({ options: given, signal, clock, host, interval, dialect }) {
    const { body } = given;
    if ((body === 'collectd' || body === 'ceilometer') && dialect !== body) {
      throw new Foreseen(`body: ${body} takes dialect: ${body}. Set it beside "body".`);
    }
    const candidates = hostsOf(given).flatMap((text) => {
      const at = endpoint(text, standardPort(given));
      if (at === undefined) return [];
      const known = { clock, host, interval };
      const open = (signal: AbortSignal) => openBroker(at, given, { signal, ...known });
      return [{ name: spoken(at), open }];
    });
    return failover(candidates, given.failover, signal);
  },
});
