import type { HandlerConfig } from '../config/index.ts';
import { endpoint, type TlsOptions } from '../net/index.ts';

/** Where a handler sends, as far as its options say. */
export interface Peer {
  /** The handlers that send there. */
  readonly handler: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly tls: TlsOptions | undefined;
  /** The URL, where it is spoken to over HTTP. */
  readonly url: string | undefined;
}

/** The ports of those that have another one with TLS. */
const PORTS: Readonly<Record<string, readonly [plain: number, secured: number]>> = {
  amqp: [5672, 5671],
  graphite: [2003, 2003],
  mqtt: [1883, 8883],
  syslog: [514, 6514],
};
/** These listen, or write to this host only. */
const STAY_HERE = ['console', 'exec', 'file', 'live', 'prometheus'];

/** The options that handlers have in common, as far as they do. */
interface Reaching {
  readonly host?: unknown;
  readonly port?: unknown;
  readonly url?: unknown;
  readonly protocol?: unknown;
  readonly format?: unknown;
  readonly mode?: unknown;
  readonly tls?: TlsOptions | undefined;
}

/** The peers of a handler: none where it listens, or where nobody knows. */
export function peersOf({ instance, handler, options }: HandlerConfig): readonly Peer[] {
  if (STAY_HERE.includes(handler.name)) return [];
  if (typeof options !== 'object' || options === null) return [];
  const { host, port, url, protocol, format, mode, tls }: Reaching = options;
  if (mode === 'bind') return [];
  if (typeof url === 'string' && URL.canParse(url)) {
    const { hostname, port, protocol } = new URL(url);
    const secured = protocol === 'https:';
    return [
      {
        ...{ handler: instance, host: hostname.replace(/^\[|\]$/g, ''), protocol: 'tcp', url },
        port: port === '' ? (secured ? 443 : 80) : Number(port),
        tls: secured ? (tls ?? {}) : undefined,
      },
    ];
  }
  const [plain, secured] = PORTS[handler.name] ?? [0, 0];
  const pickles = handler.name === 'graphite' && format === 'pickle' ? 1 : 0;
  const usual = typeof port === 'number' ? port : (tls === undefined ? plain : secured) + pickles;
  const hosts = (Array.isArray(host) ? host : [host]).filter((it) => typeof it === 'string');
  const udp = protocol === 'udp' || handler.name === 'ganglia';
  return hosts.flatMap((text) => {
    const at = endpoint(text, usual);
    if (at === undefined || at.port === 0) return [];
    const transport = udp ? ('udp' as const) : ('tcp' as const);
    return [
      { handler: instance, host: at.host, port: at.port, protocol: transport, tls, url: undefined },
    ];
  });
}
