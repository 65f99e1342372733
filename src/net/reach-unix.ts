import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AccessDenied, codeOf, NoData, Unresponsive } from '../plugin/index.ts';
import { failed } from './stream.ts';

/**
 * Connects to a socket in the filesystem, which may not be there.
 *
 * @returns what whoever asked for it destroys.
 * @throws {@link NoData} where there is none, or nobody listens; {@link AccessDenied}; {@link Unresponsive} once
 *   `signal` is aborted.
 */
export async function reachUnix(path: string, signal: AbortSignal): Promise<Socket> {
  // Whoever waits hears of it; an error that nobody waits for ends the agent.
  const socket = connect(path).on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw new Unresponsive(`${path} did not answer in time`);
    const code = codeOf(error);
    if (code === 'ENOENT') throw new NoData(`${path} does not exist here`);
    if (code === 'ECONNREFUSED') throw new NoData(`${path}: nobody listens`);
    if (code === 'EACCES') throw new AccessDenied(`${path}: permission denied`);
    throw failed(path, error);
  }
}
