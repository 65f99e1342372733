import type { ClientRequest } from 'node:http';
import type { Clock } from '../clock/index.ts';
import { type Connection, Foreseen } from '../plugin/index.ts';
import type { HttpAnswer, HttpOptions } from './http-options.ts';
import { basic, peerOf } from './http-peer.ts';
import { expectTaken, placeOf } from './http-trouble.ts';
import { proxyFor } from './proxy.ts';
import { type Dialled, dial } from './tcp.ts';

/** A peer that takes requests one after the other, over one connection that is kept. */
export interface HttpPeer extends Pick<Connection, 'close'> {
  /**
   * Sends a body, over a new connection where the peer has closed the one before.
   *
   * @returns what was answered to a request that was taken (2xx).
   * @throws {@link Unsendable} where the peer says that it is the body's fault (400, 413, 422).
   * @throws {@link Foreseen} where it refuses for any other reason, with what to do.
   */
  send(body: string | Buffer, signal: AbortSignal): Promise<HttpAnswer>;
  /**
   * Sends a request of any kind to where the URL points, or to another path there.
   *
   * @returns what was answered, also where that is a refusal: {@link expectTaken} makes an error of one.
   */
  ask(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
}

/** A request, where it is another than the one that the options are of. */
export interface HttpRequest {
  readonly body: string | Buffer;
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  /** With its query; absent, the URL's own. */
  readonly path?: string;
  /** Beside those of each request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Seconds of silence after which the kernel probes whether the peer is still there. */
const KEEPALIVE = 60;
/** What a peer answers to a write is short, and of more nobody reads the rest. */
const MOST_READ = 65_536;
/** Milliseconds that a peer may send us away for. */
const LONGEST_REST = 600_000;

/**
 * Until when a peer wants to be left alone, on the monotonic clock. By options, which outlive every
 * connection: the agent would open the next one sooner.
 */
const resting = new WeakMap<object, number>();

/** Milliseconds in a Retry-After header: seconds, or a date. */
function restOf(text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_REST) : 0;
}

function loginOf({
  username,
  password = '',
  token,
  scheme = 'Bearer',
}: HttpOptions): Readonly<Record<string, string>> {
  if (token !== undefined) return { authorization: `${scheme} ${token}` };
  if (username === undefined) return {};
  return { authorization: basic(username, password) };
}

/**
 * Connects to where a URL points.
 *
 * Node's own client, and not its `fetch`: that takes 30 MiB more, and three times the CPU.
 */
export async function openHttp(
  options: HttpOptions,
  { clock, signal, key }: { clock: Clock; signal: AbortSignal; key: object },
): Promise<HttpPeer> {
  const rest = (resting.get(key) ?? 0) - clock.monotonic();
  if (rest > 0) {
    const seconds = Math.ceil(rest / 1000);
    throw new Foreseen(`${placeOf(options.url)} asked for a rest: ${seconds} s of it are left.`);
  }
  const url = new URL(options.url);
  const { host, port, tls } = peerOf(url, options.tls);
  const proxy = proxyFor(url, options.proxy, process.env);
  // Without TLS the proxy itself is asked, for what is elsewhere.
  const elsewhere = proxy !== undefined && tls === undefined ? url.origin : '';
  const login = elsewhere === '' ? undefined : proxy?.authorization;
  const [{ Agent, request }, compress] = await Promise.all([
    import('node:http'),
    options.gzip ? compressor() : undefined,
  ]);
  async function reach(): Promise<Dialled> {
    const peer = { host, port, keepalive: KEEPALIVE, tls, proxy, peer: 'the server' };
    const reached = await dial(peer, signal);
    // Whoever waits for an answer hears of it; while nobody does, the next request finds it closed.
    reached.socket.on('error', () => undefined);
    return reached;
  }
  let dialled = await reach();
  const agent = new Agent({ keepAlive: true, maxSockets: 1, keepAliveMsecs: KEEPALIVE * 1000 });
  agent.createConnection = () => dialled.socket;

  /** Makes sure that the connection is there. */
  async function connect(): Promise<void> {
    const { socket } = dialled;
    if (!socket.destroyed && socket.writable && !socket.readableEnded) return;
    socket.destroy();
    dialled = await reach();
  }

  const asked = {
    agent,
    host,
    port,
    method: options.method,
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      ...loginOf(options),
      ...options.headers,
      ...(login === undefined ? {} : { 'proxy-authorization': login }),
      ...(compress === undefined ? {} : { 'content-encoding': 'gzip' }),
    },
  };

  async function ask(wanted: HttpRequest, stop: AbortSignal): Promise<HttpAnswer> {
    const { body, method = asked.method, path = asked.path } = wanted;
    const bytes = compress === undefined ? Buffer.from(body) : await compress(body);
    await connect();
    const { said } = dialled;
    const sent = request({
      ...{ ...asked, method, path: elsewhere + path },
      headers: { ...asked.headers, ...wanted.headers, 'content-length': bytes.length },
    });
    let answer: HttpAnswer;
    try {
      answer = await answered(sent, bytes, stop);
    } catch (error) {
      dialled.socket.destroy();
      throw said(explained(error));
    }
    // Some proxies end each connection after one answer, without a word of it: the end would come when
    // the next request is under way, and nobody could tell whether that had been read.
    if (elsewhere !== '') dialled.socket.destroy();
    const wait = restOf(answer.headers['retry-after'], clock.now());
    if (wait > 0 && answer.status >= 400) resting.set(key, clock.monotonic() + wait);
    return answer;
  }

  return {
    ask,
    async send(body, stop) {
      const answer = await ask({ body }, stop);
      expectTaken(options, answer);
      return answer;
    },
    close() {
      agent.destroy();
      dialled.socket.destroy();
    },
  };
}

/** What of the connection's errors a reader could not make sense of, in a sentence. */
function explained(error: unknown): unknown {
  if (!speaksHttp(error)) return new Foreseen(NO_HTTP, { cause: error });
  const hungUp = error instanceof Error && error.message === 'socket hang up';
  return hungUp ? new Foreseen(HUNG_UP, { cause: error }) : error;
}

const HUNG_UP =
  'it ended the connection without an answer. If it goes on doing so, check the port, and whether the URL must begin with https.';
const NO_HTTP =
  'it does not speak HTTP. Check the port, and whether the URL must begin with https.';
const speaksHttp = (error: unknown): boolean =>
  !(error instanceof Error && 'code' in error && `${error.code}`.startsWith('HPE_'));

async function compressor(): Promise<(body: string | Buffer) => Promise<Buffer>> {
  const { gzip } = await import('node:zlib');
  return (body) =>
    new Promise((resolve, reject) => {
      gzip(body, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
    });
}

/** Sends the body; resolves with what is answered to it. */
function answered(sent: ClientRequest, body: Buffer, stop: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const over = (act: () => void): void => {
      stop.removeEventListener('abort', abort);
      act();
    };
    const abort = (): void => {
      sent.destroy();
      reject(new Error('given up'));
    };
    stop.addEventListener('abort', abort, { once: true });
    const failed = (error: Error) => over(() => reject(error));
    sent.on('error', failed);
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const chunks: Buffer[] = [];
      let length = 0;
      const done = () =>
        over(() => resolve({ status, headers, body: Buffer.concat(chunks, length) }));
      response.on('error', failed);
      response.on('data', (bytes: Buffer) => {
        const room = MOST_READ - length;
        chunks.push(bytes.subarray(0, room));
        length += Math.min(bytes.length, room);
        if (bytes.length < room) return;
        done();
        response.destroy();
      });
      response.on('end', done);
    });
    sent.end(body);
  });
}
