/**
 * A page that Prometheus scrapes: every series as it was last observed.
 *
 * Format    Prometheus' text format or OpenMetrics, whichever the reader asks for (src/wire/exposition.ts),
 *           over HTTP at /metrics; /-/healthy says that the agent runs.
 * Delivery  A batch is delivered when it is on the page. Nobody is told whether it is read: what was
 *           observed between two scrapes and overwritten is not seen, as with every exporter.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { spoken } from 'cullinan/net';
import { codeOf, defineHandler, duration, Foreseen, type Point, port, z } from 'cullinan/plugin';
import {
  CONTENT_TYPE,
  type Exposed,
  encodeExposition,
  type Format,
} from 'cullinan/wire/exposition';

const options = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('The address it listens on; "::" is every address of this host.'),
    port: port.default(9100).describe("Its port; 9100 is node_exporter's."),
    username: z.string().min(1).optional().meta({ description: 'Who may read, with a password.' }),
    password: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The password; best kept in a file or a credential.' }),
    token: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'A bearer token that lets its owner read.' }),
    timestamps: z
      .boolean()
      .default(false)
      .describe('Give the time of each observation, and not leave it to the reader.'),
    staleness: duration({ least: '1s' })
      .prefault('30s')
      .describe(
        'Time after which a series that is not observed any more leaves the page, or three of its intervals if they are longer.',
      ),
    connections: z.int().min(1).max(1000).default(32).describe('Readers at a time, at most.'),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    error: 'must have both "username" and "password", or neither',
    path: ['username'],
  });
type Options = z.output<typeof options>;

/** What is read of a header that says what a reader would like. */
const LONGEST_HEADER = 4096;
/** Milliseconds in which a reader has to ask, and then to take the page. */
const PATIENCE = 10_000;
const INTERVALS = 3;
/** From here on a page is worth compressing. */
const WORTH_GZIP = 1024;

/** A series on the page. */
interface Shown {
  point: Point;
  /** Seconds between the latest two observations. */
  gap: number;
}

const exposed = ({ name, value, time }: Point, timestamps: boolean): Exposed => {
  const { kind, help } = name.series.metric;
  const type = kind === 'counter' && name.reading === 'value' ? 'counter' : 'gauge';
  return { path: name.path, value, time: timestamps ? time : undefined, type, help };
};

/** Compares without telling by the time it takes how much of a guess was right. */
function same(said: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(said), digest(right));
}

function mayRead({ username, password, token }: Options, said = ''): boolean {
  if (username === undefined && token === undefined) return true;
  if (token !== undefined && same(said, `Bearer ${token}`)) return true;
  const login = Buffer.from(`${username}:${password}`).toString('base64');
  return username !== undefined && same(said, `Basic ${login}`);
}

/** Every series that was observed lately. */
export class Page {
  readonly #given: Options;
  readonly #shown = new Map<string, Shown>();
  /** When it was last looked for series that have gone. */
  #swept = 0;

  constructor(given: Options) {
    this.#given = given;
  }

  /** How many there are. */
  get size(): number {
    return this.#shown.size;
  }

  /** @param now seconds since the Unix epoch. */
  put(batch: readonly Point[], now: number): void {
    for (const point of batch) {
      const { path } = point.name;
      const before = this.#shown.get(path);
      if (before === undefined) this.#shown.set(path, { point, gap: 0 });
      else {
        before.gap = Math.max(0, point.time - before.point.time);
        before.point = point;
      }
    }
    // A page that nobody reads keeps no more than one that is read. A clock may have been set back.
    if (Math.abs(now - this.#swept) >= this.#given.staleness) this.#sweep(now);
  }

  /** @param now seconds since the Unix epoch. */
  render(now: number, format: Format): string {
    this.#sweep(now);
    const series: Exposed[] = [];
    for (const { point } of this.#shown.values()) {
      series.push(exposed(point, this.#given.timestamps));
    }
    return encodeExposition(series, format);
  }

  #sweep(now: number): void {
    this.#swept = now;
    for (const [path, { point, gap }] of this.#shown) {
      const { staleness } = this.#given;
      if (now - point.time > Math.max(staleness, INTERVALS * gap)) this.#shown.delete(path);
    }
  }
}

interface Reply {
  readonly code: number;
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const plain = (
  code: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  code,
  body,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
});

/** What is answered to a request, whatever it is. */
function replyTo(
  { method, headers, url = '' }: Pick<IncomingMessage, 'method' | 'headers' | 'url'>,
  given: Options,
  render: (format: Format) => string,
  compress: (text: string) => Buffer,
): Reply {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'GET it.\n', { allow: 'GET, HEAD' });
  const path = url.split('?', 1)[0];
  if (path === '/-/healthy') return plain(200, 'The agent runs.\n');
  if (path !== '/metrics') return plain(404, 'The page is /metrics.\n');
  if (!mayRead(given, headers.authorization)) {
    const how = given.token === undefined ? 'Basic realm="cullinan"' : 'Bearer';
    return plain(401, 'Not without a login.\n', { 'www-authenticate': how });
  }
  const strict = prefers(headers.accept, 'application/openmetrics-text', 'text/plain');
  const format = strict ? 'openmetrics' : 'text';
  const text = render(format);
  const type = { 'content-type': CONTENT_TYPE[format] };
  if (
    text.length < WORTH_GZIP ||
    !prefers(`${headers['accept-encoding'] ?? ''}`, 'gzip', 'identity')
  ) {
    return { code: 200, body: text, headers: type };
  }
  return { code: 200, body: compress(text), headers: { ...type, 'content-encoding': 'gzip' } };
}

/** Whether an Accept header names the first, and does not want it less than the second (RFC 9110, 12.5). */
function prefers(header: string | undefined, first: string, second: string): boolean {
  const weights = new Map<string, number>();
  for (const part of (header ?? '').slice(0, LONGEST_HEADER).split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith('q='))?.slice(2);
    const weight = q === undefined ? 1 : Number(q);
    weights.set(name, Math.max(weights.get(name) ?? 0, Number.isNaN(weight) ? 0 : weight));
  }
  const weight = weights.get(first) ?? 0;
  return weight > 0 && weight >= (weights.get(second) ?? 0);
}

/** Resolves when it listens. */
function listening(server: Server, { host, port }: Options): Promise<void> {
  const where = spoken({ host, port });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const code = codeOf(error) ?? 'EIO';
      const remedy =
        code === 'EADDRINUSE'
          ? 'Another program listens there, maybe node_exporter: stop it, or change "port".'
          : 'Change "host" or "port", or let the agent\'s user listen there.';
      reject(new Foreseen(`${where} cannot be listened on (${code}). ${remedy}`));
    });
    server.listen(port, host, resolve);
  });
}

export default defineHandler({
  name: 'prometheus',
  summary: 'Shows a page that Prometheus scrapes.',
  options,
  dialect: 'prometheus',
  counters: 'raw', // Prometheus derives rates itself, and knows a reset when it sees one.
  idempotent: true,
  acknowledged: false,
  async open({ options: given, signal, clock }) {
    const [{ createServer }, { gzipSync }] = await Promise.all([
      import('node:http'),
      import('node:zlib'),
    ]);
    const page = new Page(given);
    const render = (format: Format) => page.render(clock.now() / 1000, format);
    const server = createServer(
      {
        requestTimeout: PATIENCE,
        headersTimeout: PATIENCE,
        keepAliveTimeout: 2 * PATIENCE,
        connectionsCheckingInterval: PATIENCE / 10,
      },
      (request, response) => {
        const { code, body, headers } = replyTo(request, given, render, (text) => gzipSync(text));
        response.writeHead(code, { ...headers, 'content-length': Buffer.byteLength(body) });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
    );
    server.maxConnections = given.connections;
    server.setTimeout(PATIENCE * 3, (socket) => socket.destroy());
    server.on('clientError', (_, socket) => socket.destroy());
    const stop = (): void => {
      server.close();
      server.closeAllConnections();
    };
    signal.addEventListener('abort', stop, { once: true });
    await listening(server, given);
    const ended = new Promise<unknown>((resolve) => server.once('close', resolve));
    return {
      ended,
      write: async (batch) => page.put(batch, clock.now() / 1000),
      close: stop,
    };
  },
});
