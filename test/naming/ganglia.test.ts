import { describe, expect, it } from 'vitest';
import type { Labels, Point, Sample } from '../../src/metric/index.ts';
import { createNamer, dialects } from '../../src/naming/index.ts';
import { GANGLIA_METRICS } from '../../src/wire/ganglia/metrics.ts';
import { describeSpelling, observed } from './observed.ts';
import { NAMING, series } from './support.ts';

const { ganglia } = dialects;

const paths = (name: string, labels: Labels = {}, naming = NAMING) =>
  ganglia.spell(series(name, labels), naming).map(({ path }) => path);

const isGmonds = (path: string) => path in GANGLIA_METRICS;
const spellings = observed()
  .flatMap((one) => ganglia.spell(one, NAMING))
  .filter(({ path }) => isGmonds(path));

/** What gmond's names come to in one collection. */
function collect(samples: readonly Sample[]) {
  const into: Point[] = [];
  const namer = createNamer(ganglia, NAMING);
  for (const sample of samples) namer.points(sample, into);
  namer.finish(into);
  return Object.fromEntries(into.map(({ name, value }) => [name.path, value]));
}

const grown = (name: string, labels: Labels, amount: number, id: number): Sample => ({
  series: series(name, labels, 'counter', id),
  value: 1000 + amount,
  time: 0,
  growth: { amount, seconds: 10 },
});

describe('the names of gmond', () => {
  it('are these, out of these readings', async () => {
    const text = `${spellings.map(describeSpelling).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot('../golden/ganglia-names.txt');
  });

  it('are all there, but for those that the handler has to make', () => {
    const spelled = new Set(spellings.map(({ path }) => path));
    expect(Object.keys(GANGLIA_METRICS).filter((name) => !spelled.has(name))).toEqual([
      'cpu_speed',
      'cpu_aidle',
      'part_max_used',
      'machine_type',
      'os_name',
      'os_release',
    ]);
  });

  it('have no host, prefix or suffix, as in its packets', () => {
    const naming = { ...NAMING, prefix: 'servers', suffix: 'linux', tags: true };
    expect(paths('system.boot_time', {}, naming)).toEqual(['boottime']);
    expect(paths('app.queue.length', { queue: 'mail' }, naming)).toEqual(['app.queue.length.mail']);
  });
});

describe('the CPU', () => {
  it('is percent of all time that passed on all CPUs, interrupts counted as system', () => {
    const spent = {
      user: 8,
      nice: 0,
      system: 2,
      idle: 26,
      iowait: 1,
      irq: 1,
      softirq: 1,
      steal: 1,
    };
    const samples = Object.entries({ ...spent, guest: 7, guest_nice: 0 }).map(
      ([state, seconds], id) => grown('system.cpu.total.time', { state }, seconds, id),
    );
    expect(collect(samples)).toMatchObject({
      cpu_user: 20,
      cpu_nice: 0,
      cpu_system: 10,
      cpu_idle: 65,
      cpu_wio: 2.5,
      cpu_intr: 2.5,
      cpu_sintr: 2.5,
      cpu_steal: 2.5,
    });
  });

  it('has no share before the second reading', () => {
    const first = { ...grown('system.cpu.total.time', { state: 'user' }, 1, 0), growth: undefined };
    expect(collect([first])).toEqual({});
  });
});

describe('traffic', () => {
  it('is that of all interfaces but lo, and but bonds, whose members count', () => {
    const devices = ['lo', 'bond0', 'eth0', 'eth1'];
    const samples = devices.map((device, id) =>
      grown('system.network.io', { device, direction: 'receive' }, 1000, id),
    );
    expect(collect(samples)).toEqual({
      bytes_in: 200,
      'system.network.io.lo.receive': 1100 + 900,
      'system.network.io.bond0.receive': 1100 + 900,
    });
  });
});

describe('disks', () => {
  const space = (device: string, type: string, id: number): Sample => ({
    series: series(
      'system.filesystem.limit',
      { device, mountpoint: `/${id}`, type, volume: '' },
      'gauge',
      id,
    ),
    value: 20e9,
    time: 0,
    growth: undefined,
  });

  it('are added up in GB where they are this host’s', () => {
    const samples = [
      space('/dev/sda1', 'ext4', 0),
      space('/dev/mapper/data', 'xfs', 1),
      space('nas:/home', 'nfs4', 2),
      space('tmpfs', 'tmpfs', 3),
    ];
    expect(collect(samples)).toMatchObject({ disk_total: 40 });
  });
});
