import { AccessDenied, Foreseen } from '../plugin/index.ts';
import { encodeFrame, FrameReader, type StompFrame } from '../wire/stomp.ts';
import { exchange } from './exchange.ts';
import type { ReachOptions } from './reach.ts';

/** A broker, and who asks it. */
export interface StompOptions extends ReachOptions {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** What the broker is to make of its answers, in its own words: `jms-map-json`. */
  readonly transformation?: string | undefined;
  /** Bytes of all answers, at most. */
  readonly most: number;
}

/** Milliseconds after which a broker forgets a question that nobody has taken. */
const FORGOTTEN = 60_000;
/** Of this connection alone, and gone with it. */
const REPLIES = '/temp-queue/cullinan';

/**
 * Sends empty messages that ask for replies, over a connection of its own, and waits for the reply to the last
 * one: brokers answer one after the other.
 *
 * @param destinations such as `/queue/ActiveMQ.Statistics.Broker`, the last one with one reply.
 * @returns all replies, in their order.
 * @throws what {@link exchange} throws; {@link AccessDenied} if it lets nobody in under that name;
 *   {@link Foreseen} with what else it says.
 */
export async function askStomp(
  options: StompOptions,
  destinations: readonly string[],
  signal: AbortSignal,
): Promise<readonly StompFrame[]> {
  const { username, password = '', transformation, most } = options;
  const login = username === undefined ? {} : { login: username, passcode: password };
  const wanted = transformation === undefined ? {} : { transformation };
  const expires = `${Date.now() + FORGOTTEN}`;
  const frames = [
    encodeFrame('CONNECT', { 'accept-version': '1.2', host: options.host, ...login }),
    encodeFrame('SUBSCRIBE', { id: '0', destination: REPLIES, ...wanted }),
    ...destinations.map((destination, i) =>
      encodeFrame('SEND', {
        ...{ destination, 'reply-to': REPLIES, expires },
        'correlation-id': `${destinations.length - i - 1}`,
      }),
    ),
  ];
  const reader = new FrameReader();
  const replies: StompFrame[] = [];
  let bytes = 0;
  const take = (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > most) throw new SyntaxError(`more than ${most} bytes`);
    for (const frame of reader.push(piece)) {
      if (frame.command === 'ERROR') throw refusal(frame);
      if (frame.command !== 'MESSAGE') continue;
      replies.push(frame);
      if (frame.headers.get('correlation-id') === '0') return replies;
    }
    return undefined;
  };
  // A broker complains of connections that just end.
  const farewell = encodeFrame('DISCONNECT');
  const asked = { question: frames.join(''), protocol: 'STOMP', take, farewell };
  return await exchange(options, asked, signal);
}

function refusal({ headers, body }: StompFrame): Foreseen {
  const said = (headers.get('message') ?? body).slice(0, 200);
  return /password|authori[sz]ed|authenticat|denied/i.test(said)
    ? new AccessDenied(`${said} Check "username" and "password".`)
    : new Foreseen(said);
}
