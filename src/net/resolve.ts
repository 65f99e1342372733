import { promises as dns, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

const lookups = new Map<string, Promise<readonly LookupAddress[]>>();

/**
 * Resolves a name, anew unless a lookup of it is still under way. getaddrinfo(3) cannot be aborted
 * and holds one of the few threads that all file access shares: whoever gave up waiting for a slow
 * resolver and tries again waits for the same lookup.
 *
 * @returns every address, in the order of the system's preference.
 */
export function resolve(
  host: string,
  options: { readonly family?: 0 | 4 | 6; readonly hints?: number } = {},
): Promise<readonly LookupAddress[]> {
  let pending = lookups.get(host);
  if (pending === undefined) {
    pending = dns
      .lookup(host, { family: 0, hints: 0, ...options, all: true, order: 'verbatim' })
      .finally(() => lookups.delete(host));
    lookups.set(host, pending);
  }
  return pending;
}

/** {@link resolve} as sockets call it. */
export const lookup: LookupFunction = (host, { hints = 0 }, callback) => {
  resolve(host, { hints }).then(
    (addresses) => callback(null, [...addresses]),
    (error: NodeJS.ErrnoException) => callback(error, []),
  );
};
