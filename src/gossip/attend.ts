import type { Clock } from '../clock/index.ts';
import { type Endpoint, endpoint, gangliaRequests, isMulticast, spoken } from '../net/index.ts';
import { Gossip, type GossipOptions, type Listening } from './gossip.ts';
import type { GossipSettings } from './options.ts';

/** How the handler sends. */
export interface Sending {
  /** Groups and hosts. */
  readonly hosts: readonly Endpoint[];
  readonly port: number;
  readonly interface?: string | undefined;
  readonly ttl: number;
  readonly mute: boolean;
}

/** Part in the gossip of one configured handler. */
export interface Attendance {
  readonly note: string;
  /** Told by one part alone, so that nothing counts twice. */
  readonly counts: Readonly<Record<string, number>> | undefined;
  /** Settles when a socket broke. */
  readonly ended: Promise<unknown>;
  leave(): void;
}

interface Shared {
  readonly gossip: Gossip;
  listening: Promise<Listening> | undefined;
  /** Something for each part. */
  readonly users: Set<object>;
}

/** By what is configured, which all connections of a handler have in common, and the later ones too. */
const all = new WeakMap<GossipSettings, Shared>();

/**
 * Takes part in the gossip of a handler. All its connections share one: its sockets are open while there is any
 * connection, and what it knows is kept until the handler's configuration is another.
 *
 * @throws {@link Foreseen} if a socket cannot be had, with what to do.
 */
export async function attend(
  settings: GossipSettings,
  sending: Sending,
  clock: Clock,
): Promise<Attendance> {
  const shared = all.get(settings) ?? {
    gossip: new Gossip(optionsOf(settings, sending), clock),
    listening: undefined,
    users: new Set(),
  };
  all.set(settings, shared);
  const user = {};
  shared.users.add(user);
  shared.listening ??= shared.gossip.open(gangliaRequests.pass);
  const leave = (): void => {
    if (!shared.users.delete(user) || shared.users.size > 0) return;
    shared.listening?.then(
      ({ close }) => close(),
      () => {},
    );
    shared.listening = undefined;
  };
  try {
    const { ended } = await shared.listening;
    return {
      ended,
      leave,
      get note() {
        return shared.gossip.note;
      },
      get counts() {
        const [first] = shared.users;
        return first === user ? shared.gossip.totals : undefined;
      },
    };
  } catch (error) {
    leave();
    throw error;
  }
}

/**
 * Says what is left to how the handler sends: a group is where hosts are heard, and hosts are asked for what they
 * know. A handler that sends to several does it once for all of them.
 */
export function settled(settings: GossipSettings, hosts: readonly Endpoint[]): GossipSettings {
  const group = hosts.find(({ host }) => isMulticast(host));
  const listen = { host: group?.host, port: group?.port, ...settings.listen };
  const peers = settings.peers ?? hosts.filter(({ host }) => !isMulticast(host)).map(spoken);
  return { ...settings, listen, peers };
}

function optionsOf(settings: GossipSettings, sending: Sending): GossipOptions {
  const { cluster, peers = [], hosts, metrics, bytes, ...rest } = settled(settings, sending.hosts);
  const { mute, ttl, port, interface: device } = sending;
  const { host = '127.0.0.1', ...listen } = rest.listen;
  return {
    ...rest,
    facts: cluster,
    most: { hosts, metrics, bytes },
    channels: [{ ...listen, host, port: listen.port ?? port, ttl, interface: device }],
    peers: peers.flatMap((text) => endpoint(text, port) ?? []),
    ask: !mute,
  };
}
