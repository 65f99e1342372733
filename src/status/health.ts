import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Condition } from './condition.ts';

/** Milliseconds for a request, from its first byte to its last. */
const PATIENCE = 5000;
/** Probes at a time; others are turned away by the kernel. */
const MOST = 32;
/** Bytes of the head of a request: a probe needs a hundred. */
const MOST_HEAD = 8192;

/** A listener for probes. */
export interface Probing {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Answers probes over HTTP: `GET /healthz` is 200 while ticks come, `GET /readyz` while besides every
 * handler delivers; otherwise 503. The body says why, one reason a line. Bodies are not read, connections
 * not kept.
 *
 * @throws the system's error, if it cannot listen there.
 */
export async function probe(
  { host, port }: { readonly host: string; readonly port: number },
  condition: () => Condition,
): Promise<Probing> {
  const server = createServer(
    {
      maxHeaderSize: MOST_HEAD,
      headersTimeout: PATIENCE,
      requestTimeout: PATIENCE,
      connectionsCheckingInterval: PATIENCE,
      keepAlive: false,
    },
    (request, response) => answer(request, response, condition),
  );
  server.maxConnections = MOST;
  // Also who never says a word, or never reads the answer.
  server.on('connection', (socket) => socket.setTimeout(PATIENCE, () => socket.destroy()));
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen(port, host);
  await once(server, 'listening');
  server.on('error', () => {
    // One connection that could not be accepted.
  });
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  condition: () => Condition,
): void {
  const [status, text] = said(method, url?.split('?')[0], condition);
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(method === 'HEAD' ? undefined : text);
}

function said(
  method: string | undefined,
  path: string | undefined,
  condition: () => Condition,
): readonly [status: number, text: string] {
  if (method !== 'GET' && method !== 'HEAD') return [405, 'GET and HEAD are answered\n'];
  if (path !== '/healthz' && path !== '/readyz') return [404, 'there are /healthz and /readyz\n'];
  const { alive, ready, reasons } = condition();
  if (path === '/healthz' ? alive : ready) return [200, 'ok\n'];
  const why = path === '/healthz' ? reasons.slice(0, 1) : reasons;
  return [503, `${why.join('\n')}\n`];
}
