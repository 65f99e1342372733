import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../clock/index.ts';
import { spoken } from '../net/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { type Access, gate, plainAddress } from './access.ts';

export interface XmlServerOptions extends Access {
  readonly host: string;
  readonly port: number;
  /** Clients at a time, at most. */
  readonly clients: number;
}

export interface XmlServerCounts {
  /** Pages that were taken whole. */
  readonly served: number;
  /** Clients that were not let in, or were too many. */
  readonly refused: number;
  /** Clients that did not take the page in time, or went away. */
  readonly broken: number;
}

export interface XmlServer {
  readonly counts: XmlServerCounts;
  /** Where it listens. */
  readonly port: number;
  close(): void;
  readonly ended: Promise<unknown>;
}

/** Milliseconds in which a client has to take the page. */
const PATIENCE = 30_000;

/**
 * Gives everybody who connects the page, and ends, as gmond does. A page is made while it is taken: a client that
 * reads nothing holds a piece of it, and that for a while.
 *
 * @throws {@link Foreseen} if it cannot listen there, with what to do.
 */
export async function serveXml(
  { host, port, clients, ...access }: XmlServerOptions,
  page: () => Iterable<string>,
  clock: Pick<Clock, 'after'>,
): Promise<XmlServer> {
  const counts = { served: 0, refused: 0, broken: 0 };
  const admits = gate(access);
  const open = new Set<Socket>();
  async function serve(client: Socket): Promise<void> {
    open.add(client);
    const deadline = clock.after(PATIENCE, () => client.destroy());
    client.once('close', () => {
      deadline.cancel();
      open.delete(client);
    });
    // What it says is not heard, but that it went is.
    client.resume();
    try {
      await pipeline(Readable.from(page(), { highWaterMark: 1 }), client);
      counts.served += 1;
    } catch {
      counts.broken += 1;
      client.destroy();
    }
  }
  // Who says that it will send nothing still gets its page.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    if (open.size < clients && admits(plainAddress(client.remoteAddress ?? ''))) {
      void serve(client);
      return;
    }
    counts.refused += 1;
    client.destroy();
  });
  const ended = new Promise<unknown>((resolve) => server.once('close', resolve));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Foreseen(refusal(spoken({ host, port }), error), { cause: error });
  }
  const address = server.address();
  return {
    counts,
    port: typeof address === 'object' && address !== null ? address.port : port,
    ended,
    close() {
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

function refusal(where: string, error: unknown): string {
  const code = codeOf(error);
  if (code === 'EADDRINUSE') {
    return `${where}: somebody serves there already. Stop gmond, or choose another port.`;
  }
  if (code === 'EADDRNOTAVAIL') {
    return `${where}: this host has no such address. Listen on one that it has, or on 0.0.0.0.`;
  }
  return `${where}: the XML cannot be served there: ${error instanceof Error ? error.message : error}`;
}
