/**
 * Publishes or pushes points over ZeroMQ, one message each.
 *
 * Format    ZMTP 3.1 over TCP (src/wire/zmtp.ts), without security or with PLAIN. A message is
 *           `path value time`, as Diamond sends it, or two parts: the path, and a JSON object.
 * Delivery  ZeroMQ never acknowledges. pub: a batch is delivered when it is published, to whoever is
 *           subscribed and keeps up, which may be nobody. push: when the kernel has it for one of the
 *           peers; what a broken connection had in flight is lost.
 */
import { bindZeroMq, connectZeroMq, type ZeroMqMessage } from 'cullinan/net';
import { defineHandler, type Point, port, z } from 'cullinan/plugin';
import { encodeJson, encodeText } from 'cullinan/wire/lines';
import { zmtpMessage } from 'cullinan/wire/zmtp';

const word = z.string().refine((text) => Buffer.byteLength(text) <= 255, {
  error: 'must be at most 255 bytes',
});

const options = z
  .strictObject({
    socket: z
      .enum(['pub', 'push'])
      .default('pub')
      .describe('pub: to all who are subscribed; push: to one of those who pull.'),
    mode: z
      .enum(['connect', 'bind'])
      .default('connect')
      .describe('connect: to a peer that listens; bind: listen, for any number of peers.'),
    host: z
      .string()
      .min(1)
      .default('localhost')
      .describe('The peer, or the address to listen on; "::" is every address of this host.'),
    port: port.default(5555).describe('Its port.'),
    payload: z
      .enum(['plain', 'json'])
      .default('plain')
      .describe('plain: "path value time"; json: two parts, the path and an object.'),
    username: word.optional().meta({
      description: 'For PLAIN security, the name to log in with; with mode: bind, the one to want.',
    }),
    password: word
      .optional()
      .meta({ description: 'Its password; best kept in a file or a credential.' }),
    highWaterMark: z
      .int()
      .min(1)
      .default(1000)
      .describe('With pub, a subscriber that is so many messages behind misses the next batch.'),
    connections: z
      .int()
      .min(1)
      .max(1000)
      .default(64)
      .describe('With mode: bind, peers at a time, at most.'),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    error: 'must have both "username" and "password", or neither',
    path: ['username'],
  });

/** A point as a message, which a subscriber chooses by how its path begins. */
function message(point: Point, payload: 'plain' | 'json'): ZeroMqMessage {
  const topic = point.name.path;
  const bytes =
    payload === 'plain'
      ? zmtpMessage(Buffer.from(encodeText(point, 'path').trimEnd()))
      : zmtpMessage(Buffer.from(topic), Buffer.from(encodeJson(point).trimEnd()));
  return { topic, bytes };
}

export default defineHandler({
  name: 'zeromq',
  summary: 'Publishes or pushes points over ZeroMQ.',
  options,
  dialect: 'diamond',
  counters: 'rates', // Who subscribes sees one message at a time: a total would say nothing.
  idempotent: false,
  acknowledged: false,
  open({ options: given, signal, clock }) {
    const { mode, socket, payload, username, password } = given;
    const open = mode === 'bind' ? bindZeroMq : connectZeroMq;
    return open(
      {
        ...given,
        type: socket === 'pub' ? 'PUB' : 'PUSH',
        server: mode === 'bind',
        login:
          username === undefined || password === undefined ? undefined : { username, password },
        encode: (batch) => batch.map((point) => message(point, payload)),
      },
      { clock, signal },
    );
  },
});
