import type { Socket } from 'node:net';
import { codeOf, Foreseen, ParseError, Unresponsive } from '../plugin/index.ts';
import { spoken } from './endpoint.ts';
import { type ReachOptions, reach } from './reach.ts';
import { reachUnix } from './reach-unix.ts';
import { failed } from './stream.ts';

/** Whom to ask: at a host and a port, or at a socket in the filesystem. */
export interface ExchangePeer extends ReachOptions {
  /** The path of the socket, in place of host and port. */
  readonly socket?: string | undefined;
}

/** What is asked, and what an answer is. */
export interface Exchange<T> {
  readonly question: string;
  /** What is spoken, for the error where something else is: `STOMP`. */
  readonly protocol: string;
  /**
   * Makes of each piece that comes the answer, or nothing while that is not whole. What it throws is what went wrong:
   * a SyntaxError says that it is another protocol.
   */
  readonly take: (piece: Buffer) => T | undefined;
  /** What is said before the connection is ended. */
  readonly farewell?: string;
}

/**
 * Asks over a connection of its own, and waits until the answer is whole. Every error says where. A server whose
 * certificate is not trusted is told nothing.
 *
 * @throws what {@link reach} or {@link reachUnix} throws; {@link ParseError} if it speaks another protocol,
 *   {@link Unresponsive} once `signal` is aborted; {@link Foreseen}.
 */
export async function exchange<T>(
  peer: ExchangePeer,
  asked: Exchange<T>,
  signal: AbortSignal,
): Promise<T> {
  const where = peer.socket ?? spoken(peer);
  const socket = await connected(peer, signal);
  try {
    return await answered(socket, asked, signal);
  } catch (error) {
    if (signal.aborted) throw new Unresponsive(`${where} did not answer in time`);
    if (error instanceof SyntaxError) {
      throw new ParseError(`${where}: it sent ${error.message}. Is this ${asked.protocol}?`);
    }
    if (codeOf(error) !== undefined) throw failed(where, error);
    if (error instanceof Foreseen) error.message = `${where}: ${error.message}`;
    throw error;
  } finally {
    socket.end(asked.farewell ?? '');
    socket.destroySoon();
  }
}

async function connected(peer: ExchangePeer, signal: AbortSignal): Promise<Socket> {
  if (peer.socket !== undefined) return await reachUnix(peer.socket, signal);
  const { socket, certificate } = await reach(peer, signal);
  if (certificate?.trouble === undefined) return socket;
  socket.destroy();
  throw new Foreseen(`${spoken(peer)}: ${certificate.trouble.message}`);
}

function answered<T>(
  socket: Socket,
  { question, take }: Exchange<T>,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => void socket.destroy();
    signal.addEventListener('abort', late, { once: true });
    socket.on('error', reject);
    socket.on('close', () => {
      signal.removeEventListener('abort', late);
      reject(new Foreseen('it ended the connection'));
    });
    socket.on('data', (piece: Buffer) => {
      try {
        const answer = take(piece);
        if (answer !== undefined) resolve(answer);
      } catch (error) {
        reject(error);
      }
    });
    if (signal.aborted) late();
    else socket.write(question);
  });
}
