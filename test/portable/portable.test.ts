import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Collector, Observation } from 'cullinan/plugin';
import { afterAll, describe, expect, test } from 'vitest';
import agent from '../../collectors/agent.ts';
import batteries from '../../collectors/batteries.ts';
import cpu from '../../collectors/cpu.ts';
import disk from '../../collectors/disk.ts';
import filesystem from '../../collectors/filesystem.ts';
import inventory from '../../collectors/host.ts';
import load from '../../collectors/load.ts';
import memory from '../../collectors/memory.ts';
import network from '../../collectors/network.ts';
import sensors from '../../collectors/sensors.ts';
import uptime from '../../collectors/uptime.ts';
import { liveHost } from '../../src/host/index.ts';
import { portable } from '../../src/portable/index.ts';
import { collecting, expectDistinct, expectSound, type Run } from '../support/collector.ts';

/** A metric and its labels, as one text. */
const seriesOf = ({ metric, labels }: Observation): string =>
  `${metric.name}{${metric.labels.map((name) => labels[name]).join()}}`;

const valuesOf = ({ observations }: Run): ReadonlyMap<string, number> =>
  new Map(observations.map((observation) => [seriesOf(observation), observation.value]));

/** How far apart two readings of one figure may be, which are some milliseconds and allocations apart. */
const near = (share: number, least: number) => (a: number, b: number) =>
  Math.abs(a - b) <= Math.max(least, share * Math.max(Math.abs(a), Math.abs(b)));

const MiB = 1024 ** 2;

/** Runs where there is a /proc to compare with: the program asks the same kernel in another way. */
describe.runIf(process.platform === 'linux')('beside /proc', () => {
  const host = liveHost();
  afterAll(() => host.close());

  /** What both ways observe of a collector, by series; and what only one of them does. */
  async function both(collector: Collector, options: unknown = {}) {
    const other = await collecting(portable(collector))(0, { host, options });
    const own = await collecting(collector)(0, { host, options });
    expectSound(collector, other);
    expectDistinct(other);
    expect(other.thrown).toBeUndefined();
    return { own: valuesOf(own), other: valuesOf(other) };
  }

  /** Every series that is observed without /proc is observed with it, and its value agrees. */
  function expectAgreement(
    { own, other }: Awaited<ReturnType<typeof both>>,
    agree: (a: number, b: number, series: string) => boolean,
  ): void {
    for (const [series, value] of other) {
      const expected = own.get(series);
      if (expected === undefined || !agree(value, expected, series)) {
        expect.fail(`${series} is ${expected} in /proc and ${value} without it`);
      }
    }
  }

  test('cpu: every state of every CPU that Node knows', async () => {
    const found = await both(cpu);
    expectAgreement(found, near(0.02, 1.5));
    expect([...found.other.keys()]).toEqual(
      expect.arrayContaining([
        ...['user', 'nice', 'system', 'idle'].map((state) => `system.cpu.time{0,${state}}`),
        'system.cpu.total.time{user}',
        'system.cpu.logical.count{}',
      ]),
    );
  });

  test('cpu: without single CPUs where they are not wanted', async () => {
    const { other } = await both(cpu, { perCpu: false });
    expect([...other.keys()].filter((series) => series.startsWith('system.cpu.time'))).toEqual([]);
  });

  test('memory: all uses, which add up', async () => {
    const found = await both(memory);
    expectAgreement(found, (a, b, series) =>
      near(0.05, series.includes('utilization') ? 0.05 : 256 * MiB)(a, b),
    );
    const uses = [...found.other].filter(([series]) => series.startsWith('system.memory.usage'));
    expect(uses.map(([series]) => series)).toEqual([
      'system.memory.usage{used}',
      'system.memory.usage{free}',
      'system.memory.usage{buffered}',
      'system.memory.usage{cached}',
      'system.memory.usage{slab_reclaimable}',
    ]);
    const sum = uses.reduce((all, [, size]) => all + size, 0);
    expect(sum).toBe(found.other.get('system.memory.limit{}'));
  });

  test('filesystem: space by device, mount point and type', async () => {
    // Other tests mount filesystems of their own, some of which hang.
    const found = await both(filesystem, { mountpoints: { exclude: [`${tmpdir()}/*`] } });
    expectAgreement(found, (a, b, series) =>
      near(0.02, series.includes('utilization') ? 0.01 : 64 * MiB)(a, b),
    );
    expect(found.other.size).toBeGreaterThanOrEqual(6);
  });

  test('network: bytes, errors, drops and links by interface', async () => {
    const found = await both(network, { interfaces: { exclude: [] } });
    expectAgreement(found, near(0.05, 4 * MiB));
    expect([...found.other.keys()]).toEqual(
      expect.arrayContaining([
        'system.network.io{lo,receive}',
        'system.network.errors{lo,transmit}',
        'system.network.dropped{lo,receive}',
        'system.network.up{lo}',
      ]),
    );
  });

  test('network: only the interfaces that are wanted', async () => {
    const { other } = await both(network, { interfaces: { include: ['lo'], exclude: [] } });
    expect([...other.keys()].filter((series) => !series.includes('{lo'))).toEqual([]);
  });

  test('load', async () => {
    const found = await both(load);
    expectAgreement(found, near(0.1, 0.2));
    expect(found.other.size).toBe(6);
  });

  test('uptime', async () => {
    const found = await both(uptime);
    expectAgreement(found, near(0, 2));
    expect(found.other.size).toBe(2);
  });

  test('host: what the kernel and the processor are called', async () => {
    const [own, other] = [inventory, portable(inventory)].map((it) => collecting(it));
    const labels = async (run: Promise<Run> | undefined) => (await run)?.observations[0]?.labels;
    const mine = await labels(own?.(0, { host }));
    expect(await labels(other?.(0, { host }))).toMatchObject({
      os: mine?.['os'],
      kernel: mine?.['kernel'],
      version: mine?.['version'],
      arch: mine?.['arch'],
      memory: mine?.['memory'],
    });
  });

  test.runIf(existsSync('/usr/bin/lsblk'))('disk: all whole disks together', async () => {
    const { own, other } = await both(disk);
    const disks = [...own.keys()].flatMap(
      (series) => /^system\.disk\.operations\{([^,]+),read\}$/.exec(series)?.[1] ?? [],
    );
    const whole = disks.filter((device) => existsSync(`/sys/block/${device}/device`));
    for (const direction of ['read', 'write']) {
      const sum = whole.reduce(
        (all, device) => all + (own.get(`system.disk.operations{${device},${direction}}`) ?? 0),
        0,
      );
      const told = other.get(`system.disk.operations{all,${direction}}`) ?? Number.NaN;
      expect(near(0.05, 2000)(told, sum), `${direction}: ${told} and ${sum}`).toBe(true);
    }
    expect(other.get('system.disk.io{all,write}')).toBeGreaterThan(0);
  });
});

test('what it says of a collection does not say what it does not know', async () => {
  const host = liveHost();
  for (const collector of [sensors, batteries, disk]) {
    const run = await collecting(portable(collector))(0, { host });
    expectSound(collector, run);
    for (const { value } of run.observations) expect(value).not.toBeNaN();
  }
  host.close();
});

test('a collector that has no other source stays as it is', () => {
  expect(portable(agent)).toBe(agent);
});

test('name, options, metrics and what holds by default are the same', () => {
  for (const collector of [cpu, filesystem, sensors]) {
    const { open, collect, source, ...rest } = collector;
    expect(portable(collector)).toMatchObject(rest);
  }
});
