import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Endpoint, spoken } from './endpoint.ts';
import { lookup } from './resolve.ts';
import { failed } from './stream.ts';
import { tlsContext } from './tls.ts';
import type { TlsOptions } from './tls-options.ts';
import { explain } from './tls-trouble.ts';

/** Milliseconds for each address of a name, except the last, which has all the time that is left. */
const PER_ADDRESS = 2000;

interface LibraryOptions extends Pick<Endpoint, 'host' | 'port'> {
  readonly tls?: TlsOptions | undefined;
}

/** What a client library needs whose connections are its own. */
interface LibrarySocket {
  /** For `net.connect` or `tls.connect`, which it calls; the host and port are for the library to add. */
  readonly options: {
    readonly lookup: LookupFunction;
    readonly signal: AbortSignal;
    readonly autoSelectFamily: boolean;
    readonly autoSelectFamilyAttemptTimeout: number;
    readonly secureContext?: SecureContext;
    readonly servername?: string;
  };
  /** Whatever goes wrong with a connection, in words that say where, and what is wrong with which certificate. */
  readonly said: (error: unknown) => Error;
}

/**
 * Has a client library that makes its connections by itself make them as {@link openTcp} does: names
 * are resolved as there, a peer's certificate is checked as there.
 *
 * @param signal destroys a connection, at whatever stage it is.
 */
export async function librarySocket(
  { host, port, tls }: LibraryOptions,
  signal: AbortSignal,
): Promise<LibrarySocket> {
  const where = spoken({ host, port });
  const said = (error: unknown): Error =>
    failed(where, tls === undefined ? error : explain(error, { host, where, tls }));
  const common = {
    lookup,
    signal,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: PER_ADDRESS,
  };
  if (tls === undefined) return { options: common, said };
  try {
    const secureContext = await tlsContext(tls);
    const servername = tls.servername ?? (isIP(host) === 0 ? host : '');
    return { options: { ...common, secureContext, servername }, said };
  } catch (error) {
    throw said(error);
  }
}
