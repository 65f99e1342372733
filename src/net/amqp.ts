import { Socket } from 'node:net';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import type { Clock } from '../clock/index.ts';
import { type Connection, Foreseen, Unsettled } from '../plugin/index.ts';
import { type AmqpMessage, Publisher } from './amqp-publisher.ts';
import { remedyFor } from './amqp-trouble.ts';
import type { Endpoint } from './endpoint.ts';
import { librarySocket } from './library.ts';
import type { TlsOptions } from './tls-options.ts';

/** A broker, and how it is spoken to. */
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

/** A broker that confirms what is published. */
export interface AmqpPeer
  extends Required<Pick<Connection, 'ended' | 'close'>>,
    Pick<Connection, 'note' | 'counts' | 'stalled'> {
  /**
   * Resolves when the broker has confirmed every message, and waits while it lets nobody publish.
   * Messages of one call at a time.
   *
   * @throws {@link Unsettled} with the points of those that the broker refuses, or that no queue takes,
   *   if that is an error; {@link Foreseen} where it has let nobody publish for long: with what to do.
   */
  publish(messages: readonly AmqpMessage[]): Promise<void>;
}

/** Bytes in a frame, either way: what RabbitMQ offers. */
const FRAME = 131_072;
/** Milliseconds that a broker has to end a connection in order. */
const LAST_WORDS = 1000;

/** amqplib keeps its socket to itself. */
function streamOf({ connection }: ChannelModel): Socket | undefined {
  const { stream } = connection as { readonly stream?: unknown };
  return stream instanceof Socket ? stream : undefined;
}

/** Ends a connection, whatever state it is in: amqplib has no word for this. */
function giveUp(model: ChannelModel, reason: Error): void {
  const stream = streamOf(model);
  if (stream === undefined || stream.destroyed) return;
  // A reset frees what the kernel holds for a broker that does not read; after an end there can be none.
  if ('encrypted' in stream || stream.writableEnded) stream.destroy();
  else stream.resetAndDestroy();
  // amqplib is told only now: it would end the stream before.
  stream.emit('error', reason);
}

/** Ends a connection that is of no more use, in order; and in any case, if that takes longer than a moment. */
function leave(model: ChannelModel, clock: Clock): Promise<void> {
  const stream = streamOf(model);
  if (stream === undefined || stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    const late = clock.after(LAST_WORDS, () => giveUp(model, new Error('it does not hang up')));
    stream.once('close', () => {
      late.cancel();
      resolve();
    });
    // It may have ended already: then only the socket has to go.
    model.close().catch(() => undefined);
  });
}

const refusal = (refused: number, all: number): string =>
  `it has refused ${refused} of ${all} messages. A queue that takes them is full and rejects more (its "overflow"), or cannot store them; its log says which`;

const nowhere = (key: string, exchange: string): string =>
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
  const model = await connect(broker, sockets)
    .catch((error: unknown) => Promise.reject(explained(error)))
    .finally(() => signal.removeEventListener('abort', abort));
  let leaving: Promise<void> | undefined;
  const leaveOnce = (): Promise<void> => {
    leaving ??= leave(model, clock);
    return leaving;
  };
  const stop = (): void => {
    // What ends in order, and soon, need not be torn away: the broker's log would say so each time.
    if (leaving === undefined) giveUp(model, new Error('given up'));
  };
  signal.addEventListener('abort', stop, { once: true });
  // A signal may outlive many connections.
  streamOf(model)?.once('close', () => signal.removeEventListener('abort', stop));
  model.on('error', () => {
    // Told by whoever waits.
  });
  if (signal.aborted) stop();
  try {
    const channel = await model.createConfirmChannel();
    const publisher = new Publisher(model, channel, clock, unroutableWaits);
    const ended = publisher.lost.then((error) => {
      // Where the broker has closed the channel only, the connection would live on for nobody.
      void leaveOnce();
      return explained(error);
    });
    await Promise.race([declare(channel, exchange), ended.then((error) => Promise.reject(error))]);
    return {
      ended,
      async publish(messages) {
        const { refused, unrouted } = await publisher
          .publish(messages, exchange.name)
          .catch((error: unknown) => Promise.reject(explained(error)));
        const left = [...refused, ...unrouted];
        if (left.length === 0) return;
        const what =
          refused.length > 0
            ? refusal(refused.length, messages.length)
            : `${nowhere(left[0]?.routingKey ?? '', exchange.name)}. Bind one, or set unroutable to count`;
        throw new Unsettled(said(new Foreseen(what)).message, {
          points: left.flatMap(({ points }) => points),
        });
      },
      get note() {
        if (publisher.unroutable === 0) return undefined;
        return `${nowhere(publisher.unroutableKey, exchange.name)}: it is lost, and counted`;
      },
      get counts() {
        return { unroutable: publisher.unroutable };
      },
      get stalled() {
        return publisher.stalled;
      },
      // Everything is confirmed by now: there is nothing to wait for but the end.
      close: leaveOnce,
    };
  } catch (error) {
    void leaveOnce();
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
