/**
 * Sends events to Riemann, over TCP with an answer to each message, or over UDP without.
 *
 * Format    Riemann's protocol buffers (src/wire/riemann.ts): host, service, time, metric, ttl, tags,
 *           and the labels as attributes.
 * Delivery  Over TCP a batch is delivered when Riemann has said ok to every message of it. Sent twice, an
 *           event passes through its streams twice; the index keeps one. Over UDP nothing is answered.
 */
import { endpoint, openTcp, openUdp, type Stream, spoken, tls } from 'cullinan/net';
import { defineHandler, duration, type Point, port, size, Unsendable, z } from 'cullinan/plugin';
import { answerReader, encodeRiemann, frame, type RiemannAnswer } from 'cullinan/wire/riemann';

const options = z
  .strictObject({
    host: z.string().min(1).default('localhost').describe('Where Riemann listens.'),
    port: port.default(5555).describe('Its port.'),
    protocol: z.enum(['tcp', 'udp']).default('tcp').describe('How it is reached.'),
    message: size()
      .refine((bytes) => bytes >= 512 && bytes <= 1_048_576, {
        error: 'must be between 512B and 1MiB',
      })
      .prefault('16KiB')
      .describe('The most that one message holds: Riemann takes 16 KiB over UDP, 1 MiB over TCP.'),
    tls: tls().optional().describe('TLS, from what is given here; not over UDP.'),
    service: z
      .enum(['name', 'path'])
      .default('name')
      .describe(
        'name: the inner name and its labels, as host is a field of its own; path: the path.',
      ),
    ttl: duration().prefault('20s').describe('Time until an event counts as expired.'),
    // Every handler has an option called tags, which is about paths.
    eventTags: z.array(z.string().min(1)).default([]).describe("Riemann's tags of every event."),
  })
  .refine(({ protocol, tls }) => protocol === 'tcp' || tls === undefined, {
    error: 'must be left out: UDP has no TLS',
    path: ['tls'],
  });

/** `system.disk.io vda read`. */
const nameOf = ({ name: { series } }: Point): string =>
  [series.metric.name, ...series.metric.labels.map((label) => series.labels[label])]
    .filter((word) => word !== undefined && word !== '')
    .join(' ');

/** Waits for one answer after the other; an error is the answer to all that wait. */
class Answers {
  readonly #waiting: ((answer: RiemannAnswer | Error) => void)[] = [];

  next(): Promise<RiemannAnswer | Error> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(answer: RiemannAnswer): void {
    this.#waiting.shift()?.(answer);
  }

  end(error: Error): void {
    for (const answer of this.#waiting.splice(0)) answer(error);
  }
}

/** Sends messages and waits until Riemann has taken them all. */
async function exchange(stream: Stream, answers: Answers, messages: Buffer[]): Promise<void> {
  const awaited = messages.map(() => answers.next());
  await stream.write(messages.map(frame));
  for (const answer of await Promise.all(awaited)) {
    if (answer instanceof Error) throw answer;
    if (!answer.ok) throw new Unsendable(`Riemann refuses it: ${answer.error}`);
  }
}

export default defineHandler({
  name: 'riemann',
  summary: 'Sends events to Riemann.',
  options,
  dialect: 'otel',
  counters: 'rates', // Its streams compare a metric with a threshold: a total says nothing there.
  idempotent: false,
  acknowledged: true,
  async open({ options: given, signal }) {
    const { protocol, tls, message, ttl, eventTags: tags } = given;
    const at = endpoint(given.host, given.port) ?? { host: given.host, port: given.port };
    const service = given.service === 'name' ? nameOf : ({ name }: Point) => name.path;
    const encode = (batch: readonly Point[]) =>
      encodeRiemann(batch, { ttl, tags, service }, message);
    if (protocol === 'udp') {
      const stream = await openUdp(at, signal);
      const { ended, close } = stream;
      return { ended, close, write: (batch) => stream.write(encode(batch)) };
    }
    const answers = new Answers();
    const received = answerReader((answer) => answers.give(answer));
    const stream = await openTcp({ ...at, keepalive: 60, tls, peer: 'Riemann', received }, signal);
    stream.ended.then((error) => answers.end(error));
    signal.addEventListener('abort', () => answers.end(new Error(`${spoken(at)}: given up`)), {
      once: true,
    });
    const { ended, close } = stream;
    return { ended, close, write: (batch) => exchange(stream, answers, encode(batch)) };
  },
});
