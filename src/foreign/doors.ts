import { Foreseen } from '../plugin/index.ts';
import type { Doors } from '../script/index.ts';

/** Everything that a plugin may import of the agent, each loaded when the first plugin asks for it. */
export const doors: ReadonlyMap<string, () => Promise<unknown>> = new Map<
  string,
  () => Promise<unknown>
>([
  ['cullinan/plugin', () => import('../plugin/index.ts')],
  ['cullinan/net', () => import('../net/index.ts')],
  ['cullinan/gossip', () => import('../gossip/index.ts')],
  ['cullinan/libvirt', () => import('../libvirt/index.ts')],
  ['cullinan/logs', () => import('../logs/index.ts')],
  ['cullinan/parsers', () => import('../parsers/index.ts')],
  ['cullinan/programs', () => import('../programs/index.ts')],
  ['cullinan/wire/access-log', () => import('../wire/access-log.ts')],
  ['cullinan/wire/bytes', () => import('../wire/bytes.ts')],
  ['cullinan/wire/chrony', () => import('../wire/chrony.ts')],
  ['cullinan/wire/container-line', () => import('../wire/container-line.ts')],
  ['cullinan/wire/crc32', () => import('../wire/crc32.ts')],
  ['cullinan/wire/datagrams', () => import('../wire/datagrams.ts')],
  ['cullinan/wire/dbus', () => import('../wire/dbus.ts')],
  ['cullinan/wire/distribution', () => import('../wire/distribution.ts')],
  ['cullinan/wire/exposition', () => import('../wire/exposition.ts')],
  ['cullinan/wire/expression', () => import('../wire/expression.ts')],
  ['cullinan/wire/fnv1a', () => import('../wire/fnv1a.ts')],
  ['cullinan/wire/fours', () => import('../wire/fours.ts')],
  ['cullinan/wire/ganglia', () => import('../wire/ganglia.ts')],
  ['cullinan/wire/gnocchi', () => import('../wire/gnocchi.ts')],
  ['cullinan/wire/graphite', () => import('../wire/graphite.ts')],
  ['cullinan/wire/graphite-image', () => import('../wire/graphite-image.ts')],
  ['cullinan/wire/graphite-lines', () => import('../wire/graphite-lines.ts')],
  ['cullinan/wire/haproxy-line', () => import('../wire/haproxy-line.ts')],
  ['cullinan/wire/hash-ring', () => import('../wire/hash-ring.ts')],
  ['cullinan/wire/influx', () => import('../wire/influx.ts')],
  ['cullinan/wire/jump-hash', () => import('../wire/jump-hash.ts')],
  ['cullinan/wire/libvirt', () => import('../wire/libvirt.ts')],
  ['cullinan/wire/lines', () => import('../wire/lines.ts')],
  ['cullinan/wire/logfmt', () => import('../wire/logfmt.ts')],
  ['cullinan/wire/lookup', () => import('../wire/lookup.ts')],
  ['cullinan/wire/mountinfo', () => import('../wire/mountinfo.ts')],
  ['cullinan/wire/ntp-control', () => import('../wire/ntp-control.ts')],
  ['cullinan/wire/openstack', () => import('../wire/openstack.ts')],
  ['cullinan/wire/option-string', () => import('../wire/option-string.ts')],
  ['cullinan/wire/otlp', () => import('../wire/otlp.ts')],
  ['cullinan/wire/pickle', () => import('../wire/pickle.ts')],
  ['cullinan/wire/postfix-line', () => import('../wire/postfix-line.ts')],
  ['cullinan/wire/printable', () => import('../wire/printable.ts')],
  ['cullinan/wire/process-usage', () => import('../wire/process-usage.ts')],
  ['cullinan/wire/process', () => import('../wire/process.ts')],
  ['cullinan/wire/protobuf', () => import('../wire/protobuf.ts')],
  ['cullinan/wire/resp', () => import('../wire/resp.ts')],
  ['cullinan/wire/riemann', () => import('../wire/riemann.ts')],
  ['cullinan/wire/screen', () => import('../wire/screen.ts')],
  ['cullinan/wire/snmp', () => import('../wire/snmp.ts')],
  ['cullinan/wire/squid-line', () => import('../wire/squid-line.ts')],
  ['cullinan/wire/statsd', () => import('../wire/statsd.ts')],
  ['cullinan/wire/stomp', () => import('../wire/stomp.ts')],
  ['cullinan/wire/syslog-line', () => import('../wire/syslog-line.ts')],
  ['cullinan/wire/syslog', () => import('../wire/syslog.ts')],
  ['cullinan/wire/tally', () => import('../wire/tally.ts')],
  ['cullinan/wire/tcp-table', () => import('../wire/tcp-table.ts')],
  ['cullinan/wire/terminal', () => import('../wire/terminal.ts')],
  ['cullinan/wire/timestamps', () => import('../wire/timestamps.ts')],
  ['cullinan/wire/xdr', () => import('../wire/xdr.ts')],
  ['cullinan/wire/xml', () => import('../wire/xml.ts')],
  ['cullinan/wire/zmtp', () => import('../wire/zmtp.ts')],
  ['cullinan/wire/amqp/ceilometer', () => import('../wire/amqp/ceilometer.ts')],
  ['cullinan/wire/amqp/messages', () => import('../wire/amqp/messages.ts')],
  ['cullinan/wire/amqp/template', () => import('../wire/amqp/template.ts')],
  ['cullinan/wire/ganglia/groups', () => import('../wire/ganglia/groups.ts')],
  ['cullinan/wire/ganglia/sender', () => import('../wire/ganglia/sender.ts')],
  ['cullinan/wire/json', () => import('../wire/json.ts')],
  ['cullinan/wire/level-word', () => import('../wire/level-word.ts')],
  ['cullinan/wire/nfs-operations', () => import('../wire/nfs-operations.ts')],
]);

/**
 * The doors that a script imports, as this thread has them.
 *
 * @throws {@link Foreseen} if there is none of that name.
 */
export async function opened(names: readonly string[]): Promise<Doors> {
  const found = new Map<string, unknown>();
  for (const name of names) {
    const open = doors.get(name);
    if (open === undefined) {
      throw new Foreseen(`there is no "${name}" to import. There are ${rooms().join(', ')}`);
    }
    found.set(name, await open());
  }
  return found;
}

/** Codecs are many, and easily found. */
const rooms = (): string[] => {
  const rest = [...doors.keys()].filter((name) => !name.startsWith('cullinan/wire/'));
  return [...rest, 'cullinan/wire/… (graphite, influx, …)'];
};
