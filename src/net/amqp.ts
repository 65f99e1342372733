import { Socket } from 'node:net';
import type { ChannelModel, ConfirmChannel, Options } from 'amqplib';
import type { Clock } from '../clock/index.ts';
import { type Connection, Foreseen } from '../plugin/index.ts';
import { remedyFor } from './amqp-trouble.ts';
import type { Endpoint } from './endpoint.ts';
import { librarySocket } from './library.ts';
import type { TlsOptions } from './tls-options.ts';

export interface AmqpOptions extends Pick<Endpoint, 'host' | 'port'> {
  readonly tls?: TlsOptions | undefined;
  readonly vhost: string;
  /** Absent, the certificate in `tls` says who we are. */
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  /** Whole seconds. */
  readonly heartbeat: number;
  readonly exchange: {
    readonly name: string;
    readonly type: string;
    /** Create it if it is not there, see whether it is, or neither. */
    readonly declare: 'active' | 'passive' | 'none';
    readonly durable: boolean;
  };
  /** Whether a message that is mandatory and that no queue takes is an error, or only counted. */
  readonly unroutableWaits: boolean;
  /** What the broker calls the connection where people see it. */
  readonly title: string;
}

/** One message, ready to be published. */
export interface AmqpMessage {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
}

/** A broker that confirms what is published. */
export interface AmqpPeer
  extends Required<Pick<Connection, 'ended' | 'close'>>,
    Pick<Connection, 'note' | 'counts'> {
  /**
   * Resolves when the broker has confirmed every message, and waits while it lets nobody publish.
   * Messages of one call at a time.
   *
   * @throws {@link Foreseen} where the broker refuses one, no queue takes one that is mandatory, or it
   *   has let nobody publish for {@link PATIENCE}: with what to do.
   */
  publish(messages: readonly AmqpMessage[]): Promise<void>;
}

/** Bytes in a frame, either way: what RabbitMQ offers. */
const FRAME = 131_072;
/**
 * Milliseconds that a broker may let those wait that it has blocked. Then the connection is given up,
 * so that people hear of it; the points go on waiting.
 */
const PATIENCE = 10_000;

/** Ends a connection, whatever state it is in. amqplib keeps its socket to itself, and has no word for this. */
function giveUp({ connection }: ChannelModel, reason: Error): void {
  const { stream } = connection as { readonly stream?: unknown };
  if (!(stream instanceof Socket) || stream.destroyed) return;
  // A reset frees what the kernel holds for a broker that does not read; after an end there can be none.
  if ('encrypted' in stream || stream.writableEnded) stream.destroy();
  else stream.resetAndDestroy();
  // amqplib is told only now: it would end the stream before.
  stream.emit('error', reason);
}

/** A channel on which the broker confirms each message. */
class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #clock: Clock;
  /** Settles with what ended it. */
  readonly lost: Promise<unknown>;
  /** Why the broker lets nobody publish just now. */
  #blocked: string | undefined;
  #resume: () => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #impatience: { cancel(): void } | undefined;
  /** Messages that no queue has taken, and the routing key of the first. */
  unroutable = 0;
  unroutableKey = '';
  #over = false;

  constructor(model: ChannelModel, channel: ConfirmChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
    this.lost = new Promise((resolve) => {
      const over = (error?: Error) => resolve(error ?? new Error('it closed the connection'));
      for (const it of [channel, model]) it.on('error', over).on('close', over);
    });
    void this.lost.then((error) => {
      this.#over = true;
      this.#reject(error);
    });
    channel.on('return', ({ fields }) => {
      if (this.unroutable === 0) this.unroutableKey = fields.routingKey;
      this.unroutable += 1;
    });
    model.on('blocked', (reason) => {
      this.#blocked = reason;
      this.#waitPatiently();
    });
    model.on('unblocked', () => {
      this.#blocked = undefined;
      this.#impatience?.cancel();
      this.#resume();
    });
  }

  /** Resolves when the broker has confirmed every message, once it lets us publish. */
  async publish(messages: readonly AmqpMessage[], exchange: string): Promise<void> {
    if (this.#over) throw await this.lost;
    try {
      if (this.#blocked !== undefined) await this.#unblocked();
      await this.#confirmed(messages, exchange);
    } finally {
      this.#impatience?.cancel();
    }
  }

  #unblocked(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#resume = resolve;
      this.#waitPatiently();
    });
  }

  #confirmed(messages: readonly AmqpMessage[], exchange: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      let left = messages.length;
      let refused = 0;
      const settled = (error: unknown): void => {
        // It has ended, and says why afterwards.
        if (error instanceof Error && error.message !== NACKED) return;
        left -= 1;
        if (error instanceof Error) refused += 1;
        if (left > 0) return;
        if (refused > 0) reject(refusal(refused, messages.length));
        else resolve();
      };
      if (left === 0) resolve();
      for (const { routingKey, content, properties } of messages) {
        this.#channel.publish(exchange, routingKey, content, properties, settled);
      }
    });
  }

  #waitPatiently(): void {
    this.#impatience?.cancel();
    this.#impatience = this.#clock.after(PATIENCE, () => {
      const error = new Foreseen(
        `it has let nobody publish for ${PATIENCE / 1000} s: ${this.#blocked}. Free some of it there, or have what its queues hold consumed (rabbitmqctl list_queues).`,
      );
      this.#reject(error);
    });
  }
}

/** What amqplib says of a message that the broker has refused, and of nothing else. */
const NACKED = 'message nacked';

const refusal = (refused: number, all: number): Error =>
  new Foreseen(
    `it has refused ${refused} of ${all} messages. A queue that takes them is full and rejects more (its "overflow"), or cannot store them; its log says which.`,
  );

const unrouted = (key: string, exchange: string): string =>
  `no queue takes what is published to the exchange ${JSON.stringify(exchange)} with the routing key ${JSON.stringify(key)}`;

/**
 * Connects to a broker, logs in and sees to the exchange.
 *
 * amqplib would also reconnect by itself (`recovery`). It is not asked to: the agent does, with its
 * own back-off and books, and a layer below it that buffers would hide from it what is not confirmed.
 *
 * @param signal gives the connection up, at whatever stage it is.
 * @throws an error that says where, and what is wrong with which certificate, password, virtual host
 *   or exchange.
 */
export async function openAmqp(
  { host, port, tls, vhost, login, heartbeat, exchange, unroutableWaits, title }: AmqpOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<AmqpPeer> {
  // Only who publishes to a broker pays for it.
  const { connect, credentials } = await import('amqplib');
  const opening = new AbortController();
  const abort = (): void => opening.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const { options, said } = await librarySocket({ host, port, tls }, opening.signal);
  const asked = {
    vhost,
    username: login?.username,
    exchange: exchange.name,
    tls: tls !== undefined,
    heartbeat,
  };
  const explained = (error: unknown): Error => {
    if (error instanceof Error && error.message === 'Unexpected close') {
      return said('the broker closed the connection');
    }
    const remedy = error instanceof Error ? remedyFor(error.message, asked) : undefined;
    return said(remedy === undefined ? error : new Foreseen(remedy, { cause: error }));
  };
  const sockets = {
    ...options,
    noDelay: true,
    credentials:
      login === undefined
        ? credentials.external()
        : credentials.plain(login.username, login.password),
    clientProperties: { product: 'cullinan', connection_name: title },
  };
  const broker = {
    protocol: tls === undefined ? 'amqp' : 'amqps',
    hostname: host,
    port,
    // amqplib takes it for a part of a URL.
    vhost: encodeURIComponent(vhost),
    heartbeat,
    frameMax: FRAME,
    maxFrameSize: FRAME,
  };
  try {
    const model = await connect(broker, sockets);
    signal.removeEventListener('abort', abort);
    const stop = (): void => giveUp(model, new Error('given up'));
    signal.addEventListener('abort', stop, { once: true });
    model.on('error', () => {
      // Told by whoever waits.
    });
    if (signal.aborted) stop();
    const channel = await model.createConfirmChannel();
    const publisher = new Publisher(model, channel, clock);
    const ended = publisher.lost.then((error) => {
      // A signal may outlive many connections.
      signal.removeEventListener('abort', stop);
      return explained(error);
    });
    await Promise.race([declare(channel, exchange), ended.then((error) => Promise.reject(error))]);
    return {
      ended,
      async publish(messages) {
        const before = publisher.unroutable;
        try {
          await publisher.publish(messages, exchange.name);
        } catch (error) {
          throw explained(error);
        }
        if (!unroutableWaits || publisher.unroutable === before) return;
        const what = unrouted(publisher.unroutableKey, exchange.name);
        throw said(new Foreseen(`${what}. Bind one, or set unroutable to count.`));
      },
      get note() {
        if (publisher.unroutable === 0) return undefined;
        return `${unrouted(publisher.unroutableKey, exchange.name)}: it is lost, and counted`;
      },
      get counts() {
        return { unroutable: publisher.unroutable };
      },
      async close() {
        await channel.close();
        await model.close();
      },
    };
  } catch (error) {
    throw explained(error);
  }
}

/** Sees to it that the exchange is there, as far as that is wanted. */
async function declare(
  channel: ConfirmChannel,
  { name, type, declare, durable }: AmqpOptions['exchange'],
): Promise<void> {
  if (declare === 'active') await channel.assertExchange(name, type, { durable });
  if (declare === 'passive') await channel.checkExchange(name);
}
