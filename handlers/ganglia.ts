/**
 * Takes gmond's place on the wire: what receives gmond's packets files this host as if gmond ran on it.
 *
 * Format    Ganglia's packets since 3.1 over UDP (src/wire/ganglia.ts), one for each value and each
 *           metric's metadata, to a multicast group or to each of several gmonds. gmond's own metrics
 *           go as gmond sends them, everything else as a double under its name in the dialect.
 * Delivery  As gmond, the handler does not send every value: what changed little waits until it is due
 *           (src/wire/ganglia/groups.ts). A batch is delivered when what is due of it was handed to the
 *           kernel. Nothing is acknowledged: a datagram that is lost on the way is not noticed, and the
 *           next value of its metric makes up for it. Only that nobody listens at a unicast address is answered.
 */
import { type Attendance, attend, gossip, settled } from 'cullinan/gossip';
import {
  type Endpoint,
  endpoint,
  gangliaRequests,
  isMulticast,
  joinGroup,
  openUdp,
  paced,
  peerHosts,
  spoken,
} from 'cullinan/net';
import {
  type Connection,
  chooser,
  codeOf,
  defineHandler,
  duration,
  Foreseen,
  type OpenContext,
  port,
  within,
  z,
} from 'cullinan/plugin';
import { decodeRequest, LONGEST_PACKET } from 'cullinan/wire/ganglia';
import { GANGLIA_GROUPS } from 'cullinan/wire/ganglia/groups';
import { GangliaSender, type GroupPolicy, HEARTBEAT } from 'cullinan/wire/ganglia/sender';

const name = z.string().regex(/^[\w.-]{1,120}$/, 'must be a host name or an IPv4 address');

const options = z
  .strictObject({
    host: peerHosts('239.2.11.71').describe(
      'The multicast group, or where a gmond listens: host or host:port. Of a list, each gets everything.',
    ),
    port: port.default(8649).describe('The port of each host that names none.'),
    ttl: z
      .int()
      .min(1)
      .max(255)
      .default(1)
      .describe('To a multicast group: how many networks away packets go.'),
    interface: z.string().min(1).optional().meta({
      description: 'To a multicast group: the interface, by name or address (mcast_if).',
      fallback: 'as routes say',
    }),
    bind: z.string().min(1).optional().meta({
      description: 'The address of this host that packets come from: receivers know hosts by it.',
      fallback: 'as routes say',
    }),
    overrideHostname: name.optional().meta({
      description:
        'The name that receivers file this host under (override_hostname), instead of the one that its address has in the DNS.',
    }),
    overrideIp: name.optional().meta({
      description: 'With overrideHostname, the address that they file (override_ip).',
      fallback: 'overrideHostname',
    }),
    location: z
      .string()
      .max(200)
      .default('')
      .describe("Where the host stands, for receivers' LOCATION: x,y,z."),
    sendMetadataInterval: duration({ least: '0s' }).optional().meta({
      description:
        'Time after which a value has its metadata before it again; 0s is only when somebody asks.',
      fallback: '60s, or 0s to a multicast group, where it is listened for who asks',
    }),
    requests: z
      .boolean()
      .default(true)
      .describe('To a multicast group: listen there for who asks for metadata.'),
    others: z
      .boolean()
      .default(true)
      .describe("Send what gmond has no metric for, too, under the dialect's names."),
    timeThreshold: duration({ least: '1s' })
      .prefault('60s')
      .describe("Time after which a value that is not one of gmond's own is sent."),
    valueThreshold: z.number().min(0).optional().meta({
      description:
        'The change from which such a value is sent at once; 0 is any change. gmond has thresholds for its own metrics.',
      fallback: 'only after the time',
    }),
    collectionGroups: z
      .array(
        z.strictObject({
          metrics: z.array(z.string().min(1)).min(1).describe('Names as sent: globs, or re:….'),
          timeThreshold: duration({ least: '1s' }).describe('Time after which they are sent.'),
          valueThreshold: z
            .number()
            .min(0)
            .optional()
            .meta({ description: 'The change of one of them after which all are sent.' }),
        }),
      )
      .default([])
      .describe("Metrics that are sent together, instead of as gmond's defaults have it."),
    dmax: duration({ least: '0s' })
      .prefault('1d')
      .describe(
        "Time without a value after which receivers forget a metric that is not one of gmond's own; 0s is never.",
      ),
    allowExtraData: z
      .boolean()
      .default(true)
      .describe('Send titles, descriptions and groups with the metadata.'),
    mute: z.boolean().default(false).describe('Send nothing: neither metrics nor requests.'),
    deaf: z
      .boolean()
      .default(true)
      .describe(
        'Hear nobody. Otherwise the state of the whole cluster is kept, and served as XML.',
      ),
    gossip: gossip()
      .prefault({})
      .describe('Unless it is deaf: how it hears, keeps and shows the cluster.'),
  })
  .superRefine((given, context) => {
    const wrong = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    const unread = textsOf(given).find((text) => endpoint(text, given.port) === undefined);
    if (unread !== undefined) {
      wrong('host', `must be host or host:port, and "${unread}" is neither`);
    }
    if (given.mute && given.deaf) {
      wrong('mute', 'must not be true together with deaf: nothing would be left to do');
    }
    const hosts = endpointsOf(given).map(spoken);
    if (new Set(hosts).size < hosts.length) wrong('host', 'must not name a host and port twice');
    if (given.overrideIp !== undefined && given.overrideHostname === undefined) {
      wrong('overrideIp', 'must be left out where overrideHostname is: both are said, or the name');
    }
  });
type Options = z.output<typeof options>;

const textsOf = ({ host }: Pick<Options, 'host'>): readonly string[] =>
  typeof host === 'string' ? [host] : host;

const endpointsOf = (given: Pick<Options, 'host' | 'port'>): readonly Endpoint[] =>
  textsOf(given).flatMap((text) => endpoint(text, given.port) ?? []);

/** When a metric is sent: as the configuration has it, as gmond does, or as it comes. */
function policies({ collectionGroups, timeThreshold, valueThreshold }: Options) {
  const groups = collectionGroups.map(({ metrics, ...policy }, i) => ({
    chosen: chooser(metrics, undefined),
    policy: {
      timeThreshold: policy.timeThreshold,
      valueThreshold: policy.valueThreshold,
      group: `${i}`,
    },
  }));
  const rest: GroupPolicy = { timeThreshold, valueThreshold, group: undefined };
  const gmonds: Readonly<Record<string, GroupPolicy>> = GANGLIA_GROUPS;
  return (path: string): GroupPolicy =>
    groups.find(({ chosen }) => chosen(path))?.policy ??
    (Object.hasOwn(gmonds, path) ? gmonds[path] : undefined) ??
    rest;
}

/** Seconds; a gmond asks its multicast group for metadata, and nobody else. */
const METADATA = 60;
/** Milliseconds that a host has to answer that nobody listens. */
const OBJECTION = 100;

/** What to do where nobody listens, which is all that UDP ever answers. */
const explained = (error: unknown, where: Endpoint): unknown =>
  codeOf(error) === 'ECONNREFUSED'
    ? new Foreseen(
        `${spoken(where)}: nobody listens there (ECONNREFUSED). See whether a gmond runs there, ` +
          'with a udp_recv_channel at this port.',
        { cause: error },
      )
    : error;

/** A connection to a group or to one gmond. */
async function connect(
  where: Endpoint,
  given: Options,
  { signal, clock, host }: Pick<OpenContext, 'signal' | 'clock' | 'host'>,
): Promise<Connection> {
  const { overrideHostname, overrideIp = overrideHostname } = given;
  const group = isMulticast(where.host);
  const listens = group && given.requests;
  const sender = new GangliaSender({
    host,
    spoof: overrideHostname === undefined ? undefined : `${overrideIp}:${overrideHostname}`,
    metadataInterval: given.sendMetadataInterval ?? (listens ? 0 : METADATA),
    others: given.others,
    dmax: given.dmax,
    extra: given.allowExtraData,
    location: given.location,
    started: Math.round(clock.now() / 1000 - process.uptime()),
    policy: policies(given),
  });
  const received = (bytes: Buffer): void => {
    const request = decodeRequest(bytes);
    if (request !== undefined) sender.requested(request);
  };
  const { ttl, bind, interface: device } = given;
  const socket = await openUdp({ ...where, ttl, bind, interface: device, received }, signal);
  const stream = paced(socket, { clock, longest: LONGEST_PACKET });
  const membership = listens
    ? await joinGroup({ ...where, interface: device, received }, signal)
    : undefined;

  const ended = stream.ended.then((error) => explained(error, where));
  const write = (packets: readonly Buffer[]): Promise<void> =>
    stream.write(packets).catch((error: unknown) => {
      throw explained(error, where);
    });
  const beat = () => write(sender.beat(clock.now() / 1000));
  await beat();
  const objection = group ? undefined : await within(ended, OBJECTION, clock);
  if (objection !== undefined) throw objection;

  let timer = clock.after(HEARTBEAT * 1000, again);
  function again(): void {
    timer = clock.after(HEARTBEAT * 1000, again);
    // Where it fails, the stream has ended, and that is said.
    beat().catch(() => undefined);
  }
  const forget = gangliaRequests.listen((id) => sender.requested(id));
  const stop = (): void => {
    timer.cancel();
    forget();
    membership?.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  return {
    ended: Promise.race([ended, ...(membership === undefined ? [] : [membership.ended])]),
    write: (batch) => write(sender.take(batch)),
    async close() {
      stop();
      await stream.close();
    },
  };
}

/** What says nothing. */
const MUTE: Connection = { write: async () => {}, close: () => {} };

/** A connection that also takes part in gossip. */
const attending = ({ write, close, ended }: Connection, gossip: Attendance): Connection => ({
  write,
  ended: Promise.race([gossip.ended, ...(ended === undefined ? [] : [ended])]),
  get note() {
    return gossip.note;
  },
  get counts() {
    return gossip.counts;
  },
  async close() {
    gossip.leave();
    await close();
  },
});

export default defineHandler({
  name: 'ganglia',
  summary: "Takes gmond's place: sends Ganglia's packets to a multicast group, or to gmonds.",
  options,
  dialect: 'ganglia',
  counters: 'rates', // gmond's own are rates, and a graph of a total is a ramp.
  idempotent: false, // Ganglia knows no time: what is sent again counts as new.
  acknowledged: false,
  peers(given) {
    const hosts = endpointsOf(given);
    // One cluster for all of them.
    const whole = { ...given, gossip: settled(given.gossip, hosts) };
    if (given.mute) return [{ name: '', options: whole }];
    const texts = textsOf(given);
    return hosts.map((host, i) => ({
      name: texts.length === 1 ? '' : spoken(host),
      options: { ...whole, host: texts[i] ?? '' },
    }));
  },
  async open({ options: given, ...context }) {
    const [where] = endpointsOf(given);
    if (where === undefined) throw new Error('no host to send to');
    if (given.deaf) return connect(where, given, context);
    const hosts = endpointsOf(given);
    const attendance = await attend(given.gossip, { ...given, hosts }, context.clock);
    context.signal.addEventListener('abort', attendance.leave, { once: true });
    try {
      context.signal.throwIfAborted();
      return attending(given.mute ? MUTE : await connect(where, given, context), attendance);
    } catch (error) {
      attendance.leave();
      throw error;
    }
  },
});
