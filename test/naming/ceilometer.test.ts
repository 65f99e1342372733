import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kind, Labels, Point, Series, Unit } from '../../src/metric/index.ts';
import { createNamer, dialects } from '../../src/naming/index.ts';
import { observed } from './observed.ts';
import { NAMING, series } from './support.ts';

const { ceilometer } = dialects;
const rated = ceilometer.configured?.({ rates: true, others: false, cpu: 'domain' }) ?? ceilometer;

const UUID = '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11';
const VM = { guest: UUID, uuid: UUID, domain: 'instance-0000002a' };

function guest(name: string, labels: Labels, kind: Kind, unit: Unit): Series {
  const one = series(name, { ...VM, ...labels }, kind);
  return { ...one, metric: { ...one.metric, unit } };
}

const meter = (one: Series, naming = NAMING, dialect = ceilometer) =>
  dialect.spell(one, naming).map(({ meter }) => meter);

/** Name, type, unit and resource of what a series is sent as. */
const told = (one: Series, naming = NAMING, dialect = ceilometer) =>
  meter(one, naming, dialect).map((it) => `${it?.name} ${it?.type} ${it?.unit} ${it?.resource}`);

describe("Ceilometer's meters", () => {
  it.each([
    ['guest.cpu.time', {}, 'counter', 'seconds', `cpu cumulative ns ${UUID}`],
    ['guest.cpu.utilization', {}, 'gauge', 'ratio', `cpu_util gauge % ${UUID}`],
    ['guest.vcpu.count', { which: 'current' }, 'gauge', 'count', `vcpus gauge vcpu ${UUID}`],
    ['guest.memory.limit', {}, 'gauge', 'bytes', `memory gauge MB ${UUID}`],
    ['guest.memory.usage', {}, 'gauge', 'bytes', `memory.usage gauge MB ${UUID}`],
    ['guest.memory.rss', {}, 'gauge', 'bytes', `memory.resident gauge MB ${UUID}`],
    [
      'guest.memory.swap',
      { direction: 'in' },
      'counter',
      'bytes',
      `memory.swap.in cumulative MB ${UUID}`,
    ],
    [
      'guest.disk.io',
      { device: 'vda', direction: 'read' },
      'counter',
      'bytes',
      `disk.device.read.bytes cumulative B ${UUID}-vda`,
    ],
    [
      'guest.disk.operations',
      { device: 'vda', direction: 'write' },
      'counter',
      'count',
      `disk.device.write.requests cumulative request ${UUID}-vda`,
    ],
    [
      'guest.disk.operation_time',
      { device: 'vda', direction: 'read' },
      'counter',
      'seconds',
      `disk.device.read.latency cumulative ns ${UUID}-vda`,
    ],
    [
      'guest.disks.io',
      { direction: 'write' },
      'counter',
      'bytes',
      `disk.write.bytes cumulative B ${UUID}`,
    ],
    [
      'guest.network.io',
      { device: 'tap3f', direction: 'receive' },
      'counter',
      'bytes',
      `network.incoming.bytes cumulative B instance-0000002a-${UUID}-tap3f`,
    ],
    [
      'guest.network.dropped',
      { device: 'tap3f', direction: 'transmit' },
      'counter',
      'count',
      `network.outgoing.packets.drop cumulative packet instance-0000002a-${UUID}-tap3f`,
    ],
    [
      'guest.perf',
      { event: 'cpu_cycles' },
      'counter',
      'count',
      `perf.cpu.cycles gauge  ${UUID}`, // Ceilometer takes this total for a level.
    ],
  ] as const)('%s %j is %5$s', (name, labels, kind, unit, expected) => {
    expect(told(guest(name, labels, kind, unit))).toEqual([expected]);
  });

  it('of a disk are also added up for its guest', () => {
    const both = told(guest('guest.disk.capacity', { device: 'vdb' }, 'gauge', 'bytes'));
    expect(both).toEqual([
      `disk.device.capacity gauge B ${UUID}-vdb`,
      `disk.capacity gauge B ${UUID}`,
    ]);
  });

  it('of the host are those of the compute node', () => {
    const cpu = series('system.cpu.total.time', { state: 'irq' }, 'counter');
    const host = 'web01.example.net';
    expect(told(cpu)).toEqual([`compute.node.cpu.kernel.time cumulative ns ${host}_${host}`]);
  });

  it('know a guest by what its labels say, however little that is', () => {
    const nic = { guest: 'mail', device: 'vnet2', direction: 'receive' };
    expect(told(series('guest.network.packets', nic, 'counter'))).toEqual([
      'network.incoming.packets cumulative packet mail-mail-vnet2',
    ]);
  });
});

describe('the CPU time of a guest', () => {
  const byVcpus = ceilometer.configured?.({ rates: false, others: true, cpu: 'vcpus' });

  it('is that of its vCPUs and their waits where that is wanted', () => {
    for (const name of ['guest.vcpu.time', 'guest.vcpu.wait.time']) {
      const one = guest(name, { vcpu: '1' }, 'counter', 'seconds');
      expect(told(one, NAMING, byVcpus)).toEqual([`cpu cumulative ns ${UUID}`]);
    }
    const domain = guest('guest.cpu.time', {}, 'counter', 'seconds');
    expect(told(domain, NAMING, byVcpus)).toEqual([`guest.cpu.time cumulative s ${UUID}`]);
  });
});

describe('a counter', () => {
  const io = guest('guest.network.io', { device: 't', direction: 'receive' }, 'counter', 'bytes');

  it('is cumulative, also where the handler sends rates', () => {
    expect(meter(io, { ...NAMING, counters: 'rates' })).toEqual(meter(io));
  });

  it('is sent as its growth where deltas are wanted', () => {
    const [spelling] = ceilometer.spell(io, { ...NAMING, counters: 'deltas' });
    expect(spelling).toMatchObject({
      reading: 'growth',
      meter: { name: 'network.incoming.bytes.delta', type: 'delta', unit: 'B' },
    });
  });

  it("is also sent per second with rates: true, as Ceilometer's pipeline did", () => {
    const [, rate] = rated.spell(io, NAMING);
    expect(rate).toMatchObject({
      reading: 'rate',
      meter: { name: 'network.incoming.bytes.rate', type: 'gauge', unit: 'B/s' },
    });
    expect(told(guest('guest.cpu.time', {}, 'counter', 'seconds'), NAMING, rated)).toHaveLength(1);
  });
});

describe('what Ceilometer does not have', () => {
  it('keeps its inner name and what tells it apart, and belongs to its guest', () => {
    const vcpu = guest('guest.vcpu.time', { vcpu: '1', project: 'p' }, 'counter', 'seconds');
    expect(meter(vcpu)).toEqual([
      { name: 'guest.vcpu.time.1', type: 'cumulative', unit: 's', resource: UUID, of: 'instance' },
    ]);
  });

  it('belongs to the host otherwise', () => {
    expect(told(series('system.cpu.load_average.1m'))).toEqual([
      'system.cpu.load_average.1m gauge  web01.example.net',
    ]);
  });

  it('is left out with others: false', () => {
    expect(rated.spell(series('system.cpu.load_average.1m'), NAMING)).toEqual([]);
  });

  it('is a delta where it is an amount', () => {
    expect(told(series('logs.lines', { status: '500' }, 'delta'))).toEqual([
      'logs.lines.500 delta  web01.example.net',
    ]);
  });
});

describe('a path', () => {
  const cpu = guest('guest.cpu.time', {}, 'counter', 'seconds');
  const path = (naming = NAMING) => ceilometer.spell(cpu, naming)[0]?.path;

  it('is the resource and the meter, without the host', () => {
    expect(path()).toBe(`${UUID}.cpu`);
    expect(path({ ...NAMING, prefix: 'openstack' })).toBe(`openstack.${UUID}.cpu`);
  });

  it('has tags where they are wanted', () => {
    expect(path({ ...NAMING, tags: true })).toBe(
      `cpu;domain=instance-0000002a;guest=${UUID};host=web01;uuid=${UUID}`,
    );
  });

  it('is never given twice, but for sums', () => {
    const spelled = observed().flatMap((one) => ceilometer.spell(one, NAMING));
    const single = spelled.filter(({ summed }) => !summed).map(({ path }) => path);
    expect(new Set(single).size).toBe(single.length);
  });
});

describe('a value', () => {
  const points = (samples: readonly (readonly [Series, number])[]): readonly Point[] => {
    const namer = createNamer(ceilometer, NAMING);
    const into: Point[] = [];
    namer.collection(
      samples.map(([one, value], id) => ({
        series: { ...one, id },
        value,
        time: 10,
        growth: undefined,
      })),
      into,
    );
    return into;
  };

  it('is in the unit of its meter: the CPU time is again the nanoseconds that libvirt counted', () => {
    const cpu = guest('guest.cpu.time', {}, 'counter', 'seconds');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (ns) => {
        const [point] = points([[cpu, ns / 1e9]]);
        expect(Math.round(point?.value ?? 0)).toBe(ns);
        expect(point?.name.precision).toBe(0);
      }),
    );
  });

  it('is the sum of what Ceilometer has as one', () => {
    const disk = (device: string) => guest('guest.disk.allocation', { device }, 'gauge', 'bytes');
    const sent = points([
      [disk('vda'), 5],
      [disk('vdb'), 7],
    ]);
    expect(sent.map(({ name, value }) => [name.meter?.name, value])).toEqual([
      ['disk.device.allocation', 5],
      ['disk.allocation', 12],
      ['disk.device.allocation', 7],
    ]);
  });
});
