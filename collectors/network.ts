/**
 * Traffic, packets, errors and drops per network interface, and the state of its link.
 *
 * Source  /proc/net/dev: two header lines, then one line of sixteen counters per interface, in the
 *         order of `dev_seq_printf_stats` (Linux, net/core/net-procfs.c); the one of PID 1 on a
 *         foreign host. /sys/class/net/<interface>/{operstate,speed,duplex} (net/core/net-sysfs.c)
 *         of at most 32 interfaces a tick, longest unread first: some drivers ask their hardware.
 * Units   Bytes and packets since the interface appeared; zero again when it is re-created. The
 *         kernel's Mbit/s become bytes per second.
 * Access  World-readable. Shows one network namespace: the agent's own, or that of PID 1.
 */
import {
  bytes,
  type Chosen,
  columns,
  count,
  counter,
  defineCollector,
  eachLine,
  gauge,
  NoData,
  nameOf,
  Observations,
  ParseError,
  selection,
  type Tree,
  z,
} from 'cullinan/plugin';

// Left out: the loopback, what comes and goes with every container, pod and guest (each new name
// would be twenty new series for ever), and the idle devices that modules create when they load.
// Kept: bridges that people name (br0, br-int), VLANs, bonds, tun and wireguard tunnels.
// biome-ignore format: one line for each reason
const EPHEMERAL = [
  'lo',
  'veth*', 'docker*', 'podman*', 'lxc*', 're:^br-[0-9a-f]{12}$', // Docker's own networks
  'cali*', 'cni*', 'flannel*', 'cilium*', 'vxlan.calico', 'weave*', 'kube-*', 'nodelocaldns', 'azv*', 're:^eni[0-9a-f]{11}$',
  'tap*', 'vnet*', 'virbr*', 'qbr*', 'qvb*', 'qvo*', // guests of libvirt and OpenStack
  'ifb*', 'dummy*', 'teql0', 're:^(sit|tunl|gre|gretap|erspan|ip_vti|ip6_vti|ip6gre|ip6tnl)0$',
];

const options = z.strictObject({
  interfaces: selection({ exclude: EPHEMERAL }).describe('Interfaces to report.'),
});

const labels = ['device', 'direction'] as const;
const both = { unit: 'count', labels } as const;
const one = { unit: 'count', labels: ['device'] } as const;
const metrics = {
  io: counter('system.network.io', { unit: 'bytes', labels, help: 'Bytes moved.' }),
  packets: counter('system.network.packets', { ...both, help: 'Packets moved.' }),
  errors: counter('system.network.errors', { ...both, help: 'Packets damaged or not sent.' }),
  dropped: counter('system.network.dropped', { ...both, help: 'No room or no use for them.' }),
  fifo: counter('system.network.fifo', { ...both, help: 'Overruns of the device buffer.' }),
  compressed: counter('system.network.compressed', { ...both, help: 'Compressed packets (PPP).' }),
  frame: counter('system.network.frame', { ...one, help: 'Received misaligned.' }),
  multicast: counter('system.network.multicast', { ...one, help: 'Multicast packets received.' }),
  collisions: counter('system.network.collisions', { ...one, help: 'Collisions while sending.' }),
  carrier: counter('system.network.carrier', { ...one, help: 'Not sent: the carrier was lost.' }),
  up: gauge('system.network.up', { ...one, help: '1 if it can carry traffic, 0 if it cannot.' }),
  speed: gauge('system.network.speed', {
    unit: 'bytes',
    labels: ['device'],
    help: 'Bytes per second it can carry each way; absent where the driver does not know.',
  }),
  fullDuplex: gauge('system.network.full_duplex', {
    ...one,
    help: '1 if it sends and receives at once, 0 if not; absent where the driver does not know.',
  }),
};

// biome-ignore format: laid out as the kernel prints them, receive above transmit
const readCounters = columns([
  'rxBytes', 'rxPackets', 'rxErrors', 'rxDropped', 'rxFifo', 'rxFrame', 'rxCompressed', 'rxMulticast',
  'txBytes', 'txPackets', 'txErrors', 'txDropped', 'txFifo', 'txCollisions', 'txCarrier', 'txCompressed',
]);
type Counters = ReturnType<typeof readCounters>;

interface Interface {
  /** As the kernel spells it, one character per byte. */
  readonly raw: string;
  readonly name: string;
  readonly counters: Counters;
}

/** The chosen interfaces of /proc/net/dev; a bad line costs its own interface. */
export const parse = (text: string, chosen?: Chosen): (Interface | ParseError)[] => [
  ...each(text, chosen),
];

/** @param into where the counters of an interface go. */
function each(
  text: string,
  chosen: Chosen = () => true,
  into: (name: string) => Counters | undefined = () => undefined,
) {
  const parseLine = (line: string): Interface | undefined => {
    // An alias carries a colon in its own name (`eth0:1`), so the name ends at the last one.
    const colon = line.lastIndexOf(':');
    // Blanks alone are padding; trim() would also take a no-break space, here half a UTF-8 letter.
    const raw = line.slice(0, Math.max(colon, 0)).replace(/^ +/, '');
    if (raw === '' || raw.includes('/') || raw.includes('\0')) {
      throw new ParseError(`no interface name and colon in "${line.slice(0, 80)}"`);
    }
    const name = nameOf(raw);
    if (!chosen(name)) return undefined;
    return { raw, name, counters: readCounters(line, colon + 1, into(name)) };
  };
  return eachLine('/proc/net/dev', text, parseLine, { skip: 2 });
}

// Many drivers never set a state: their interfaces (lo among them) are `unknown` while in use, and
// `down` as soon as they are set down (Linux, Documentation/networking/operstates.rst).
const UP = new Map([
  ['up', 1],
  ['unknown', 1],
  ...['down', 'lowerlayerdown', 'dormant', 'testing', 'notpresent'].map((no) => [no, 0] as const),
]);
const FULL_DUPLEX = new Map([
  ['full', 1],
  ['half', 0],
]);
// An unknown speed is -1, which older kernels and drivers print through 16 or 32 unsigned bits.
const UNKNOWN_SPEEDS = [0, 0xffff, 0xffffffff];
const MEGABIT = 1e6 / 8;

/** What an interface's files in /sys say, as bytes per second, 0 and 1; `undefined` is unknown. */
export const parseLink = (operstate = '', speed = '', duplex = '') => ({
  up: UP.get(operstate),
  speed:
    /^\d+$/.test(speed) && !UNKNOWN_SPEEDS.includes(Number(speed))
      ? Number(speed) * MEGABIT
      : undefined,
  fullDuplex: FULL_DUPLEX.get(duplex),
});

function readLink(sys: Tree, raw: string) {
  const read = (file: string) => {
    try {
      return sys.read(`class/net/${raw}/${file}`).trimEnd();
    } catch (error) {
      // A driver without the notion refuses the read; an alias has no folder of its own.
      if (error instanceof NoData) return undefined;
      throw error;
    }
  };
  return parseLink(read('operstate'), read('speed'), read('duplex'));
}

const LINKS_AT_ONCE = 32;

/** What is kept of an interface for as long as it exists. */
const createLink = ({ raw, name, counters }: Interface) => ({
  raw,
  counters,
  device: { device: name },
  receive: { device: name, direction: 'receive' },
  transmit: { device: name, direction: 'transmit' },
  /** The collections that last saw it, and last read its facts; 0 is never. */
  seen: 0,
  read: 0,
  facts: parseLink(),
});
type Link = ReturnType<typeof createLink>;

export default defineCollector({
  name: 'network',
  summary: 'Traffic, packets, errors and drops per network interface, and the state of its link.',
  source: '/proc/net/dev, /sys/class/net/<interface>/{operstate,speed,duplex}',
  options,
  metrics,
  open: () => {
    const links = new Map<string, Link>();
    let turn = 0;
    const seen = new Observations();
    return {
      collect({ host, options }) {
        seen.clear();
        const text = host.proc.read(host.foreign ? '1/net/dev' : 'net/dev');
        turn += 1;
        const found: Link[] = [];
        // A line that is left out, because there was one already, must not write into that one's counters.
        const row = (name: string) => {
          const link = links.get(name);
          return link === undefined || link.seen === turn ? readCounters.row() : link.counters;
        };
        for (const nic of each(text, options.interfaces, row)) {
          if (nic instanceof Error) {
            seen.fail(nic);
            continue;
          }
          let link = links.get(nic.name);
          if (link === undefined) {
            link = createLink(nic);
            links.set(nic.name, link);
          }
          // Read in pieces, the file shows one twice if another appears ahead of it meanwhile.
          if (link.seen === turn) continue;
          link.seen = turn;
          found.push(link);
        }
        for (const [name, link] of links) if (link.seen < turn) links.delete(name);
        const due = [...links.values()];
        if (due.length > LINKS_AT_ONCE) {
          due.sort((a, b) => a.read - b.read);
          due.length = LINKS_AT_ONCE;
        }
        for (const link of due) {
          link.read = turn;
          try {
            link.facts = readLink(host.sys, link.raw);
          } catch (error) {
            link.facts = parseLink();
            seen.fail(error as Error);
          }
        }
        for (const link of found) observe(seen, link);
        return seen;
      },
      close: () => links.clear(),
    };
  },
});

function observe(seen: Observations, { device, receive, transmit, facts, counters: now }: Link) {
  seen.add(metrics.io, bytes(now.rxBytes), receive);
  seen.add(metrics.io, bytes(now.txBytes), transmit);
  seen.add(metrics.packets, count(now.rxPackets), receive);
  seen.add(metrics.packets, count(now.txPackets), transmit);
  seen.add(metrics.errors, count(now.rxErrors), receive);
  seen.add(metrics.errors, count(now.txErrors), transmit);
  seen.add(metrics.dropped, count(now.rxDropped), receive);
  seen.add(metrics.dropped, count(now.txDropped), transmit);
  seen.add(metrics.fifo, count(now.rxFifo), receive);
  seen.add(metrics.fifo, count(now.txFifo), transmit);
  seen.add(metrics.compressed, count(now.rxCompressed), receive);
  seen.add(metrics.compressed, count(now.txCompressed), transmit);
  seen.add(metrics.frame, count(now.rxFrame), device);
  seen.add(metrics.multicast, count(now.rxMulticast), device);
  seen.add(metrics.collisions, count(now.txCollisions), device);
  seen.add(metrics.carrier, count(now.txCarrier), device);
  if (facts.up !== undefined) seen.add(metrics.up, count(facts.up), device);
  if (facts.speed !== undefined) seen.add(metrics.speed, bytes(facts.speed), device);
  if (facts.fullDuplex !== undefined) {
    seen.add(metrics.fullDuplex, count(facts.fullDuplex), device);
  }
}
