import { isIP } from 'node:net';
import { endpoint } from '../net/index.ts';
import { duration, port, size, z } from '../plugin/index.ts';
import { access } from './access.ts';

const MOST_CLIENTS = 1000;
const address = z.string().refine((text) => isIP(text) !== 0, { error: 'must be an address' });
const fact = (what: string) => z.string().max(200).default('unspecified').describe(what);

/** The options of gossip, for a handler that has it. */
export const gossip = () =>
  z.strictObject({
    cluster: z
      .strictObject({
        name: fact('Its name: gmetad files hosts under it.'),
        owner: fact('Who has it.'),
        latlong: fact('Where it stands: N32.87 W117.22.'),
        url: fact('Where there is more about it.'),
      })
      .prefault({})
      .describe('What is said of the cluster as a whole.'),
    listen: z
      .strictObject({
        host: address.optional().meta({
          description:
            'The multicast group, or the address of this host, at which hosts are heard.',
          fallback: 'the group that is sent to, or else 127.0.0.1',
        }),
        port: port.optional().meta({ description: 'Its port.', fallback: 'that of the handler' }),
        buffer: size().optional().meta({
          description: 'What the kernel holds until it is read.',
          fallback: 'as net.core.rmem_default says',
        }),
        ...access,
      })
      .prefault({})
      .describe('Where hosts are heard.'),
    xml: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1').describe('The address it listens on.'),
        port: port.default(8649).describe('Its port, TCP.'),
        clients: z
          .int()
          .min(1)
          .max(MOST_CLIENTS)
          .default(16)
          .describe('Readers at a time, at most.'),
        ...access,
      })
      .prefault({})
      .describe("Where the cluster is shown, as gmond's XML."),
    peers: z
      .array(
        z.string().refine((text) => endpoint(text, 8649) !== undefined, {
          error: 'must be host or host:port',
        }),
      )
      .optional()
      .meta({
        description: 'Nodes that are asked in turn for their XML: host or host:port.',
        fallback: 'the hosts that are sent to; none of a multicast group',
      }),
    exchange: duration({ least: '1s' })
      .prefault('20s')
      .describe('Time between two questions to peers.'),
    resolve: z
      .boolean()
      .default(true)
      .describe('Call hosts by the names that their addresses have in the DNS, as gmond does.'),
    hostDmax: duration({ least: '0s' })
      .prefault('1d')
      .describe('Time of silence after which a host is forgotten; 0s is never.'),
    hosts: z.int().min(1).default(2000).describe('Hosts that are held, at most.'),
    metrics: z.int().min(1).default(1000).describe('Metrics of one host that are held, at most.'),
    bytes: size().prefault('32MiB').describe('Memory that all of them take, at most, about.'),
  });

/** What is configured. */
export type GossipSettings = z.output<ReturnType<typeof gossip>>;
