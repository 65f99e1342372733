import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { interfaceOf, isMulticast, spoken } from '../net/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';

export interface ChannelOptions {
  /** A multicast group to join, or an address of this host. */
  readonly host: string;
  readonly port: number;
  /** The interface on which a group is joined and spoken to, by name or address; else the kernel chooses. */
  readonly interface?: string | undefined;
  readonly ttl: number;
  /** Bytes that the kernel holds for us, at most; else as the kernel has it. */
  readonly buffer?: number | undefined;
}

/** Where a datagram came from. */
export type Origin = Pick<RemoteInfo, 'address' | 'port'>;

/** A socket that hears what hosts say. */
export interface Channel {
  /**
   * Speaks: to the group if it is one. Else to the sender of something, both to where it sent it from, as the agent
   * hears there, and to the channel's port, as gmond does.
   */
  send(bytes: Uint8Array, to: Origin): void;
  close(): void;
  /** Settles when it broke. */
  readonly ended: Promise<unknown>;
}

/**
 * Listens for datagrams.
 *
 * @throws {@link Foreseen} if it cannot be had, with what to do.
 */
export async function openChannel(
  options: ChannelOptions,
  take: (bytes: Uint8Array, from: Origin) => void,
): Promise<Channel> {
  const { host, port, ttl, buffer } = options;
  const group = isMulticast(host);
  const socket = createSocket({
    type: isIP(host) === 6 ? 'udp6' : 'udp4',
    // Of a group everybody gets a copy; of anything else, the last to come would get it all.
    reuseAddr: group,
    ...(buffer === undefined ? undefined : { recvBufferSize: buffer }),
  });
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    if (group) join(socket, options);
  } catch (error) {
    socket.close();
    throw new Foreseen(refusal(options, error), { cause: error });
  }
  if (group) socket.setMulticastTTL(ttl);
  socket.on('message', take);
  const ended = new Promise<unknown>((resolve) => socket.once('error', resolve));
  let open = true;
  return {
    ended,
    send(bytes, to) {
      const ports = group ? [port] : new Set([to.port, port]);
      // What cannot be sent is asked for again.
      for (const at of ports) if (open) socket.send(bytes, at, group ? host : to.address, () => {});
    },
    close() {
      if (open) socket.close();
      open = false;
    },
  };
}

function join(socket: Socket, { host, interface: said }: ChannelOptions): void {
  if (said === undefined) {
    socket.addMembership(host);
    return;
  }
  const own = interfaceOf(said, isIP(host) === 6 ? 6 : 4);
  socket.addMembership(host, own);
  socket.setMulticastInterface(own);
}

function refusal(options: ChannelOptions, error: unknown): string {
  const { host } = options;
  const where = spoken(options);
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `${where}: somebody listens there already. Stop gmond, or choose another port.`;
    case 'EADDRNOTAVAIL':
      return `${where}: this host has no such address. Listen on one that it has, or on 0.0.0.0.`;
    case 'ENODEV':
      return `${where}: no interface leads to the group ${host}. Name one with "interface", or add a route: ip route add 239.0.0.0/8 dev eth0.`;
    default:
      return `${where}: it cannot be listened to: ${error instanceof Error ? error.message : error}`;
  }
}
