import { type Endpoint, endpoint } from '../net/index.ts';

/** Where a daemon is, and which of its drivers is meant. */
export interface LibvirtUri {
  /** `qemu`, `lxc`, `xen`, `test`, … */
  readonly driver: string;
  readonly transport: 'unix' | 'tcp' | 'tls';
  /** Of another machine, or of this one over the network. */
  readonly server: Pick<Endpoint, 'host' | 'port'> | undefined;
  /** One daemon for each user, where it is not the machine's. */
  readonly session: boolean;
  /** What the daemon is asked to open: `qemu:///system`. */
  readonly opened: string;
}

const PORTS = { unix: 0, tcp: 16_509, tls: 16_514 } as const;
const URI = /^([a-z]+)(?:\+(unix|tcp|tls|ssh|libssh2?|ext))?:\/\/([^/?#]*)(\/[^?#]*)(.*)$/;

/**
 * Reads a URI as libvirt's own tools do: `qemu:///system`, `qemu+tls://host.example.net/system`,
 * `qemu+tcp://[::1]:16509/system`, `lxc:///system`, `test:///default`.
 *
 * @returns what is wrong with it, as the end of a sentence that begins with "must", where it is none.
 */
export function parseUri(text: string): LibvirtUri | string {
  const match = URI.exec(text);
  if (match === null) {
    return 'be a URI as virsh takes it: qemu:///system, qemu:///session, qemu+tls://host/system';
  }
  const [, driver = '', given, authority = '', path = '', rest = ''] = match;
  if (rest !== '') return `have nothing behind the path: "${rest}" has an option of its own here`;
  const transport = given ?? (authority === '' ? 'unix' : 'tls');
  if (transport !== 'unix' && transport !== 'tcp' && transport !== 'tls') {
    return `have one of the transports unix, tcp and tls: ${transport} is not spoken`;
  }
  if (transport === 'unix' && authority !== '') return 'have no host with the transport unix';
  const server = authority === '' ? undefined : endpoint(authority, PORTS[transport]);
  if (authority !== '' && server === undefined) {
    return `name a host, with a port or without: "${authority}" does not`;
  }
  if (transport !== 'unix' && server === undefined) return `have a host with ${transport}`;
  const opened = `${driver}://${path}`;
  return { driver, transport, server, session: path === '/session', opened };
}

/** What {@link socketsOf} asks of the environment. */
export interface Environment {
  readonly XDG_RUNTIME_DIR?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
  readonly HOME?: string | undefined;
}

/**
 * The sockets that may lead to a driver, in the order in which libvirt's library tries them: that of the
 * driver's own daemon (virtqemud), then libvirtd's. The machine's have a twin that can only be read from;
 * a user's have none.
 */
export function socketsOf(
  { driver, session }: Pick<LibvirtUri, 'driver' | 'session'>,
  environment: Environment,
): readonly string[] {
  const daemons = [`virt${driver}d`, 'libvirt'];
  if (!session) return daemons.map((daemon) => `/run/libvirt/${daemon}-sock-ro`);
  const { XDG_RUNTIME_DIR: runtime, XDG_CACHE_HOME: cache, HOME: home = '' } = environment;
  const folder = runtime || cache || `${home}/.cache`;
  return daemons.map((daemon) => `${folder}/libvirt/${daemon}-sock`);
}
