import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { Unsendable } from '../plugin/index.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { resolve as addressesOf } from './resolve.ts';
import { failed, type Stream } from './stream.ts';

export type UdpOptions = Pick<Endpoint, 'host' | 'port'>;

/** Bytes in one datagram over IPv4: 65,535 without the headers of IP and UDP. */
const LONGEST = 65_507;

function connected({ socket }: SocketAsPromised, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, address, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

/**
 * Sends datagrams to the first address of a name. Nothing acknowledges them. The socket is
 * connected, because only then the kernel passes on what a host without a listener answers (ICMP port
 * unreachable, as ECONNREFUSED): it ends the stream.
 */
export async function openUdp(options: UdpOptions, signal: AbortSignal): Promise<Stream> {
  const where = spoken(options);
  signal.throwIfAborted();
  let socket: SocketAsPromised;
  try {
    const [first] = await addressesOf(options.host);
    if (first === undefined) throw new Error('the name has no address');
    signal.throwIfAborted();
    socket = DgramAsPromised.createSocket(first.family === 6 ? 'udp6' : 'udp4');
    await connected(socket, options.port, first.address);
  } catch (error) {
    throw failed(where, error);
  }
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
