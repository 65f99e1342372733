/**
 * What this host is called in the paths of its metrics: Diamond's methods, so that a host keeps its
 * name when it changes its agent.
 */
import { Foreseen } from '../plugin/index.ts';

/** Without `shell`, which has to run something: `hostnameByShell` of src/host. */
const PURE_HOSTNAME_METHODS = [
  'smart',
  'fqdn_short',
  'fqdn',
  'fqdn_rev',
  'uname_short',
  'uname_rev',
  'hostname',
  'hostname_short',
  'hostname_rev',
  'none',
] as const;
type PureHostnameMethod = (typeof PURE_HOSTNAME_METHODS)[number];

export const HOSTNAME_METHODS = [...PURE_HOSTNAME_METHODS, 'shell'] as const;
export type HostnameMethod = (typeof HOSTNAME_METHODS)[number];

export interface HostFacts {
  /** gethostname(2). */
  readonly hostname: string;
  /** The full name as far as this host knows it; the hostname where it does not. */
  readonly fqdn: string;
  /** The node name of uname(2). */
  readonly uname: string;
  /** Why `fqdn` is only the hostname, in case somebody expected more. */
  readonly problem?: string;
}

export interface Hostname {
  /**
   * One or more components of a Graphite path; dots separate them. '' leaves the host out of paths.
   */
  readonly path: string;
}

/**
 * @param configuredName overrides every method, `none` too.
 * @throws an Error that says what to do if the method gives nothing; never for `none`.
 *
 * @example
 * const facts = { hostname: 'web01', fqdn: 'web01.example.net', uname: 'web01' };
 * hostnameFor('smart', facts); // { path: 'web01' }
 * hostnameFor('fqdn', facts); // { path: 'web01_example_net' }
 * hostnameFor('fqdn_rev', facts); // { path: 'net.example.web01' }
 */
export function hostnameFor(
  method: PureHostnameMethod,
  facts: HostFacts,
  configuredName?: string,
): Hostname {
  if (configuredName !== undefined && configuredName !== '') return { path: configuredName };
  const path = pathFor(method, facts);
  if (path === '' && method !== 'none') {
    throw new Foreseen(
      `the hostname method "${method}" gives an empty name for this host (hostname "${facts.hostname}", full name "${facts.fqdn}"), and metrics without a host would mix with those of others: set "hostname: { name: … }", choose another method, or choose "none" to leave it out`,
    );
  }
  return { path };
}

function pathFor(method: PureHostnameMethod, { hostname, fqdn, uname }: HostFacts): string {
  switch (method) {
    case 'smart':
      // /etc/hosts often calls the machine's own address localhost before anything else.
      return short(fqdn) === 'localhost' ? short(hostname) : short(fqdn);
    case 'fqdn_short':
      return short(fqdn);
    case 'fqdn':
      return fqdn.replaceAll('.', '_');
    case 'fqdn_rev':
      return reversed(fqdn);
    case 'uname_short':
      return short(uname);
    case 'uname_rev':
      return reversed(uname);
    case 'hostname':
      return hostname;
    case 'hostname_short':
      return short(hostname);
    case 'hostname_rev':
      return reversed(hostname);
    case 'none':
      return '';
  }
}

const short = (name: string): string => name.split('.', 1)[0] ?? '';
const reversed = (name: string): string => name.split('.').reverse().join('.');
