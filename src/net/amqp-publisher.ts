import { isDeepStrictEqual } from 'node:util';
import type { ChannelModel, ConfirmChannel, Message, Options } from 'amqplib';
import type { Clock } from '../clock/index.ts';
import { type Batch, Foreseen } from '../plugin/index.ts';

/** One message, ready to be published. */
export interface AmqpMessage {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  /** What is in it. */
  readonly points: Batch;
}

/** What was published and is not there. */
export interface Remainder {
  /** What the broker would not take (nack). */
  readonly refused: readonly AmqpMessage[];
  /** What no queue takes. */
  readonly unrouted: readonly AmqpMessage[];
}

/**
 * Milliseconds that a broker may let those wait that it has blocked. Then the connection is given up,
 * so that people hear of it; the points go on waiting.
 */
const PATIENCE = 10_000;

/** What amqplib says of a message that the broker has refused, and of nothing else. */
const NACKED = 'message nacked';

/** A channel on which the broker confirms each message. */
export class Publisher {
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
  /** What came back of those that are being published. */
  #returned: Message[] = [];
  #over = false;

  /** @param tells whether {@link Remainder.unrouted} is wanted: only then is it known. */
  constructor(model: ChannelModel, channel: ConfirmChannel, clock: Clock, tells: boolean) {
    this.#channel = channel;
    this.#clock = clock;
    this.lost = new Promise((resolve) => {
      const over = (error?: Error) => resolve(error ?? new Error('it closed the connection'));
      for (const it of [channel, model]) it.on('error', over).on('close', over);
    });
    void this.lost.then((error) => {
      this.#over = true;
      this.#impatience?.cancel();
      this.#reject(error);
    });
    channel.on('return', (message: Message) => {
      if (this.unroutable === 0) this.unroutableKey = message.fields.routingKey;
      this.unroutable += 1;
      if (tells) this.#returned.push(message);
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

  /** Why nobody may publish, while that is so. */
  get stalled(): string | undefined {
    if (this.#blocked === undefined) return undefined;
    return `it lets nobody publish: ${this.#blocked}. ${RELIEF}`;
  }

  /** Resolves when the broker has confirmed or refused every message, once it lets us publish. */
  async publish(messages: readonly AmqpMessage[], exchange: string): Promise<Remainder> {
    if (this.#over) throw await this.lost;
    try {
      if (this.#blocked !== undefined) await this.#unblocked();
      const refused = await this.#settled(messages, exchange);
      return { refused, unrouted: unrouted(messages, this.#returned) };
    } finally {
      this.#returned = [];
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

  #settled(messages: readonly AmqpMessage[], exchange: string): Promise<readonly AmqpMessage[]> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      let left = messages.length;
      const refused: AmqpMessage[] = [];
      if (left === 0) resolve(refused);
      for (const message of messages) {
        const { routingKey, content, properties } = message;
        this.#channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
          // It has ended, and says why afterwards.
          if (error instanceof Error && error.message !== NACKED) return;
          if (error instanceof Error) refused.push(message);
          left -= 1;
          if (left === 0) resolve(refused);
        });
      }
    });
  }

  #waitPatiently(): void {
    this.#impatience?.cancel();
    this.#impatience = this.#clock.after(PATIENCE, () => {
      const error = new Foreseen(
        `it has let nobody publish for ${PATIENCE / 1000} s: ${this.#blocked}. ${RELIEF}`,
      );
      this.#reject(error);
    });
  }
}

const RELIEF =
  'Free some of it there, or have what its queues hold consumed (rabbitmqctl list_queues).';

/** Which messages have come back: they do so in the order in which they were published, and as they were. */
function unrouted(
  messages: readonly AmqpMessage[],
  returned: readonly Message[],
): readonly AmqpMessage[] {
  const found: AmqpMessage[] = [];
  let at = 0;
  for (const message of messages) {
    const back = returned[at];
    if (back === undefined) break;
    if (!same(message, back)) continue;
    found.push(message);
    at += 1;
  }
  // Better once more than never.
  return at === returned.length ? found : messages;
}

const same = (sent: AmqpMessage, back: Message): boolean =>
  sent.routingKey === back.fields.routingKey &&
  sent.content.equals(back.content) &&
  isDeepStrictEqual({ ...sent.properties.headers }, { ...back.properties.headers });
