import { isIPv6 } from 'node:net';
import { z } from '../plugin/index.ts';

/** Where a peer listens. */
export interface Endpoint {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** What tells it from its siblings where host and port do not, as relays write it behind `=`. */
  readonly instance: string | undefined;
}

/** The option of a handler that may be told of several peers: one `host`, or a list of them. */
export const peerHosts = (standard = 'localhost') =>
  z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).default(standard);

const ENDPOINT = /^(?:\[([^\][\s]+)\]|([^\][\s:=]+))(?::(\d{1,5}))?(?:=([\w.-]+))?$/;
/** An IPv6 address needs no brackets where no port follows. */
const BARE = /^([\da-f]*:[\da-f:.]*:[\da-f:.]*(?:%\w+)?)(?:=([\w.-]+))?$/i;

/**
 * Reads `host`, `host:port` or `host:port=instance`; an IPv6 address is in brackets where a port follows.
 *
 * @returns nothing where the text is none of these.
 */
export function endpoint(text: string, port: number): Endpoint | undefined {
  const bare = BARE.exec(text);
  if (bare !== null && isIPv6(bare[1] ?? '')) {
    return { host: bare[1] ?? '', port, instance: bare[2] };
  }
  const match = ENDPOINT.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits, instance] = match;
  const given = digits === undefined ? port : Number(digits);
  if (given < 1 || given > 65_535) return undefined;
  return { host: bracketed ?? plain ?? '', port: given, instance };
}

/** `carbon.example.net:2003`, `[::1]:2003`. */
export const spoken = ({ host, port }: Pick<Endpoint, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
