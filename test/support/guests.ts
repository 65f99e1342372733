import type { Kind, Labels, Point, Sample, Series, Unit } from '../../src/metric/index.ts';
import { createNamer, dialects } from '../../src/naming/index.ts';

/** A guest as Nova would have started it. */
export interface Guest {
  readonly uuid: string;
  readonly domain: string;
}

/** The n-th guest of a host. */
export const guestOf = (n: number): Guest => ({
  uuid: `6a8e1c52-6d0b-4d7e-9c7e-${n.toString(16).padStart(12, '0')}`,
  domain: `instance-${n.toString(16).padStart(8, '0')}`,
});

const DISK = { device: 'vda' };
const NIC = { device: 'tap3f2504e0-4f' };

/** What the libvirt collector observes of a guest, as far as Ceilometer has it, and one thing that it has not. */
const OBSERVED: readonly (readonly [string, Kind, Unit, Labels, number])[] = [
  ['guest.vcpu.count', 'gauge', 'count', { which: 'current' }, 2],
  ['guest.cpu.time', 'counter', 'seconds', {}, 6.235344],
  ['guest.cpu.utilization', 'gauge', 'ratio', {}, 0.000_000_25],
  ['guest.memory.limit', 'gauge', 'bytes', {}, 134_217_728],
  ['guest.memory.usage', 'gauge', 'bytes', {}, 22_433_792],
  ['guest.memory.rss', 'gauge', 'bytes', {}, 229_363_712],
  ['guest.disk.io', 'counter', 'bytes', { ...DISK, direction: 'read' }, 11_801_088],
  ['guest.disk.operations', 'counter', 'count', { ...DISK, direction: 'write' }, 10],
  [
    'guest.disk.operation_time',
    'counter',
    'seconds',
    { ...DISK, direction: 'read' },
    0.050_074_781,
  ],
  ['guest.disk.capacity', 'gauge', 'bytes', DISK, 16_777_216],
  ['guest.network.io', 'counter', 'bytes', { ...NIC, direction: 'receive' }, 1720],
  ['guest.network.packets', 'counter', 'count', { ...NIC, direction: 'transmit' }, 20],
  ['guest.vcpu.time', 'counter', 'seconds', { vcpu: '0' }, 4.75],
];

/** What is observed of some guests at some ticks, under Ceilometer's names. */
export function guestPoints(
  guests: readonly Guest[],
  times: readonly number[],
  labels: Labels = {},
): Point[] {
  const namer = createNamer(dialects.ceilometer, {
    ...{ prefix: undefined, host: 'compute1', suffix: '', tags: false },
    ...{ labels: {}, counters: 'raw' },
  });
  const all = guests.flatMap(({ uuid, domain }, g) =>
    OBSERVED.map(([name, kind, unit, own, value], i): Omit<Sample, 'time'> => {
      const who = { guest: uuid, uuid, domain, ...labels, ...own };
      const metric = { kind, name, unit, labels: Object.keys(who), help: '' };
      const series: Series = {
        ...{ id: g * OBSERVED.length + i, metric, collector: 'libvirt' },
        ...{ host: 'compute1', labels: who },
      };
      return { series, value, growth: undefined };
    }),
  );
  const into: Point[] = [];
  for (const [tick, time] of times.entries()) {
    const grown = (kind: Kind) => (kind === 'counter' ? 1 + tick : 1);
    namer.collection(
      all.map((it) => ({ ...it, value: it.value * grown(it.series.metric.kind), time })),
      into,
    );
  }
  return into;
}
