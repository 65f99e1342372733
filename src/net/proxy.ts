import { BlockList, isIP, type Socket } from 'node:net';
import querystring from 'node:querystring';
import { Foreseen, z } from '../plugin/index.ts';
import { type Endpoint, endpoint, spoken } from './endpoint.ts';
import { basic, peerOf } from './http-peer.ts';

/** A proxy that requests go through. */
export interface WebProxy extends Pick<Endpoint, 'host' | 'port'> {
  /** The value of Proxy-Authorization; absent where it wants no login. */
  readonly authorization: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Bytes of an answer to CONNECT, at most. */
const MOST_ANSWER = 16_384;
const FORM = 'must be "none" or the URL of a proxy, such as http://proxy.example.net:3128';

/** The option of a handler that may send through a proxy. */
export const proxyOption = () =>
  z
    .string()
    .refine((text) => text === 'none' || proxyAt(text) !== undefined, { error: FORM })
    .optional()
    .meta({
      description:
        'The proxy to go through, http://[USER:PASSWORD@]HOST:PORT, or "none" for none whatever the environment says.',
      fallback: 'HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment',
    });

/** Reads the URL of a proxy; one may leave out `http://`. Nothing where it is none, or one over TLS. */
function proxyAt(text: string): WebProxy | undefined {
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(whole)) return undefined;
  const url = new URL(whole);
  if (url.protocol !== 'http:' || url.hostname === '') return undefined;
  const { host, port } = peerOf(url);
  const username = querystring.unescape(url.username);
  const password = querystring.unescape(url.password);
  const named = username !== '' || password !== '';
  return { host, port, authorization: named ? basic(username, password) : undefined };
}

/**
 * The proxy on the way to a URL: the one that the options name, or else the one that the environment names
 * for its scheme, unless NO_PROXY has its host. What is on this host needs no proxy.
 *
 * The environment is read as Go's programs read it, which Telegraf and OpenTelemetry's collector are: upper
 * case before lower case, no proxy to the loopback.
 *
 * @throws {@link Foreseen} where the environment names what is no proxy.
 */
export function proxyFor(
  url: URL,
  given: string | undefined,
  environment: Environment,
): WebProxy | undefined {
  if (given === 'none') return undefined;
  if (given !== undefined) return proxyAt(given);
  const named = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = named(name);
  if (text === undefined || spared(url, named('NO_PROXY') ?? '')) return undefined;
  const proxy = proxyAt(text);
  if (proxy !== undefined) return proxy;
  throw new Foreseen(
    `${name} in the environment ${FORM}. Change it, or set "proxy" of this handler.`,
  );
}

const LOOPBACK = [
  ['127.0.0.0', 8],
  ['::1', 128],
] as const;
const isLoopback = (address: string) =>
  LOOPBACK.some(([network, bits]) => within(address, network, bits));

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Whether NO_PROXY, or common sense, has a host: `*`, `example.net`, `.example.net`, `10.0.0.0/8`, `host:8086`. */
function spared(url: URL, list: string): boolean {
  const peer = peerOf(url);
  const { port } = peer;
  const host = peer.host.replace(/\.$/, '');
  const address = isIP(host) !== 0;
  if (host === 'localhost' || (address && isLoopback(host))) return true;
  return list.split(',').some((entry) => {
    const text = entry.trim().toLowerCase();
    if (text === '*') return true;
    const [, network, bits] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/.exec(text) ?? [];
    if (network !== undefined) return address && within(host, network, Number(bits));
    const wanted = endpoint(text, port);
    if (wanted === undefined || wanted.port !== port) return false;
    if (address) return wanted.host === host;
    const name = wanted.host.replace(/^\*?\./, '');
    return host.endsWith(`.${name}`) || (host === name && name === wanted.host);
  });
}

function within(host: string, network: string, bits: number): boolean {
  const family = familyOf(network);
  if (isIP(network) === 0 || bits > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, familyOf(host));
}

/**
 * Has a proxy that is connected lead on to a peer.
 *
 * @throws {@link Foreseen} where it will not.
 */
export async function tunnel(
  socket: Socket,
  { authorization }: WebProxy,
  peer: Pick<Endpoint, 'host' | 'port'>,
): Promise<void> {
  const place = spoken(peer);
  const login = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n${login}\r\n`);
  const head = await headOf(socket);
  const [, status = '', reason = ''] =
    /^HTTP\/1\.[01] (\d{3})(?: ([ -~]{0,100}))?/.exec(head) ?? [];
  if (status.startsWith('2')) return;
  if (status === '') throw new Foreseen('it is no proxy: what it answers is not HTTP.');
  const remedy =
    status === '407'
      ? 'It wants a login: write it into the URL of the proxy, http://USER:PASSWORD@HOST:PORT.'
      : 'Ask whoever runs it, or name "none" as the proxy if none is needed.';
  throw new Foreseen(`it leads nobody to ${place} (${status} ${reason.trim()}). ${remedy}`);
}

/** What a proxy answers, up to the empty line; what comes behind it is the peer's and stays in the socket. */
function headOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const over = (act: () => void) => {
      socket.off('readable', read).off('error', failed).off('close', closed);
      act();
    };
    const failed = (error: Error) => over(() => reject(error));
    const closed = () => failed(new Error('it ended the connection without an answer'));
    const read = () => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
        got = Buffer.concat([got, chunk]);
        const end = got.indexOf('\r\n\r\n');
        if (end >= 0) {
          const rest = got.subarray(end + 4);
          if (rest.length > 0) socket.unshift(rest);
          return over(() => resolve(got.toString('latin1', 0, end)));
        }
        if (got.length > MOST_ANSWER) return failed(new Error('its answer has no end'));
      }
    };
    socket.on('readable', read).on('error', failed).on('close', closed);
    read();
  });
}
