import { connect, type Socket } from 'node:net';
import { type Endpoint, spoken } from './endpoint.ts';
import { tunnel, type WebProxy } from './proxy.ts';
import { lookup } from './resolve.ts';
import { failed, type Stream } from './stream.ts';
import { prepareTls, type Secure } from './tls.ts';
import type { TlsOptions } from './tls-options.ts';
import { explain } from './tls-trouble.ts';

/** A peer over TCP or TLS. */
export interface TcpOptions extends Pick<Endpoint, 'host' | 'port'> {
  /** Seconds of silence after which the kernel probes whether the peer is still there. */
  readonly keepalive: number;
  readonly tls?: TlsOptions | undefined;
  /** Leads to the peer; with TLS it sees nothing of what is sent, without it nobody asks it to lead. */
  readonly proxy?: WebProxy | undefined;
  /** What the peer is called in errors: `Carbon`. */
  readonly peer: string;
  /** Takes what the peer sends; what it throws ends the connection. Absent, the peer sends nothing. */
  readonly received?: ((bytes: Buffer) => void) | undefined;
}

/** Milliseconds for each address of a name, except the last, which has all the time that is left. */
const PER_ADDRESS = 2000;
/** Milliseconds in which a peer's end is seen that came before ours, at least; or for as long as it took to connect. */
const CROSSING = { least: 20, most: 1000 };
/** Bytes a peer may send on one connection: a peer of ours sends none, a wrong one may greet. */
const MOST_READ = 65_536;

/**
 * Ends a connection, and a write that is stuck in it. A reset frees what the kernel holds for a peer
 * that does not read, up to megabytes for minutes; after an orderly end the kernel delivers it.
 */
function giveUp(socket: Socket, orderly: boolean): void {
  if (socket.connecting || orderly) socket.destroy();
  else socket.resetAndDestroy();
}

const connected = (socket: Socket, where: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(failed(where, error)));
    socket.once('close', () => reject(failed(where, 'closed while connecting')));
  });

/** Drops what a peer sends that has nothing to say; it is read all the same, so that its end is seen. */
function nothing(peer: string): (bytes: Buffer) => void {
  let read = 0;
  return (bytes) => {
    read += bytes.length;
    if (read > MOST_READ) {
      throw new Error(`it sent ${read} bytes, and ${peer} sends none: is this its port?`);
    }
  };
}

/** Settles with what ended the connection. */
export function ending(
  socket: Socket,
  { peer, received = nothing(peer) }: Pick<TcpOptions, 'peer' | 'received'>,
  said: (error: unknown) => Error,
): Promise<Error> {
  socket.on('data', (bytes) => {
    try {
      received(bytes);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return new Promise((resolve) => {
    socket.once('error', (error) => resolve(said(error)));
    // Our peers have no half-open connections: after its end nobody reads, and a stuck write is over.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => resolve(said(`${peer} closed the connection`)));
  });
}

/** A socket that is connected, and whatever goes wrong with it in words that say where. */
export interface Dialled {
  readonly socket: Socket;
  readonly said: (error: unknown) => Error;
}

/**
 * Connects, to the first address of a name that answers.
 *
 * @param signal gives the connection up, at whatever stage it is.
 * @throws an error that says where, and with TLS what is wrong with which certificate and what to do.
 */
export async function dial(
  options: Omit<TcpOptions, 'received'>,
  signal: AbortSignal,
): Promise<Dialled> {
  const { host, keepalive, tls, proxy } = options;
  const next = proxy ?? options;
  const where = spoken(options);
  const secured = tls && { host, where, tls };
  const said = (error: unknown): Error => failed(where, secured ? explain(error, secured) : error);
  let secure: Secure | undefined;
  try {
    secure = secured && (await prepareTls(secured));
  } catch (error) {
    throw said(error);
  }
  signal.throwIfAborted();
  const plain = connect({
    host: next.host,
    port: next.port,
    lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepalive * 1000,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: PER_ADDRESS,
  });
  let socket = plain;
  const abort = (): void => giveUp(plain, socket.writableEnded);
  signal.addEventListener('abort', abort, { once: true });
  // A signal may outlive many sockets.
  plain.once('close', () => signal.removeEventListener('abort', abort));
  const onTheWay = proxy === undefined ? where : `${where}, by the proxy ${spoken(proxy)}`;
  await connected(plain, onTheWay);
  if (secure !== undefined) {
    try {
      if (proxy !== undefined) await tunnel(plain, proxy, options);
    } catch (error) {
      plain.destroy();
      throw failed(onTheWay, error);
    }
    try {
      socket = await secure(plain);
    } catch (error) {
      plain.destroy();
      throw said(error);
    }
  }
  return { socket, said };
}

/** See {@link Stream.write}. */
export const written = (
  socket: Socket,
  bytes: string | readonly Buffer[],
  said: (error: unknown) => Error,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const taken = (error?: Error | null) => (error ? reject(said(error)) : resolve());
    if (typeof bytes === 'string') socket.write(bytes, taken);
    else socket.write(bytes.length === 1 ? (bytes[0] as Buffer) : Buffer.concat(bytes), taken);
  });

/** Ends a connection in order; one that is gone already never says that it has ended. */
export const endOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', resolve).end(resolve);
  });

/**
 * See {@link Stream.finish}. Once its end has been read a socket says nothing of a reset that follows: so the
 * end of a peer that hung up without reading must have come by the time that ours is sent.
 *
 * @param crossing milliseconds that it may have been under way.
 */
async function finish(socket: Socket, ended: Promise<Error>, crossing: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const crossed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, crossing);
  });
  const early = await Promise.race([ended, crossed]);
  clearTimeout(timer);
  if (early !== undefined) throw early;
  const read = new Promise<void>((resolve) => socket.once('end', resolve));
  socket.end();
  const broken = await Promise.race([read, ended]);
  if (broken !== undefined) throw broken;
}

/** {@link dial}, as a stream. */
export async function openTcp(options: TcpOptions, signal: AbortSignal): Promise<Stream> {
  const began = process.uptime();
  const { socket, said } = await dial(options, signal);
  // Not `performance`, which Node would load for it.
  const took = (process.uptime() - began) * 1000;
  const ended = ending(socket, options, said);
  return {
    finish: () => finish(socket, ended, Math.min(Math.max(took, CROSSING.least), CROSSING.most)),
    ended,
    write: (bytes) => written(socket, bytes, said),
    close: () => endOf(socket),
  };
}
