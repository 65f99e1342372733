import type { IncomingMessage } from 'node:http';
import { AccessDenied, Foreseen, Unresponsive, z } from '../plugin/index.ts';
import { httpUrl } from './http-options.ts';
import { basic, peerOf } from './http-peer.ts';
import { placeOf } from './http-trouble.ts';
import { type Reached, reach } from './reach.ts';
import { type TlsOptions, tls } from './tls-options.ts';

/** A page, and how it is asked for. */
export interface PageOptions {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
  /** Bytes of the answer's body that are read, at most; 1 MiB unless said. */
  readonly most?: number | undefined;
}

/** What was answered, and how long each part of it took. */
export interface Page {
  readonly status: number;
  readonly body: Buffer;
  /** Whether there was more of the body than was read. */
  readonly cut: boolean;
  /** Seconds, one after the other: `wait` until the answer began, `transfer` until it was there. */
  readonly took: Reached['took'] & { readonly wait: number; readonly transfer: number };
  /** When the server's certificate expires, in seconds since the Unix epoch. */
  readonly expires: number | undefined;
}

/** The server's certificate is not trusted: nothing was asked of it, and no login was sent. */
export class Untrusted extends Foreseen {
  override readonly name: string = 'Untrusted';
  /** When the certificate expires, or did, in seconds since the Unix epoch. */
  readonly expires: number;

  constructor(message: string, { expires }: { readonly expires: number }) {
    super(message);
    this.expires = expires;
  }
}

const MOST = 1024 * 1024;

/** The options of a collector that reads a page. @param url where it is, unless it is said. */
export const pageOptions = (url: string) => ({
  url: httpUrl().default(url).describe('Where the page is.'),
  username: z.string().min(1).optional().meta({ description: 'The name to log in with.' }),
  password: z
    .string()
    .optional()
    .meta({ description: 'Its password; best kept in a file or a credential.' }),
  tls: tls().optional().meta({
    description: 'What TLS needs beyond a URL that begins with https.',
    fallback: 'the public authorities',
  }),
});

/**
 * Asks for a page, over a connection of its own, and takes any answer; redirections are not followed.
 *
 * @throws what {@link reach} throws; {@link Untrusted}; {@link Foreseen} if it speaks no HTTP.
 */
export async function visit(options: PageOptions, signal: AbortSignal): Promise<Page> {
  const { username, password = '', headers, method = 'GET', body, most = MOST } = options;
  const url = new URL(options.url);
  const reached = await reach(peerOf(url, options.tls), signal);
  const { certificate } = reached;
  if (certificate?.trouble !== undefined) {
    reached.socket.destroy();
    const said = certificate.trouble.message;
    throw new Untrusted(`${placeOf(options.url)}: ${said}`, certificate);
  }
  const { request } = await import('node:http');
  const asked = process.uptime();
  try {
    const sent = request({
      createConnection: () => reached.socket,
      method,
      path: url.pathname + url.search,
      headers: {
        host: url.host,
        'user-agent': 'cullinan',
        accept: '*/*',
        ...(username === undefined ? {} : { authorization: basic(username, password) }),
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject).end(body);
    });
    const began = process.uptime();
    const read = await readAll(answer, most);
    const took = { ...reached.took, wait: began - asked, transfer: process.uptime() - began };
    return { status: answer.statusCode ?? 0, ...read, took, expires: certificate?.expires };
  } catch (error) {
    const where = placeOf(options.url);
    if (signal.aborted) throw new Unresponsive(`${where} did not answer in time`, { cause: error });
    const said = error instanceof Error ? error.message : String(error);
    throw new Foreseen(`${where}: no answer in HTTP: ${said}`, { cause: error });
  } finally {
    reached.socket.destroy();
  }
}

function readAll(answer: IncomingMessage, most: number) {
  return new Promise<Pick<Page, 'body' | 'cut'>>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = (cut: boolean) => resolve({ body: Buffer.concat(chunks, length), cut });
    answer.once('error', reject);
    answer.once('end', () => done(false));
    answer.on('data', (bytes: Buffer) => {
      const taken = bytes.subarray(0, most - length);
      chunks.push(taken);
      length += taken.length;
      if (taken.length < bytes.length) done(true);
    });
  });
}

/**
 * Reads a page that a server shows its state on.
 *
 * @throws {@link NoData} where nobody listens, {@link AccessDenied} where a login is wrong or missing,
 *   {@link Unresponsive} at the deadline, {@link Foreseen} for any other answer than the page.
 */
export async function readPage(options: PageOptions, signal: AbortSignal): Promise<string> {
  const { status, body, cut } = await visit(options, signal);
  const where = placeOf(options.url);
  if (status === 401 || status === 403) {
    const remedy =
      options.username === undefined
        ? 'Let this host see it, or set "username" and "password".'
        : 'Check "username", "password", and what that user may see.';
    throw new AccessDenied(`${where} answers with status ${status}. ${remedy}`);
  }
  if (status !== 200) {
    throw new Foreseen(`${where} answers with status ${status}, not with the page. Check "url".`);
  }
  if (cut) throw new Foreseen(`${where}: more than ${body.length} bytes. Is this the page?`);
  return body.toString('utf8');
}
