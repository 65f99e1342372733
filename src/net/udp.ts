import { createSocket, type Socket } from 'node:dgram';
import { Unsendable } from '../plugin/index.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { resolve as addressesOf } from './resolve.ts';
import { failed, type Stream } from './stream.ts';

export type UdpOptions = Pick<Endpoint, 'host' | 'port'>;

/** Bytes in one datagram over IPv4: 65,535 without the headers of IP and UDP. */
const LONGEST = 65_507;

function connected(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, address, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

const send = (socket: Socket, datagram: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.send(datagram, (error) => (error ? reject(error) : resolve()));
  });

/**
 * Sends datagrams to the first address of a name. Nothing acknowledges them. The socket is
 * connected, because only then the kernel passes on what a host without a listener answers (ICMP port
 * unreachable, as ECONNREFUSED): it ends the stream.
 */
export async function openUdp(options: UdpOptions, signal: AbortSignal): Promise<Stream> {
  const where = spoken(options);
  signal.throwIfAborted();
  let socket: Socket;
  try {
    const [first] = await addressesOf(options.host);
    if (first === undefined) throw new Error('the name has no address');
    signal.throwIfAborted();
    socket = createSocket(first.family === 6 ? 'udp6' : 'udp4');
    await connected(socket, options.port, first.address);
  } catch (error) {
    throw failed(where, error);
  }
  let open = true;
  const close = (): Promise<void> => {
    if (!open) return Promise.resolve();
    open = false;
    return new Promise((resolve) => socket.close(resolve));
  };
  const ended = new Promise<Error>((resolve) => {
    socket.on('error', (error) => {
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
        for (const datagram of datagrams) await send(socket, datagram);
      } catch (error) {
        await close();
        throw failed(where, error);
      }
    },
  };
}
