/**
 * Publishes points to an MQTT broker, one message each.
 *
 * Format    MQTT 3.1.1 over TCP or TLS. The topic is the path with slashes for dots, behind a prefix;
 *           the payload is `value time`, as Diamond sends it, or JSON.
 * Delivery  With QoS 1 a batch is delivered when the broker has acknowledged every message of it; what
 *           was not acknowledged before the connection broke is published again. With QoS 0 a batch is
 *           delivered when the kernel has it.
 */
import { endpoint, openTcp, type Stream, spoken, tls } from 'cullinan/net';
import {
  defineHandler,
  duration,
  Foreseen,
  type Point,
  port,
  Unsendable,
  z,
} from 'cullinan/plugin';
import { formatValue } from 'cullinan/wire/graphite';

const options = z
  .strictObject({
    host: z.string().min(1).default('localhost').describe('Where the broker listens.'),
    port: port.optional().meta({ description: 'Its port.', fallback: '1883, or 8883 with tls' }),
    tls: tls()
      .optional()
      .describe('TLS, from what is given here; "tls: {}" is enough for a public certificate.'),
    clientId: z.string().min(1).max(128).optional().meta({
      description: 'What the broker knows this agent by; of two of one name it ends the older.',
      fallback: 'cullinan- and the name of the host',
    }),
    username: z.string().optional().meta({ description: 'The name to log in with.' }),
    password: z
      .string()
      .optional()
      .meta({ description: 'Its password; best kept in a file or a credential.' }),
    qos: z
      .union([z.literal(0), z.literal(1)])
      .default(1)
      .describe('0: the broker says nothing; 1: it acknowledges each message.'),
    retain: z
      .boolean()
      .default(false)
      .describe('Have the broker keep the latest point of each topic for those who come later.'),
    topic: z
      .string()
      .regex(/^[^#+\0]*$/, 'must be without "#" and "+": they are wildcards')
      .default('')
      .describe('What stands before the path in every topic, such as "metrics/".'),
    payload: z
      .enum(['plain', 'json'])
      .default('plain')
      .describe('plain: "value time"; json: value, time, unit, kind, host and labels.'),
    keepalive: duration({ least: '2s' })
      .prefault('30s')
      .describe('Time of silence after which one side takes the other for dead.'),
  })
  .refine(({ username, password }) => password === undefined || username !== undefined, {
    error: 'must have a username beside it',
    path: ['password'],
  });

type Options = z.output<typeof options>;
type Packets = typeof import('mqtt-packet');

/** The longest topic of MQTT, in bytes. */
const LONGEST_TOPIC = 65_535;
/** What a broker says to a publisher is short: more than this is not said by one. */
const LONGEST_ANSWER = 65_536;
const IDS = 65_535;

/** A path as levels of a topic; what is a wildcard or no character there becomes `&`, as in Diamond. */
export const topicOf = (prefix: string, path: string): string =>
  prefix + path.replaceAll('.', '/').replace(/[#+\0]/g, '&');

export function payloadOf(payload: Options['payload'], { name, value, time }: Point): string {
  if (payload === 'plain') {
    return `${formatValue(value, name.precision, name.significant)} ${Math.floor(time)}`;
  }
  const { metric, host, labels } = name.series;
  const { unit, kind } = metric;
  return JSON.stringify({ value, time, unit, kind, host, labels: name.labels ?? labels });
}

/** Why a broker refuses a connection (MQTT 3.1.1, table 3.1), and what to do. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'it does not speak MQTT 3.1.1. Use a broker that does.',
  2: 'it does not accept this clientId. Change "clientId".',
  3: 'it is not available just now. Its log says why.',
  4: 'it does not accept this username and password. Check both.',
  5: 'this username may not connect. Check "username", "password" and what the broker lets it do.',
};

/** One connection to a broker: what it answers finds whoever waits for it. */
class Session {
  readonly #packets: Packets;
  readonly #parser;
  readonly #waiting = new Map<number, () => void>();
  #connected: ((code: number) => void) | undefined;
  #unread = 0;
  #id = 0;
  /** Whether the broker has said anything since this was last set to false. */
  heard = true;

  constructor(packets: Packets) {
    this.#packets = packets;
    this.#parser = packets.parser({ protocolVersion: 4 });
    this.#parser.on('packet', (packet) => {
      this.#unread = 0;
      if (packet.cmd === 'connack') this.#connected?.(packet.returnCode ?? 0);
      if (packet.cmd !== 'puback' || packet.messageId === undefined) return;
      this.#waiting.get(packet.messageId)?.();
      this.#waiting.delete(packet.messageId);
    });
    this.#parser.on('error', () => {
      throw new Error('it does not speak MQTT: is this its port?');
    });
  }

  /** Takes what the broker says; throws where that is no MQTT. */
  readonly received = (bytes: Buffer): void => {
    this.heard = true;
    this.#unread += bytes.length;
    if (this.#unread > LONGEST_ANSWER) throw new Error('it announces a packet of more than 64 KiB');
    this.#parser.parse(bytes);
  };

  /** Logs in; resolves with the broker's answer. */
  async connect(stream: Stream, given: Options, clientId: string): Promise<number> {
    const answer = new Promise<number>((resolve) => {
      this.#connected = resolve;
    });
    const { username, password, keepalive } = given;
    await this.#send(stream, {
      cmd: 'connect',
      clientId,
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: Math.ceil(keepalive),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: Buffer.from(password) }),
    });
    return answer;
  }

  /** Publishes messages; with QoS 1 resolves when each is acknowledged. */
  async publish(
    stream: Stream,
    messages: readonly { readonly topic: string; readonly payload: string }[],
    { qos, retain }: Pick<Options, 'qos' | 'retain'>,
  ): Promise<void> {
    const acknowledged: Promise<void>[] = [];
    const bytes = messages.map(({ topic, payload }) => {
      const packet = { cmd: 'publish', topic, payload, qos, retain, dup: false } as const;
      if (qos === 0) return this.#packets.generate(packet);
      const messageId = this.#nextId();
      acknowledged.push(new Promise((resolve) => this.#waiting.set(messageId, resolve)));
      return this.#packets.generate({ ...packet, messageId });
    });
    await stream.write(bytes);
    await Promise.all(acknowledged);
  }

  ping(stream: Stream): Promise<void> {
    return this.#send(stream, { cmd: 'pingreq' });
  }

  end(stream: Stream): Promise<void> {
    return this.#send(stream, { cmd: 'disconnect' });
  }

  #send(stream: Stream, packet: Parameters<Packets['generate']>[0]): Promise<void> {
    return stream.write([this.#packets.generate(packet)]);
  }

  #nextId(): number {
    do this.#id = (this.#id % IDS) + 1;
    while (this.#waiting.has(this.#id));
    return this.#id;
  }
}

export default defineHandler({
  name: 'mqtt',
  summary: 'Publishes points to an MQTT broker.',
  options,
  dialect: 'diamond',
  counters: 'rates', // Who subscribes sees one message at a time: a total would say nothing.
  idempotent: false,
  acknowledged: true,
  async open({ options: given, signal, host, clock }) {
    const { tls, topic, payload } = given;
    const standard = given.port ?? (tls === undefined ? 1883 : 8883);
    const at = endpoint(given.host, standard) ?? { host: given.host, port: standard };
    // Only who publishes to a broker pays for it.
    const { default: packets } = await import('mqtt-packet');
    const session = new Session(packets);
    const { received } = session;
    const { keepalive } = given;
    const stream = await openTcp({ ...at, keepalive, tls, peer: 'the broker', received }, signal);
    const lost = stream.ended.then((error) => Promise.reject(error));
    lost.catch(() => {
      // Told through `ended`, and to whoever waits.
    });
    const clientId = given.clientId ?? `cullinan-${host}`;
    const code = await Promise.race([session.connect(stream, given, clientId), lost]);
    if (code !== 0) {
      await stream.close();
      throw new Foreseen(`${spoken(at)}: ${REFUSALS[code] ?? `it refuses with code ${code}.`}`);
    }

    let timer: { cancel(): void } = { cancel: () => undefined };
    const silent = new Promise<Error>((resolve) => {
      const look = (): void => {
        if (!session.heard) {
          resolve(new Error(`${spoken(at)}: the broker does not answer a ping`));
          return;
        }
        session.heard = false;
        session.ping(stream).catch(() => {
          // Its end is told by the stream.
        });
        wait();
      };
      const wait = () => {
        timer = clock.after(keepalive * 500, look);
      };
      wait();
    });
    const ended = Promise.race([stream.ended, silent]).finally(() => timer.cancel());
    signal.addEventListener('abort', () => timer.cancel(), { once: true });
    return {
      ended,
      async write(batch) {
        const messages = batch.map((point) => ({
          topic: topicOf(topic, point.name.path),
          payload: payloadOf(payload, point),
        }));
        const long = messages.find((each) => Buffer.byteLength(each.topic) > LONGEST_TOPIC);
        if (long !== undefined) {
          throw new Unsendable(`the topic ${long.topic.slice(0, 80)}… is longer than MQTT allows`);
        }
        await Promise.race([session.publish(stream, messages, given), lost]);
      },
      async close() {
        timer.cancel();
        await session.end(stream);
        await stream.close();
      },
    };
  },
});
