import { promises as dns } from 'node:dns';
import { readFileSync } from 'node:fs';
import { hostname as getHostname } from 'node:os';
import type { HostFacts, Hostname } from '../naming/index.ts';
import { Foreseen, startChild } from '../plugin/index.ts';
import { codeOf } from './failures.ts';

/** How the system finds names and addresses: nsswitch.conf decides, as for every other program. */
export interface Resolver {
  /** The first address of a name: getaddrinfo(3). */
  address(name: string): Promise<string>;
  /** The first name of an address: getnameinfo(3). Rejects if it has none. */
  name(address: string): Promise<string>;
  /** The text of /etc/hosts, for the further names of an address; '' without it. */
  hosts(): string;
}

/** What is known without the system being asked. */
interface Asked {
  address(name: string): string | undefined;
  name(address: string): string | undefined;
}

/**
 * What /etc/hosts says where the system asks it first and it is unambiguous: to ask the system
 * costs threads, and Node 5 ms to see whether the name is an address.
 *
 * @param hosts the text of /etc/hosts.
 * @param order the text of /etc/nsswitch.conf.
 */
export function hostsFile(hosts: string, order: string): Asked {
  if (!/^hosts:\s*files\b/m.test(order)) return { address: () => undefined, name: () => undefined };
  const lines = hosts.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return {
    address(name) {
      const found = lines.filter(([, ...names]) => names.includes(name));
      return found.length === 1 ? found[0]?.[0] : undefined;
    },
    name: (address) => lines.find(([its, name]) => its === address && name !== undefined)?.[1],
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const files = (): Asked => hostsFile(system.hosts(), textOf('/etc/nsswitch.conf'));

const system: Resolver = {
  address: async (name) =>
    files().address(name) ?? (await dns.lookup(name, { verbatim: true })).address,
  name: async (address) => files().name(address) ?? (await dns.lookupService(address, 0)).hostname,
  hosts: () => textOf('/etc/hosts'),
};

/**
 * Asks this host for its names. The full name is found as Python's socket.getfqdn() finds it,
 * which Diamond uses: the name that belongs to the address that belongs to the hostname, or the
 * first of its aliases with a dot.
 *
 * @param deadline seconds after which the hostname has to do: a name server that does not answer
 *   must not keep the agent from starting.
 */
export async function hostFacts({
  deadline = 2,
  hostname = getHostname(),
  resolver = system,
}: {
  readonly deadline?: number;
  readonly hostname?: string;
  readonly resolver?: Resolver;
} = {}): Promise<HostFacts> {
  // Linux keeps one node name, which both gethostname(2) and uname(2) give.
  const uname = hostname;
  const late = timeLimit(deadline);
  try {
    const fqdn = await Promise.race([fullName(hostname, resolver), late.passed]);
    if (fqdn !== undefined) return { hostname, fqdn, uname };
    const problem = `the full name of ${hostname} was not found within ${deadline} s; "${hostname}" is used for it`;
    return { hostname, fqdn: hostname, uname, problem };
  } catch (error) {
    const problem = `the full name of ${hostname} is not known here (${codeOf(error) || error}); "${hostname}" is used for it`;
    return { hostname, fqdn: hostname, uname, problem };
  } finally {
    late.cancel();
  }
}

async function fullName(hostname: string, resolver: Resolver): Promise<string> {
  const address = await resolver.address(hostname);
  const canonical = await resolver.name(address);
  const names = [canonical, ...aliases(resolver.hosts(), address, canonical)];
  return names.find((name) => name.includes('.')) ?? canonical;
}

/** The other names on the line of /etc/hosts that gave the canonical one. */
function aliases(hosts: string, address: string, canonical: string): readonly string[] {
  for (const line of hosts.split('\n')) {
    const [its, first, ...others] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (its === address && first === canonical) return others;
  }
  return [];
}

/**
 * The method `shell`: what a command prints first, without the blanks around it.
 *
 * @param command for /bin/sh, with the agent's environment.
 * @param deadline in seconds; the command and what it started are killed then.
 */
export async function hostnameByShell(
  command: string,
  { deadline = 5 }: { readonly deadline?: number } = {},
): Promise<Hostname> {
  const child = startChild('/bin/sh', ['-c', command], process.env);
  const late = timeLimit(deadline);
  try {
    const ended = await Promise.race([child.ended, late.passed]);
    if (ended === undefined) throw unnamed(command, `did not end within ${deadline} s`);
    const { code, stdout, stderr } = ended;
    if (code !== 0) {
      const said = text(stderr).trim() || 'nothing';
      throw unnamed(
        command,
        `failed (${code === null ? 'killed' : `exit ${code}`}) and said: ${said}`,
      );
    }
    const path = text(stdout).split('\n', 1)[0]?.trim() ?? '';
    if (path === '') throw unnamed(command, 'printed an empty first line');
    return { path };
  } finally {
    late.cancel();
    child.kill();
  }
}

const text = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

const unnamed = (command: string, what: string): Error =>
  new Foreseen(
    `the command for this host's name ${what}: ${command}. Without a name nothing is sent: make it print the name and exit 0, or choose another hostname method`,
  );

function timeLimit(seconds: number): { readonly passed: Promise<undefined>; cancel(): void } {
  let cancel = (): void => {};
  const passed = new Promise<undefined>((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000, undefined);
    cancel = () => clearTimeout(timer);
  });
  return { passed, cancel };
}
