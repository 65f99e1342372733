/**
 * Sends points to a Carbon listener over TCP.
 *
 * Format    Carbon plaintext, one `path value time` line per point (src/wire/graphite.ts).
 * Delivery  Carbon never acknowledges: a batch is delivered when the kernel has taken it. A point
 *           sent twice is one point (same path and time overwrite), so the agent resends what it
 *           delivered shortly before a connection broke. A Carbon host that loses its power goes
 *           unnoticed until the kernel's send buffer is full or its retransmissions give up; what
 *           was delivered longer ago than the resend window is then lost.
 */
import { promises as dns, type LookupAddress } from 'node:dns';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { defineHandler, duration, port, z } from 'cullinan/plugin';
import { encodeLines } from 'cullinan/wire/graphite';

const options = z.strictObject({
  host: z.string().min(1).default('localhost').describe('Name or address of the Carbon listener.'),
  port: port.default(2003).describe('Its plaintext port.'),
  keepalive: duration({ least: '1s' })
    .prefault('60s')
    .describe('Idle time after which the kernel probes whether Carbon is still there.'),
});

/** Milliseconds for each address of a name, except the last, which has all the time that is left. */
const PER_ADDRESS = 2000;
/** Bytes a peer may send on one connection: Carbon sends none, a wrong peer may greet. */
const MOST_READ = 65_536;

const lookups = new Map<string, Promise<readonly LookupAddress[]>>();

/**
 * Resolves a name, anew unless a lookup of it is still under way. getaddrinfo(3) cannot be aborted
 * and holds one of the few threads that all file access shares: whoever gave up waiting for a slow
 * resolver and tries again waits for the same lookup.
 */
const lookup: LookupFunction = (hostname, { family, hints }, callback) => {
  let pending = lookups.get(hostname);
  if (pending === undefined) {
    pending = dns
      .lookup(hostname, { all: true, order: 'verbatim', family: family ?? 0, hints: hints ?? 0 })
      .finally(() => lookups.delete(hostname));
    lookups.set(hostname, pending);
  }
  pending.then(
    (addresses) => callback(null, [...addresses]),
    (error: NodeJS.ErrnoException) => callback(error, []),
  );
};

/** An error of the connection that says where; an error per address comes without any message. */
function failed(where: string, error: unknown): Error {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const texts = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause)));
  const code = (error as NodeJS.ErrnoException).code ?? 'ECONNRESET';
  return Object.assign(new Error(`${where}: ${texts.join('; ')}`, { cause: error }), { code });
}

/**
 * Ends a connection, and a write that is stuck in it. A reset frees what the kernel holds for a peer
 * that does not read, up to megabytes for minutes; after an orderly end the kernel delivers it.
 */
function giveUp(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

const connected = (socket: Socket, where: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(failed(where, error)));
    socket.once('close', () => reject(failed(where, 'closed while connecting')));
  });

/** Settles with what ended the connection; the peer's own bytes are read, so that its end is seen, and dropped. */
function ending(socket: Socket, where: string): Promise<Error> {
  let read = 0;
  socket.on('data', (bytes) => {
    read += bytes.length;
    if (read > MOST_READ) {
      socket.destroy(new Error(`it sent ${read} bytes, and Carbon sends none: is this its port?`));
    }
  });
  return new Promise((resolve) => {
    socket.once('error', (error) => resolve(failed(where, error)));
    // Carbon has no half-open connections: after its end nobody reads, and a stuck write is over.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => resolve(failed(where, 'Carbon closed the connection')));
  });
}

export default defineHandler({
  name: 'graphite',
  summary: 'Sends points to a Carbon listener over TCP.',
  options,
  dialect: 'diamond',
  counters: 'rates', // Carbon stores points, not kinds: a raw counter would plot as a ramp.
  idempotent: true,
  acknowledged: false,
  async open({ options: { host, port, keepalive }, signal }) {
    const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    signal.throwIfAborted();
    const socket = connect({
      host,
      port,
      lookup,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepalive * 1000,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: PER_ADDRESS,
    });
    signal.addEventListener('abort', () => giveUp(socket), { once: true });
    await connected(socket, where);
    const ended = ending(socket, where);
    return {
      ended,
      write: (batch) =>
        new Promise((resolve, reject) => {
          socket.write(encodeLines(batch), (error) =>
            error ? reject(failed(where, error)) : resolve(),
          );
        }),
      close: () => new Promise((resolve) => socket.end(resolve)),
    };
  },
});
