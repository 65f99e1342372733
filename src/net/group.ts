import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { spoken } from './endpoint.ts';
import { interfaceOf, isMulticast, scoped } from './interface.ts';
import { failed } from './stream.ts';

/** A multicast group, and from where it is heard. */
export interface GroupOptions {
  /** The multicast group: an address. */
  readonly host: string;
  readonly port: number;
  /** The interface that it is on, by name or address; by the routes if absent. */
  readonly interface?: string | undefined;
  /** Is handed every datagram. */
  readonly received: (bytes: Buffer) => void;
}

/** Membership in a multicast group. */
export interface Membership {
  /** Settles with the reason when it ended without being told to. */
  readonly ended: Promise<Error>;
  close(): void;
}

/**
 * Listens to what is sent to a multicast group, at a port that others of this host may listen at as well.
 * It rejects with a sentence where that is no group, or none that this host can be a member of.
 */
export async function joinGroup(options: GroupOptions, signal: AbortSignal): Promise<Membership> {
  const { host, port, interface: said, received } = options;
  const where = spoken(options);
  signal.throwIfAborted();
  if (!isMulticast(host))
    throw new Foreseen(`${where}: ${host} is no address of a multicast group`);
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({ type: `udp${family}`, reuseAddr: true });
  let open = true;
  const close = (): void => {
    if (open) socket.close();
    open = false;
  };
  try {
    const address = scoped(host, said, family);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      // Bound to the group, it hears nothing that is sent to this host alone.
      socket.bind({ port, address }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    signal.throwIfAborted();
    if (said === undefined) socket.addMembership(host);
    else socket.addMembership(host, interfaceOf(said, family));
  } catch (error) {
    close();
    const code = codeOf(error);
    if (code === undefined || signal.aborted) throw failed(where, error);
    throw new Foreseen(
      `${where}: this host cannot listen to the multicast group (${code}). Say which interface it is ` +
        `on, or add a route: ip route add ${host} dev eth0`,
      { cause: error },
    );
  }
  signal.addEventListener('abort', close, { once: true });
  socket.on('message', received);
  const ended = new Promise<Error>((resolve) => {
    socket.on('error', (error) => {
      close();
      resolve(failed(where, error));
    });
  });
  return { ended, close };
}
