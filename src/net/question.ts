import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { codeOf, Foreseen, NoData, Unresponsive } from '../plugin/index.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { resolve } from './resolve.ts';

/** A peer that answers datagrams with datagrams. */
export interface Questions {
  /**
   * Sends a question, and waits for its answer; one at a time.
   *
   * @param take makes of each datagram that comes the answer, or nothing while that is not whole; what it
   *   throws is what went wrong.
   */
  ask<T>(question: Buffer, take: (datagram: Buffer) => T | undefined): Promise<T>;
  close(): void;
}

/**
 * A socket over which a peer is asked, and hears nobody else.
 *
 * @param signal gives up what is asked.
 * @throws {@link NoData} where nobody listens, {@link Unresponsive} once `signal` is aborted, {@link Foreseen} for
 *   a name that there is not.
 */
export async function openQuestions(
  peer: Pick<Endpoint, 'host' | 'port'>,
  signal: AbortSignal,
): Promise<Questions> {
  const where = spoken(peer);
  const late = () => new Unresponsive(`${where} did not answer in time`);
  if (signal.aborted) throw late();
  const [{ address } = { address: peer.host }] = await resolve(peer.host).catch(
    (error: unknown) => {
      throw explained(where, error);
    },
  );
  if (signal.aborted) throw late();
  const socket: Socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  let failed: ((error: Error) => void) | undefined;
  let taken: ((datagram: Buffer) => void) | undefined;
  const giveUp = () => failed?.(late());
  signal.addEventListener('abort', giveUp, { once: true });
  socket.on('message', (datagram) => taken?.(datagram));
  socket.on('error', (error) => failed?.(explained(where, error)));
  const close = (): void => {
    signal.removeEventListener('abort', giveUp);
    socket.close();
  };
  try {
    await new Promise<void>((connected, reject) => {
      failed = reject;
      socket.connect(peer.port, address, connected);
    });
  } catch (error) {
    close();
    throw error;
  }
  return {
    close,
    ask: (question, take) =>
      new Promise((answered, reject) => {
        failed = reject;
        if (signal.aborted) return giveUp();
        taken = (datagram) => {
          try {
            const answer = take(datagram);
            if (answer !== undefined) answered(answer);
          } catch (error) {
            reject(error);
          }
        };
        socket.send(question, (error) => {
          if (error !== null) reject(explained(where, error));
        });
      }),
  };
}

function explained(where: string, error: unknown): Error {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return new NoData(`${where}: nobody listens`);
  if (code === 'ENOTFOUND') return new Foreseen(`${where}: there is no such name`);
  const said = error instanceof Error ? error.message : String(error);
  return new Foreseen(`${where}: ${said}`, { cause: error });
}
