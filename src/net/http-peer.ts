import type { Endpoint } from './endpoint.ts';
import type { TlsOptions } from './tls-options.ts';

/** Where a URL of HTTP leads. */
interface UrlPeer extends Pick<Endpoint, 'host' | 'port'> {
  /** Absent where the URL is one without TLS. */
  readonly tls: TlsOptions | undefined;
}

/** @param tls what TLS needs beyond the URL. */
export function peerOf(url: URL, tls: TlsOptions = {}): UrlPeer {
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  // Without the brackets around an address of IPv6.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port, tls: secure ? tls : undefined };
}

/** A login as a header has it (RFC 7617). */
export const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
