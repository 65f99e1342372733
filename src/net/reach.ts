import { connect, isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { codeOf, Foreseen, NoData, Unresponsive } from '../plugin/index.ts';
import { type Endpoint, spoken } from './endpoint.ts';
import { lookup } from './resolve.ts';
import { failed } from './stream.ts';
import { tlsContext } from './tls.ts';
import type { TlsOptions } from './tls-options.ts';
import { explain } from './tls-trouble.ts';

/** Whom to reach. */
export interface ReachOptions extends Pick<Endpoint, 'host' | 'port'> {
  readonly tls?: TlsOptions | undefined;
}

/** A connection for one question, and what is known of how it came about. */
export interface Reached {
  /** Whoever asked for it destroys it. */
  readonly socket: Socket;
  /** Seconds: until the name was resolved, from then until connected, from then until TLS was agreed on. */
  readonly took: { readonly lookup: number; readonly connect: number; readonly tls: number };
  readonly certificate: Certificate | undefined;
}

/** What a peer showed of itself with TLS. */
export interface Certificate {
  /** When it is no longer valid, in seconds since the Unix epoch. */
  readonly expires: number;
  /** Why it is not trusted. */
  readonly trouble: Error | undefined;
}

/** Milliseconds for each address of a name, except the last. */
const PER_ADDRESS = 2000;

/**
 * Connects, and measures how long it took. A certificate that is not trusted ends nothing, if it says when it
 * expires: that is known for the expired one, too.
 *
 * @throws {@link Unresponsive} once `signal` is aborted; {@link NoData} where nobody listens.
 */
export async function reach(options: ReachOptions, signal: AbortSignal): Promise<Reached> {
  const { host, port, tls } = options;
  const where = spoken(options);
  const secureContext = tls && (await tlsContext(tls));
  const secure = secureContext && (await import('node:tls'));
  const late = () => new Unresponsive(`${where} did not answer in time`);
  if (signal.aborted) throw late();
  const began = process.uptime();
  let resolved = began;
  const plain = connect({
    host,
    port,
    lookup,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: PER_ADDRESS,
  });
  plain.once('lookup', () => {
    resolved = process.uptime();
  });
  const giveUp = (): void => void plain.destroy(late());
  signal.addEventListener('abort', giveUp, { once: true });
  plain.once('close', () => signal.removeEventListener('abort', giveUp));
  let socket: Socket = plain;
  try {
    await event(plain, 'connect');
    const connected = process.uptime();
    let certificate: Certificate | undefined;
    if (tls !== undefined && secure !== undefined) {
      const name = tls.servername ?? host;
      const secured = secure.connect({
        socket: plain,
        secureContext,
        servername: isIP(name) === 0 ? name : '',
        rejectUnauthorized: false,
        checkServerIdentity: (_, cert) => secure.checkServerIdentity(name, cert),
      });
      socket = secured;
      await event(secured, 'secureConnect');
      certificate = certificateOf(secured, { host, where, tls });
    }
    const done = process.uptime();
    // Whoever waits hears of it; an error that nobody waits for ends the agent.
    socket.on('error', () => undefined);
    const took = { lookup: resolved - began, connect: connected - resolved, tls: done - connected };
    return { socket, took, certificate };
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    plain.on('error', () => undefined).destroy();
    if (error instanceof Unresponsive) throw error;
    const code = codeOf(error);
    if (code === 'ECONNREFUSED') throw new NoData(`${where}: nobody listens`, { cause: error });
    if (code === 'ETIMEDOUT') throw late();
    if (code === 'ENOTFOUND')
      throw new Foreseen(`${where}: there is no such name`, { cause: error });
    throw failed(where, tls === undefined ? error : explain(error, { host, where, tls }));
  }
}

const event = (socket: Socket, name: 'connect' | 'secureConnect'): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once(name, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Foreseen('it closed the connection')));
  });

function certificateOf(
  socket: TLSSocket,
  secured: { readonly host: string; readonly where: string; readonly tls: TlsOptions },
): Certificate | undefined {
  const { valid_to: end, ...peer } = socket.getPeerCertificate();
  const expires = Date.parse(end ?? '') / 1000;
  const isKnown = Number.isFinite(expires);
  if (socket.authorized) return isKnown ? { expires, trouble: undefined } : undefined;
  // Node tells of an error's code alone, though it is typed as the error.
  const code = String(socket.authorizationError);
  const error = Object.assign(new Error(code), { code, cert: peer });
  const explained = explain(error, secured);
  const trouble = explained instanceof Error ? explained : error;
  // Without it the connection would pass for one to a trusted peer.
  if (!isKnown) throw trouble;
  return { expires, trouble };
}
