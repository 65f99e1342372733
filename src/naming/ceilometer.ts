import type { Meter, Series } from '../metric/index.ts';
import { z } from '../plugin/index.ts';
import { instanceOf, saysWho } from '../wire/openstack.ts';
import { levels, segment } from '../wire/segment.ts';
import { type Dialect, defineDialect, type Naming, type Spelling } from './dialect.ts';
import { place } from './path.ts';
import { tableOf } from './table.ts';

const options = z.strictObject({
  rates: z
    .boolean()
    .default(false)
    .describe(
      "Whether counters are also sent per second, under the names that Ceilometer's pipeline gave to rates: network.incoming.bytes.rate.",
    ),
  cpu: z
    .enum(['domain', 'vcpus'])
    .default('domain')
    .describe(
      "What cpu is: all CPU time of the domain, QEMU's own in it; or, as Ceilometer has it since Pike, that of its vCPUs with their waits.",
    ),
  others: z
    .boolean()
    .default(true)
    .describe('Whether what Ceilometer does not have is sent, too, under its inner name.'),
});
type Options = z.output<typeof options>;

/** One of Ceilometer's meters. `{label}` in its name is our label's value. */
interface Row {
  readonly meter: string;
  readonly unit: string;
  readonly scale: number;
  readonly of: Meter['of'];
  /** Of all series with the name together. */
  readonly summed: boolean;
  /** A total that Ceilometer takes for a level. */
  readonly gauge: boolean;
}

const MEBIBYTES = 1 / 1024 ** 2;
const NANOSECONDS = 1e9;

const row = (of: Meter['of'], meter: string, unit: string, scale = 1): Row => ({
  ...{ meter, unit, scale, of },
  ...{ summed: false, gauge: false },
});
const guest = (meter: string, unit: string, scale?: number) => row('instance', meter, unit, scale);
const disk = (meter: string, unit: string, scale?: number) =>
  row('instance_disk', `disk.device.${meter}`, unit, scale);
const disks = (meter: string): Row => ({ ...guest(`disk.${meter}`, 'B'), summed: true });
const nic = (meter: string, unit: string) =>
  row('instance_network_interface', `network.{way}.${meter}`, unit);
const perf = (meter: string): Row => ({ ...guest(`perf.${meter}`, ''), gauge: true });
const node = (state: string): Row => ({
  ...row('nova_compute', `compute.node.cpu.${state}.time`, 'ns', NANOSECONDS),
  summed: true,
});

/** By inner name, or by inner name and a label's value, which goes first. */
const rowsOf = tableOf<readonly Row[]>(
  Object.entries({
    'guest.cpu.time': guest('cpu', 'ns', NANOSECONDS),
    'guest.cpu.utilization': guest('cpu_util', '%', 100),
    'guest.vcpu.count{which=current}': guest('vcpus', 'vcpu'),
    'guest.memory.limit': guest('memory', 'MB', MEBIBYTES),
    'guest.memory.usage': guest('memory.usage', 'MB', MEBIBYTES),
    'guest.memory.rss': guest('memory.resident', 'MB', MEBIBYTES),
    'guest.memory.swap': guest('memory.swap.{direction}', 'MB', MEBIBYTES),
    'guest.disk.io': disk('{direction}.bytes', 'B'),
    'guest.disk.operations{direction=read}': disk('read.requests', 'request'),
    'guest.disk.operations{direction=write}': disk('write.requests', 'request'),
    'guest.disk.operation_time{direction=read}': disk('read.latency', 'ns', NANOSECONDS),
    'guest.disk.operation_time{direction=write}': disk('write.latency', 'ns', NANOSECONDS),
    'guest.disk.capacity': [disk('capacity', 'B'), disks('capacity')],
    'guest.disk.allocation': [disk('allocation', 'B'), disks('allocation')],
    'guest.disk.physical': [disk('usage', 'B'), disks('usage')],
    'guest.disks.io': guest('disk.{direction}.bytes', 'B'),
    'guest.disks.operations{direction=read}': guest('disk.read.requests', 'request'),
    'guest.disks.operations{direction=write}': guest('disk.write.requests', 'request'),
    'guest.network.io': nic('bytes', 'B'),
    'guest.network.packets': nic('packets', 'packet'),
    'guest.network.dropped': nic('packets.drop', 'packet'),
    'guest.network.errors': nic('packets.error', 'packet'),
    'guest.perf{event=cpu_cycles}': perf('cpu.cycles'),
    'guest.perf{event=instructions}': perf('instructions'),
    'guest.perf{event=cache_references}': perf('cache.references'),
    'guest.perf{event=cache_misses}': perf('cache.misses'),
    // As libvirt adds the kernel's states up for Nova.
    'system.cpu.total.time{state=user}': node('user'),
    'system.cpu.total.time{state=nice}': node('user'),
    'system.cpu.total.time{state=system}': node('kernel'),
    'system.cpu.total.time{state=irq}': node('kernel'),
    'system.cpu.total.time{state=softirq}': node('kernel'),
    'system.cpu.total.time{state=idle}': node('idle'),
    'system.cpu.total.time{state=iowait}': node('iowait'),
  }).map(([key, rows]) => [key, [rows].flat()]),
);

const vcpus: readonly Row[] = [{ ...guest('cpu', 'ns', NANOSECONDS), summed: true }];
/** What takes the place of that with `cpu: vcpus`. */
const BY_VCPUS: ReadonlyMap<string, readonly Row[] | undefined> = new Map([
  ['guest.cpu.time', undefined],
  ['guest.vcpu.time', vcpus],
  ['guest.vcpu.wait.time', vcpus],
]);

function lookUp(series: Series, { cpu }: Options): readonly Row[] | undefined {
  const { name } = series.metric;
  return cpu === 'vcpus' && BY_VCPUS.has(name) ? BY_VCPUS.get(name) : rowsOf(series);
}

const WAYS: Readonly<Record<string, string>> = { receive: 'incoming', transmit: 'outgoing' };

const filled = (meter: string, { labels }: Series): string =>
  meter.replace(/\{(\w+)\}/g, (_, label: string) =>
    label === 'way' ? (WAYS[labels['direction'] ?? ''] ?? '') : (labels[label] ?? ''),
  );

/** Whose a value is, as Ceilometer tells resources apart. */
function resourceOf(of: Meter['of'], { host, labels }: Series): string {
  const { id, name } = instanceOf(labels) ?? { id: host, name: host };
  const device = labels['device'] ?? '';
  switch (of) {
    case 'instance_disk':
      return `${id}-${device}`;
    case 'instance_network_interface':
      return `${name}-${id}-${device}`;
    case 'nova_compute':
      return `${host}_${host}`; // Nova's service and its node: with libvirt, one of them each.
    default:
      return id;
  }
}

/** Ceilometer's units for ours; a number of things has none. */
const UNITS: Readonly<Record<Series['metric']['unit'], string>> = {
  ...{ bytes: 'B', seconds: 's', ratio: '', count: '', celsius: 'C', volts: 'V' },
  ...{ amperes: 'A', watts: 'W', hertz: 'Hz' },
};

/** The inner name, and behind it the values of the labels that do not say whose it is. */
function genericRow({ metric, labels }: Series): Row {
  const rest = metric.labels.filter((label) => !saysWho(label)).map((label) => labels[label] ?? '');
  const meter = [metric.name, ...rest.filter((value) => value !== '').map(segment)].join('.');
  return row(instanceOf(labels) === undefined ? 'host' : 'instance', meter, UNITS[metric.unit]);
}

function pathOf({ name, resource }: Meter, series: Series, naming: Naming): string {
  if (naming.tags) return place(levels(name), series, naming, '');
  const parts = [
    levels(naming.prefix ?? ''),
    segment(resource),
    levels(naming.suffix),
    levels(name),
  ];
  return parts.filter((part) => part !== '').join('.');
}

/** How a counter is sent: what its meter's name ends in, and its unit. */
interface Form extends Pick<Meter, 'type'> {
  readonly reading: Spelling['reading'];
  readonly ending: string;
  readonly per: string;
}
const GAUGE: Form = { type: 'gauge', reading: 'value', ending: '', per: '' };
const TOTAL: Form = { type: 'cumulative', reading: 'value', ending: '', per: '' };
const AMOUNT: Form = { type: 'delta', reading: 'value', ending: '', per: '' };
const GROWTH: Form = { type: 'delta', reading: 'growth', ending: '.delta', per: '' };
const RATE: Form = { type: 'gauge', reading: 'rate', ending: '.rate', per: '/s' };

function formsOf(
  { unit, gauge }: Row,
  { metric }: Series,
  { counters }: Naming,
  { rates }: Options,
): readonly Form[] {
  if (metric.kind === 'gauge' || gauge) return [GAUGE];
  if (metric.kind === 'delta') return [AMOUNT];
  const rate = rates && unit !== 'ns' && unit !== 'MB' ? [RATE] : [];
  return [counters === 'deltas' ? GROWTH : TOTAL, ...rate];
}

function create(given: Options): Pick<Dialect, 'spell'> {
  return {
    spell(series, naming) {
      const others = given.others ? [genericRow(series)] : [];
      return (lookUp(series, given) ?? others).flatMap((row) =>
        formsOf(row, series, naming, given).map(({ type, reading, ending, per }): Spelling => {
          const meter: Meter = {
            name: filled(row.meter, series) + ending,
            ...{ type, unit: row.unit + per, of: row.of },
            resource: resourceOf(row.of, series),
          };
          return {
            ...{ series, path: pathOf(meter, series, naming), reading, meter },
            // Nanoseconds were whole numbers before they were seconds.
            precision: row.unit === 'ns' ? 0 : undefined,
            ...{ scale: row.scale, offset: 0, summed: row.summed },
          };
        }),
      );
    },
  };
}

/**
 * The meters of OpenStack's Ceilometer, as its compute agent measures them with libvirt: their names, units,
 * types and resources. A counter is cumulative, whatever the handler does with counters; only with
 * `deltas` it is its growth, under a name that ends in `.delta`.
 *
 * A path is the resource and the meter. There is no host in it, so that a guest keeps its series when it
 * is migrated. docs/openstack.md lists what differs from Ceilometer.
 *
 * @see https://docs.openstack.org/ceilometer/latest/admin/telemetry-measurements.html
 */
export const ceilometer: Dialect = defineDialect({
  name: 'ceilometer',
  summary: "The meters of OpenStack's Ceilometer, with their units, types and resources.",
  options,
  create,
});
