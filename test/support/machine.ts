import type { Batch, Point } from 'cullinan/plugin';
import { type PointFacts, point } from './points.ts';

export interface Machine {
  readonly host: string;
  readonly cores: number;
  /** Busy ratio of a core. */
  busy(core: number): number;
  readonly disks: readonly (readonly [name: string, read: number, write: number, busy: number])[];
  readonly mounts: readonly (readonly [path: string, size: number, used: number, type: string])[];
  readonly links: readonly (readonly [
    name: string,
    receive: number,
    transmit: number,
    speed: number,
  ])[];
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;

export const SMALL: Machine = {
  host: 'web01',
  cores: 4,
  busy: (core) => [0.31, 0.62, 0.08, 0.94][core] ?? 0,
  disks: [
    ['nvme0n1', 3.4 * MIB, 12.7 * MIB, 0.37],
    ['sda', 0, 48 * 1024, 0.02],
  ],
  mounts: [
    ['/', 40 * GIB, 22.4 * GIB, 'ext4'],
    ['/boot', 0.5 * GIB, 0.4 * GIB, 'ext4'],
    ['/srv/data', 1800 * GIB, 1730 * GIB, 'xfs'],
  ],
  links: [
    ['eth0', 12_400_000, 3_100_000, 125_000_000],
    ['wg0', 1200, 860, 0],
  ],
};

export const BIG: Machine = {
  host: 'numa-64.example.net',
  cores: 64,
  busy: (core) => ((core * 37) % 100) / 100,
  disks: [
    ...Array.from(
      { length: 8 },
      (_, i) => [`nvme${i}n1`, i * 210 * MIB, i * 90 * MIB, i / 8] as const,
    ),
    ['md0', 1470 * MIB, 630 * MIB, 0.5],
    ['dm-0', 0, 0, 0],
  ],
  mounts: [
    ['/', 200 * GIB, 61 * GIB, 'ext4'],
    ['/srv/a very long mount point/with many levels/indeed', 7000 * GIB, 6800 * GIB, 'xfs'],
    ['/mnt/日本語', 900 * GIB, 400 * GIB, 'nfs4'],
    ['/mnt/evil\x1b[2J\u202egnp', 10 * GIB, 1 * GIB, 'ext4'],
  ],
  links: [
    ['bond0', 2_300_000_000, 1_900_000_000, 3_125_000_000],
    ['bond0.120', 1_100_000_000, 900_000_000, 3_125_000_000],
    ['enp65s0f0np0', 1_200_000_000, 950_000_000, 3_125_000_000],
    ['enp65s0f1np1', 1_100_000_000, 950_000_000, 3_125_000_000],
    ['eno1', 0, 0, 0],
  ],
};

/** Everything the live view shows of a machine at one tick, as the agent would hand it over. */
export function pointsOf(machine: Machine, time = 1_795_219_200): Batch {
  const points: Point[] = [];
  const say = (metric: string, value: number, facts: PointFacts = {}) =>
    points.push(point(metric, { ...facts, value, time, host: machine.host }));
  const total = new Map<string, number>();
  for (let core = 0; core < machine.cores; core += 1) {
    const busy = machine.busy(core);
    const states = {
      user: busy * 0.62,
      nice: 0,
      system: busy * 0.3,
      irq: 0,
      softirq: busy * 0.06,
      steal: busy * 0.02,
      iowait: (1 - busy) * 0.08,
      idle: (1 - busy) * 0.92,
    };
    for (const [state, value] of Object.entries(states)) {
      total.set(state, (total.get(state) ?? 0) + value);
      say('system.cpu.time', value, {
        kind: 'counter',
        unit: 's',
        labels: { cpu: String(core), state },
      });
    }
  }
  for (const [state, value] of total) {
    say('system.cpu.total.time', value, { kind: 'counter', unit: 's', labels: { state } });
  }
  const limit = machine.cores * 4 * GIB;
  say('system.memory.limit', limit, { unit: 'B' });
  for (const [state, part] of Object.entries({
    used: 0.43,
    free: 0.12,
    buffered: 0.02,
    cached: 0.4,
    slab_reclaimable: 0.03,
  })) {
    say('system.memory.usage', limit * part, { unit: 'B', labels: { state } });
  }
  say('system.linux.memory.available', limit * 0.55, { unit: 'B' });
  say('system.paging.limit', 2 * GIB, { unit: 'B' });
  say('system.paging.usage', 0.1 * GIB, { unit: 'B', labels: { state: 'used' } });
  for (const [device, read, write, busy] of machine.disks) {
    const of = { kind: 'counter' } as const;
    say('system.disk.io', read, { ...of, unit: 'B', labels: { device, direction: 'read' } });
    say('system.disk.io', write, { ...of, unit: 'B', labels: { device, direction: 'write' } });
    say('system.disk.operations', read / 65_536, { ...of, labels: { device, direction: 'read' } });
    say('system.disk.operations', write / 16_384, {
      ...of,
      labels: { device, direction: 'write' },
    });
    say('system.disk.utilization', busy, { unit: '1', labels: { device } });
    if (read + write > 0) {
      say('system.disk.await', busy / 500, { unit: 's', labels: { device, direction: 'all' } });
    }
  }
  for (const [mountpoint, size, used, type] of machine.mounts) {
    const labels = { device: '/dev/mapper/x', mountpoint, type, volume: '' };
    const of = { unit: 'B' } as const;
    say('system.filesystem.limit', size, { ...of, labels });
    say('system.filesystem.usage', used, { ...of, labels: { ...labels, state: 'used' } });
    say('system.filesystem.usage', (size - used) * 0.95, {
      ...of,
      labels: { ...labels, state: 'free' },
    });
    say('system.filesystem.inodes.utilization', used / size / 4, { unit: '1', labels });
  }
  for (const [device, receive, transmit, speed] of machine.links) {
    for (const [direction, value] of Object.entries({ receive, transmit })) {
      const of = { kind: 'counter', labels: { device, direction } } as const;
      say('system.network.io', value, { ...of, unit: 'B' });
      say('system.network.packets', value / 900, of);
      say('system.network.errors', 0, of);
      say('system.network.dropped', device === 'wg0' ? 0.4 : 0, of);
    }
    if (speed > 0) say('system.network.speed', speed, { unit: 'B', labels: { device } });
    say('system.network.up', device === 'eno1' ? 0 : 1, { labels: { device } });
  }
  const load = machine.cores * 0.52;
  say('system.cpu.load_average.1m', load * 1.5);
  say('system.cpu.load_average.5m', load);
  say('system.cpu.load_average.15m', load * 0.9);
  say('system.uptime', 1_048_920, { unit: 's' });
  say('cullinan.event_loop.lag', 0.0031, { unit: 's' });
  say('cullinan.process.memory', 61.4 * MIB, { unit: 'B' });
  say('cullinan.process.cpu.time', 0.0032, { kind: 'counter', labels: { state: 'user' } });
  say('cullinan.process.cpu.time', 0.0011, { kind: 'counter', labels: { state: 'system' } });
  return points;
}

/** What the agent says of itself, when all is well or when it is not. */
export const health = (well: boolean) => ({
  collectors: ['agent', 'cpu', 'disk', 'filesystem', 'load', 'memory', 'network', 'uptime'].map(
    (name) => ({
      name,
      outcomes: { ok: 7, failed: !well && name === 'disk' ? 1 : 0, 'timed-out': 0, skipped: 0 },
      series: 45,
    }),
  ),
  handlers: [
    { name: 'live', delivered: 2512, queued: 0, dropped: { overflow: 0 }, connected: true },
    {
      name: 'graphite',
      delivered: 12_340,
      queued: well ? 0 : 4120,
      dropped: { overflow: well ? 0 : 210 },
      connected: well,
    },
  ],
  problem: well
    ? undefined
    : 'handler graphite: cannot reach graphite.example.net:2003: connection refused. 4120 points wait.',
});
