import { connect, type Socket } from 'node:net';
import type { Stream } from './stream.ts';
import { failed } from './stream.ts';
import { ending, endOf, written } from './tcp.ts';

/** A peer behind a socket in the file system. */
export interface UnixOptions {
  /** Where the peer listens in the filesystem. */
  readonly path: string;
  /** What the peer is called in errors: `libvirt`. */
  readonly peer: string;
  /** Takes what the peer sends, and keeps none of the memory; what it throws ends the connection. */
  readonly received: (bytes: Buffer) => void;
}

const READ_AT_ONCE = 65_536;

/**
 * Connects to a socket in the filesystem.
 *
 * @param signal gives the connection up, at whatever stage it is.
 * @throws an error that says where, with the code of the system call that failed.
 */
export async function openUnix(options: UnixOptions, signal: AbortSignal): Promise<Stream> {
  const { path, received } = options;
  signal.throwIfAborted();
  const socket: Socket = connect({
    path,
    // One piece of memory for all that is read, in place of a new one for each time.
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_AT_ONCE),
      callback(length, buffer) {
        try {
          received(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        } catch (error) {
          socket.destroy(error instanceof Error ? error : new Error(String(error)));
        }
        return true;
      },
    },
  });
  const said = (error: unknown): Error => failed(path, error);
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  // A signal may outlive many sockets.
  socket.once('close', () => signal.removeEventListener('abort', abort));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(said(error)));
    socket.once('close', () => reject(said('closed while connecting')));
  });
  return {
    ended: ending(socket, options, said),
    write: (bytes) => written(socket, bytes, said),
    close: () => endOf(socket),
  };
}
