import { openTcp, openUnix, spoken, type TlsOptions } from '../net/index.ts';
import { AccessDenied, codeOf, Foreseen, NoData, Unresponsive } from '../plugin/index.ts';
import {
  AUTH,
  type Domain,
  decodeAuthList,
  decodeList,
  decodeNode,
  decodeXml,
  encodeList,
  encodeOpen,
  encodeXml,
  type Node,
  type Procedure,
} from '../wire/libvirt/calls.ts';
import type { DomainStats } from '../wire/libvirt/guest.ts';
import { encodeStatsRequest, type StatsReader, type StatsRequest } from '../wire/libvirt/stats.ts';
import type { Sink } from '../wire/libvirt.ts';
import { explain, isAbsent, isDenied, socketDenied } from './access.ts';
import { Channel } from './channel.ts';
import { type LibvirtUri, socketsOf } from './uri.ts';

export interface LibvirtOptions {
  readonly uri: LibvirtUri;
  /** Instead of the sockets where libvirt's daemons listen. */
  readonly socket?: string | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** Seconds of silence after which the kernel probes a daemon on another machine. */
const KEEPALIVE = 30;
/** What a daemon says before all else if it accepts our certificate. */
const WELCOME = 1;

/** The connection is over: the daemon has ended, or was restarted. */
export class Ended extends Foreseen {}

/** A daemon of libvirt's that answers questions; nothing can be changed through it. */
export class Libvirt {
  readonly #channel: Channel;
  readonly #aborter: AbortController;

  private constructor(channel: Channel, aborter: AbortController) {
    this.#channel = channel;
    this.#aborter = aborter;
  }

  /**
   * Connects, says who we are, and opens the driver.
   *
   * @param signal gives up, at whatever stage it is.
   * @throws {@link NoData} where no daemon of libvirt's is installed, {@link AccessDenied} where one does not
   *   let us in: with what to do.
   */
  static async open(options: LibvirtOptions, signal: AbortSignal): Promise<Libvirt> {
    const { uri, socket } = options;
    const aborter = new AbortController();
    const { server, transport } = uri;
    const sockets = socket === undefined ? socketsOf(uri, process.env) : [socket];
    const where = server === undefined ? sockets.join(', ') : spoken(server);
    const opening = async (): Promise<Libvirt> => {
      const channel =
        server === undefined
          ? await local(sockets, aborter.signal)
          : await remote(
              server,
              transport === 'tls' ? (options.tls ?? {}) : undefined,
              aborter.signal,
            );
      const libvirt = new Libvirt(channel, aborter);
      await libvirt.#begin(uri.opened);
      return libvirt;
    };
    return await until(opening(), signal, aborter, where);
  }

  /** Where the daemon is. */
  get where(): string {
    return this.#channel.where;
  }

  /** Whether the connection can still be used. */
  get alive(): boolean {
    return this.#channel.over === undefined && !this.#aborter.signal.aborted;
  }

  node(signal: AbortSignal): Promise<Node> {
    return this.#ask(signal, decodeNode, 'NODE_GET_INFO');
  }

  /** Domains of one of the kinds of {@link DOMAINS}. */
  list(domains: number, signal: AbortSignal): Promise<readonly Domain[]> {
    return this.#ask(signal, decodeList, 'CONNECT_LIST_ALL_DOMAINS', encodeList(domains));
  }

  /** @param reader reads the replies to this question and to no other. */
  stats(
    request: StatsRequest,
    reader: StatsReader,
    signal: AbortSignal,
  ): Promise<readonly DomainStats[]> {
    const asked = encodeStatsRequest(request);
    const sink = reader.begin();
    return this.#ask(signal, () => sink.end(), 'CONNECT_GET_ALL_DOMAIN_STATS', asked, sink);
  }

  /** The domain's XML, as it runs. */
  xml(domain: Domain, signal: AbortSignal): Promise<string> {
    return this.#ask(signal, decodeXml, 'DOMAIN_GET_XML_DESC', encodeXml(domain));
  }

  /** Says goodbye; whoever still waits for an answer gets none. */
  async close(): Promise<void> {
    if (this.alive) this.#channel.call('CONNECT_CLOSE').catch(() => undefined);
    await this.#channel.close();
  }

  async #begin(opened: string): Promise<void> {
    const channel = this.#channel;
    try {
      await this.#introduce(decodeAuthList(await channel.call('AUTH_LIST')));
      await channel.call('CONNECT_OPEN', encodeOpen(opened));
    } catch (error) {
      this.#aborter.abort();
      throw explain(error, channel.where);
    }
  }

  /** Says who we are in one of the ways that libvirt takes; polkit knows already, and is only asked. */
  async #introduce(ways: readonly number[]): Promise<void> {
    if (ways.includes(AUTH.none)) return;
    if (!ways.includes(AUTH.polkit)) {
      throw new Foreseen(
        `${this.where}: it asks for SASL, which is not spoken here. Let it take certificates (listen_tls, auth_tls = "none" in libvirtd.conf) and use qemu+tls://, or use the socket of the machine itself`,
      );
    }
    await this.#channel.call('AUTH_POLKIT');
  }

  #ask<T>(
    signal: AbortSignal,
    decode: (payload: Buffer) => T,
    procedure: Procedure,
    payload?: Buffer,
    sink?: Sink,
  ): Promise<T> {
    const answer = this.#channel.call(procedure, payload, sink).then(decode);
    return until(answer, signal, this.#aborter, this.where);
  }
}

/**
 * Waits for an answer until the deadline. After it the connection is given up: an answer that comes late
 * would be taken for that to another question, and a daemon that hangs must not be asked more and more.
 */
async function until<T>(
  answer: Promise<T>,
  signal: AbortSignal,
  aborter: AbortController,
  where: string,
): Promise<T> {
  const late = (): void => aborter.abort(signal.reason);
  if (signal.aborted) late();
  signal.addEventListener('abort', late, { once: true });
  try {
    return await answer;
  } catch (error) {
    if (signal.aborted) {
      throw new Unresponsive(
        `${where}: no answer before the deadline. Is the daemon stuck behind a guest, or a disk? virsh domstats --nowait shows whether it answers`,
        { cause: error },
      );
    }
    if (error instanceof SyntaxError) {
      // A reply that is not as documented: nothing that follows can be believed.
      aborter.abort(error);
      throw new Foreseen(`${where}: a reply with ${error.message}`, { cause: error });
    }
    // Connections end, and that they do is foreseen.
    if (codeOf(error) !== undefined) throw new Ended((error as Error).message, { cause: error });
    throw error;
  } finally {
    signal.removeEventListener('abort', late);
  }
}

/** Connects to the first of these sockets where somebody listens. */
async function local(places: readonly string[], signal: AbortSignal): Promise<Channel> {
  let refused: Foreseen | undefined;
  for (const path of places) {
    const channel = new Channel(path, false);
    try {
      const received = (bytes: Buffer): void => channel.received(bytes);
      channel.attach(await openUnix({ path, peer: 'libvirt', received }, signal));
      return channel;
    } catch (error) {
      if (isDenied(error)) throw socketDenied(path);
      // A daemon that was killed leaves its socket behind.
      if (codeOf(error) === 'ECONNREFUSED') {
        refused ??= new Foreseen(
          `${path}: nobody listens there any more. Start the daemon: systemctl start ${path.includes('/virt') ? 'virtqemud' : 'libvirtd'}`,
          { cause: error },
        );
      } else if (!isAbsent(error)) throw error;
    }
  }
  throw (
    refused ??
    new NoData(
      `there is no libvirt here: ${places.join(' and ')} ${places.length > 1 ? 'do' : 'does'} not exist`,
    )
  );
}

/** Connects over the network, with TLS or in the clear. */
async function remote(
  server: { readonly host: string; readonly port: number },
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<Channel> {
  const channel = new Channel(spoken(server), tls !== undefined);
  const received = (bytes: Buffer): void => channel.received(bytes);
  const options = { ...server, keepalive: KEEPALIVE, peer: 'libvirt', received };
  const stream = await openTcp({ ...options, tls }, signal).catch((error: Error) => {
    // libvirt does not say why it hangs up: its log does.
    if (!error.message.includes('closed the connection before TLS')) throw error;
    throw unwanted(channel.where, error);
  });
  channel.attach(stream);
  if (tls === undefined) return channel;
  const byte = await Promise.race([
    channel.greeting,
    stream.ended.then((error) => Promise.reject(error)),
  ]);
  if (byte === WELCOME) return channel;
  await stream.close();
  throw unwanted(channel.where);
}

const unwanted = (where: string, cause?: Error): AccessDenied =>
  new AccessDenied(
    `${where}: it does not accept our certificate. Set tls.cert and tls.key to one that its authority (ca_file) has issued and that its tls_allowed_dn_list allows, both in its libvirtd.conf`,
    { cause },
  );
