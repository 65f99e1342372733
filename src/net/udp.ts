import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { codeOf, Foreseen, Unsendable } from '../plugin/index.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { interfaceOf, isMulticast, scoped } from './interface.ts';
import { resolve as addressesOf } from './resolve.ts';
import { failed, type Stream } from './stream.ts';

/** A peer over UDP. */
export interface UdpOptions extends Pick<Endpoint, 'host' | 'port'> {
  /** The address that it sends from; the kernel's choice if absent. */
  readonly bind?: string | undefined;
  /** Where `host` is a multicast group: how many routers datagrams pass, 1 being this network alone. */
  readonly ttl?: number | undefined;
  /** Where `host` is a multicast group: the interface, by name or address; by the routes if absent. */
  readonly interface?: string | undefined;
  /** Is handed what the peer sends back. */
  readonly received?: ((bytes: Buffer) => void) | undefined;
}

/** Bytes in one datagram over IPv4: 65,535 without the headers of IP and UDP. */
const LONGEST = 65_507;

type Socket = SocketAsPromised['socket'];

/** Resolves when the socket has done it; rejects with its error. */
function done(socket: Socket, what: (over: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    what((error) => {
      socket.off('error', reject);
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
}

/** Says how a group is sent to. Only a bound socket takes it, and before it is connected. */
async function prepare(socket: Socket, family: 4 | 6, group: boolean, options: UdpOptions) {
  const { bind, ttl, interface: said } = options;
  if (bind === undefined && !group) return;
  await done(socket, (over) => socket.bind({ port: 0, ...(bind && { address: bind }) }, over));
  if (!group) return;
  if (ttl !== undefined) socket.setMulticastTTL(ttl);
  if (said !== undefined) socket.setMulticastInterface(interfaceOf(said, family));
}

/** An error with what to do about it, where that is known. */
function explained(error: unknown, { host, bind }: UdpOptions, group: boolean): unknown {
  const code = codeOf(error);
  if (code === 'ENOTFOUND') {
    return new Foreseen(
      'no host of this name is known (ENOTFOUND). Check its spelling and the DNS',
    );
  }
  if (code === 'EADDRNOTAVAIL' && bind !== undefined) {
    return new Foreseen(`no interface of this host has the address ${bind} to send from`);
  }
  if (!group || (code !== 'ENETUNREACH' && code !== 'EHOSTUNREACH')) return error;
  return new Foreseen(
    `no route leads to this multicast group (${code}). Say which interface it is on, ` +
      `or add a route: ip route add ${host} dev eth0`,
  );
}

/**
 * Sends datagrams to the first address of a name, or to a multicast group. Nothing acknowledges them.
 * The socket is connected, because only then the kernel passes on what a host without a listener answers
 * (ICMP port unreachable, as ECONNREFUSED): it ends the stream.
 */
export async function openUdp(options: UdpOptions, signal: AbortSignal): Promise<Stream> {
  const where = spoken(options);
  signal.throwIfAborted();
  let socket: SocketAsPromised | undefined;
  let group = false;
  try {
    const [first] = await addressesOf(options.host);
    if (first === undefined) throw new Error('the name has no address');
    signal.throwIfAborted();
    const family = first.family === 6 ? 6 : 4;
    group = isMulticast(first.address);
    const address = group ? scoped(first.address, options.interface, family) : first.address;
    socket = DgramAsPromised.createSocket(`udp${family}`);
    const raw = socket.socket;
    await prepare(raw, family, group, options);
    await done(raw, (over) => raw.connect(options.port, address, over));
  } catch (error) {
    socket?.socket.close();
    throw failed(where, explained(error, options, group));
  }
  const { received } = options;
  if (received !== undefined) socket.socket.on('message', received);
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await socket.close();
  };
  const ended = new Promise<Error>((resolve) => {
    socket.socket.on('error', (error) => {
      resolve(failed(where, error));
      void close();
    });
  });
  signal.addEventListener('abort', () => void close(), { once: true });
  return {
    ended,
    close,
    async write(bytes) {
      if (!open) throw failed(where, 'the socket is closed');
      const datagrams = typeof bytes === 'string' ? [Buffer.from(bytes)] : bytes;
      const longest = Math.max(...datagrams.map(({ length }) => length));
      if (longest > LONGEST) {
        throw new Unsendable(
          `${where}: a datagram of ${longest} bytes is longer than UDP allows (${LONGEST})`,
        );
      }
      try {
        // A connected socket wants to hear no address.
        for (const datagram of datagrams) await socket.send(datagram, 0, datagram.length, 0, '');
      } catch (error) {
        await close();
        throw failed(where, error);
      }
    },
  };
}
