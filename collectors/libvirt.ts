/**
 * Guests from the outside, as the hypervisor sees them through libvirt: CPU, memory, disks, interfaces.
 *
 * Source  CONNECT_GET_ALL_DOMAIN_STATS, libvirt's remote procedure call behind `virsh domstats`: one call a
 *         tick for all guests that run, one for the state of those that are off, over one connection that
 *         stays. A guest that is busy with a job is not waited for. Its XML is read when a guest is new,
 *         was started or stopped, and only where `identity`, `labels` or `interfaceName` need it.
 * Units   libvirt's nanoseconds become seconds, its KiB bytes. Disks and interfaces as the guest sees them:
 *         what an interface receives is what the guest receives.
 * Access  libvirt's read-only socket. As packaged, everybody may connect, and polkit is asked whether the user
 *         may read (org.libvirt.unix.monitor): by default everybody may. A hardened host needs a rule.
 */
import { Hypervisor, labelledBy, metrics, parseUri, words } from 'cullinan/libvirt';
import { tls } from 'cullinan/net';
import { defineCollector, type Session, selection, wholePath, z } from 'cullinan/plugin';

const GROUPS = ['cpu', 'balloon', 'vcpu', 'interface', 'block', 'perf', 'dirtyrate'] as const;
const label = z.string().regex(/^[A-Za-z_]\w*$/, 'must be a word');

const options = z.strictObject({
  uri: z
    .string()
    .default('qemu:///system')
    .transform((text, context) => {
      const uri = parseUri(text);
      if (typeof uri !== 'string') return uri;
      context.addIssue({ code: 'custom', message: `must ${uri}` });
      return z.NEVER;
    })
    .describe(
      'Whose guests: a URI as virsh takes it, on this machine or, with tcp or tls, another.',
    ),
  socket: wholePath().optional().meta({
    description: 'The socket of the daemon, where it is not in its usual place.',
    fallback: "the driver's own daemon's (virtqemud) or libvirtd's, in /run/libvirt",
  }),
  tls: tls().optional().meta({
    description: 'Certificates, for a URI with tls.',
    fallback: 'the name as the URI has it, and no certificate of our own',
  }),
  stats: z
    .array(z.enum(GROUPS))
    .default(['cpu', 'balloon', 'vcpu', 'interface', 'block'])
    .describe(
      'What is asked for besides the state, by the names of `virsh domstats`. perf has what the guest’s XML enables, dirtyrate what `virsh domdirtyrate-calc` measured.',
    ),
  inactive: z.boolean().default(true).describe('Whether the state of guests that are off is told.'),
  identity: z
    .enum(['name', 'uuid', 'nova'])
    .default('name')
    .describe(
      'What the label `guest` is: the name or the UUID in libvirt, or the name of the instance in OpenStack’s Nova.',
    ),
  labels: z
    .union([
      z.array(z.enum(words)).transform((list) => Object.fromEntries(list.map((one) => [one, one]))),
      z.record(label, z.string().min(1)),
    ])
    .prefault([])
    .describe(
      `More labels for each guest: a list of ${words.join(', ')}; or a map of labels to these words, or to places in the guest’s XML such as \`metadata/app:owner/app:team@name\`.`,
    ),
  totals: z
    .boolean()
    .default(true)
    .describe(
      'Whether all disks and all interfaces of a guest are told of together, too: a quarter of its series, and none that cannot be summed up later.',
    ),
  guests: selection().describe('Guests to report, by what the label `guest` calls them.'),
  disks: selection().describe('Disks to report, by what the label `device` calls them.'),
  diskName: z
    .enum(['target', 'source'])
    .default('target')
    .describe('What a disk is called: by the guest (vda), or by the file or volume behind it.'),
  interfaces: selection().describe('Interfaces to report, likewise.'),
  interfaceName: z
    .enum(['target', 'address', 'number'])
    .default('target')
    .describe(
      'What an interface is called: by the hypervisor (vnet0), by its MAC address, or by its number in the guest (interface-1).',
    ),
});

export default defineCollector({
  name: 'libvirt',
  summary:
    'Guests as libvirt sees them: CPU, memory, disks, interfaces; and the hypervisor under them.',
  source: "libvirt's read-only socket, or its daemon on another machine",
  // A hypervisor is told of by its hundreds of guests: whoever wants that says so.
  enabled: false,
  options,
  metrics,
  moreMetrics: ({ labels }) => [...labelledBy(labels).values()],
  open(): Session<typeof options> {
    let hypervisor: Hypervisor | undefined;
    return {
      collect(context) {
        hypervisor ??= new Hypervisor(context.options);
        return hypervisor.collect(context);
      },
      async close() {
        await hypervisor?.close();
      },
    };
  },
});
