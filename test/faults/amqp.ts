import { decodeLine } from 'cullinan/wire/graphite';
import { RabbitMq } from '../support/rabbitmq.ts';
import { type Arrival, COMMON, type FaultPeer, type Subject } from './subject.ts';

/** A queue that outlives its broker, behind an exchange of its own. */
class Queue {
  readonly broker: RabbitMq;
  readonly name: string;
  readonly #arrived: Arrival[] = [];

  static async on(broker: RabbitMq, name: string): Promise<Queue> {
    const model = await broker.connect();
    const channel = await model.createChannel();
    await channel.assertExchange(name, 'topic', { durable: true });
    await channel.assertQueue(name, { durable: true });
    await channel.bindQueue(name, name, '#');
    await model.close();
    return new Queue(broker, name);
  }

  private constructor(broker: RabbitMq, name: string) {
    this.broker = broker;
    this.name = name;
  }

  async received(): Promise<readonly Arrival[]> {
    for (const body of await this.broker.drain(this.name)) {
      const lines = body.toString('utf8').trimEnd().split('\n');
      this.#arrived.push(...lines.map(decodeLine));
    }
    return this.#arrived;
  }
}

let shared: Promise<RabbitMq> | undefined;
let queues = 0;

/** A RabbitMQ, which takes seconds to start: tests that do not kill it have one in common. */
export const amqp: Subject = {
  name: 'amqp',
  needs: 'rabbitmq',
  tls: true,
  repeats: true,
  async start(alone): Promise<FaultPeer> {
    if (!alone) shared ??= RabbitMq.start();
    const broker = await (alone ? RabbitMq.start() : (shared as Promise<RabbitMq>));
    queues += 1;
    const queue = await Queue.on(broker, `faults${queues}`);
    return {
      port: broker.port,
      handler: ({ host, port, ca }, more) =>
        `{ type: amqp, host: ${host}, port: ${port}, exchange: { name: ${queue.name} }, samples: 50, ${COMMON}${
          ca === undefined ? '' : `, tls: { ca: ${ca} }`
        }${more} }`,
      received: () => queue.received(),
      async restart() {
        await broker.kill('SIGKILL');
        await broker.start();
      },
      async [Symbol.asyncDispose]() {
        if (alone) await broker[Symbol.asyncDispose]();
      },
    };
  },
  async end() {
    await (await shared)?.[Symbol.asyncDispose]();
  },
};
