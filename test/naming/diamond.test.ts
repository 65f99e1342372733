import { describe, expect, it } from 'vitest';
import type { Kind, Labels } from '../../src/metric/index.ts';
import { dialects, type Spelling } from '../../src/naming/index.ts';
import { formatValue } from '../../src/wire/graphite.ts';
import { NAMING, series } from './support.ts';

const { diamond } = dialects;
const ROOT = { device: '/dev/sda1', mountpoint: '/', type: 'ext4', volume: '' };

/** One series of every kind that the core collectors observe, as a Diamond user's host has them. */
const OBSERVED: readonly (readonly [string, Kind, readonly Labels[]])[] = [
  [
    'system.cpu.time',
    'counter',
    'user nice system idle iowait irq softirq steal guest guest_nice'
      .split(' ')
      .map((state) => ({ cpu: '0', state })),
  ],
  [
    'system.cpu.total.time',
    'counter',
    'user nice system idle iowait irq softirq steal guest guest_nice'
      .split(' ')
      .map((state) => ({ state })),
  ],
  ['system.cpu.logical.count', 'gauge', [{}]],
  [
    'system.memory.meminfo',
    'gauge',
    (
      'MemTotal MemFree MemAvailable Buffers Cached Active Dirty Inactive Shmem SwapTotal SwapFree ' +
      'SwapCached VmallocTotal VmallocUsed VmallocChunk Committed_AS Active(anon)'
    )
      .split(' ')
      .map((field) => ({ field })),
  ],
  ['system.memory.utilization', 'gauge', [{}]],
  ['system.filesystem.utilization', 'gauge', [ROOT]],
  ['system.filesystem.usage', 'gauge', ['used', 'free'].map((state) => ({ ...ROOT, state }))],
  ['system.filesystem.unused', 'gauge', [ROOT]],
  ['system.filesystem.inodes.utilization', 'gauge', [ROOT]],
  [
    'system.filesystem.inodes.usage',
    'gauge',
    ['used', 'free'].map((state) => ({ ...ROOT, state })),
  ],
  ['system.disk.operations', 'counter', directed('sda', 'read', 'write')],
  ['system.disk.merged', 'counter', directed('sda', 'read', 'write')],
  ['system.disk.io', 'counter', directed('sda', 'read', 'write')],
  ['system.disk.operation_time', 'counter', directed('sda', 'read', 'write')],
  ['system.disk.pending_operations', 'gauge', [{ device: 'sda' }]],
  ['system.disk.io_time', 'counter', [{ device: 'sda' }]],
  ['system.disk.weighted_io_time', 'counter', [{ device: 'sda' }]],
  ['system.disk.requests', 'delta', [{ device: 'sda' }]],
  ['system.disk.request_size', 'gauge', [{ device: 'sda' }]],
  ['system.disk.queue_length', 'gauge', [{ device: 'sda' }]],
  ['system.disk.utilization', 'gauge', [{ device: 'sda' }]],
  ['system.disk.await', 'gauge', directed('sda', 'read', 'write', 'all')],
  ['system.disk.service_time', 'gauge', [{ device: 'sda' }]],
  ['system.network.io', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.packets', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.errors', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.dropped', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.fifo', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.compressed', 'counter', directed('eth0', 'receive', 'transmit')],
  ['system.network.frame', 'counter', [{ device: 'eth0' }]],
  ['system.network.multicast', 'counter', [{ device: 'eth0' }]],
  ['system.network.collisions', 'counter', [{ device: 'eth0' }]],
  ['system.network.carrier', 'counter', [{ device: 'eth0' }]],
  ['system.cpu.load_average.1m', 'gauge', [{}]],
  ['system.cpu.load_average.5m', 'gauge', [{}]],
  ['system.cpu.load_average.15m', 'gauge', [{}]],
  ['system.cpu.load_average.1m.per_cpu', 'gauge', [{}]],
  ['system.cpu.load_average.5m.per_cpu', 'gauge', [{}]],
  ['system.cpu.load_average.15m.per_cpu', 'gauge', [{}]],
  ['system.threads.running', 'gauge', [{}]],
  ['system.threads.count', 'gauge', [{}]],
  ['system.uptime', 'gauge', [{}]],
];

function directed(device: string, ...directions: readonly string[]): Labels[] {
  return directions.map((direction) => ({ device, direction }));
}

const spellings = OBSERVED.flatMap(([name, kind, all]) =>
  all.flatMap((labels) => diamond.spell(series(name, labels, kind), NAMING)),
);

/** `inner{labels}  path  reading × scale + offset  %.2f`, in columns. */
function describeSpelling({ series, path, reading, precision, scale, offset }: Spelling): string {
  const labels = Object.entries(series.labels).filter(([, value]) => value !== '');
  const inner = `${series.metric.name}{${labels.map(([k, v]) => `${k}=${v}`).join(',')}}`;
  const sum = [reading, scale === 1 ? '' : `× ${formatValue(scale, undefined)}`];
  if (offset !== 0) sum.push(`+ ${offset}`);
  const columns = [path.padEnd(58), `%.${precision}f`, sum.join(' ').trim().padEnd(28), inner];
  return columns.join('  ');
}

const paths = (name: string, labels: Labels, naming = NAMING) =>
  diamond.spell(series(name, labels), naming).map((spelled) => spelled.path);

describe('the names of Diamond', () => {
  it('are these, with this precision, out of these readings', async () => {
    const text = `${spellings.map(describeSpelling).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot('../golden/diamond-names.txt');
  });

  it.each([
    ['cpu', 'cpu_count'],
    ['cpu.total', 'user nice system idle iowait irq softirq steal guest guest_nice'],
    ['cpu.cpu0', 'user nice system idle iowait irq softirq steal guest guest_nice'],
    [
      'memory',
      'MemTotal MemFree MemAvailable Buffers Cached Active Dirty Inactive Shmem SwapTotal SwapFree ' +
        'SwapCached VmallocTotal VmallocUsed VmallocChunk Committed_AS MemUsedPercentage',
    ],
    [
      'diskspace.root',
      'byte_percentfree byte_used byte_free byte_avail ' +
        'inodes_percentfree inodes_used inodes_free inodes_avail',
    ],
    [
      'iostat.sda',
      'reads reads_merged reads_byte reads_milliseconds ' +
        'writes writes_merged writes_byte writes_milliseconds ' +
        'io_in_progress io_milliseconds io_milliseconds_weighted ' +
        'read_requests_merged_per_second write_requests_merged_per_second ' +
        'reads_per_second writes_per_second read_byte_per_second write_byte_per_second ' +
        'average_request_size_byte io iops average_queue_length util_percentage ' +
        'read_await write_await await service_time concurrent_io',
    ],
    [
      'network.eth0',
      'rx_bit rx_byte tx_bit tx_byte rx_packets rx_errors rx_drop rx_fifo rx_frame rx_compressed ' +
        'rx_multicast tx_packets tx_errors tx_drop tx_fifo tx_colls tx_carrier tx_compressed',
    ],
    [
      'loadavg',
      '01 05 15 01_normalized 05_normalized 15_normalized processes_running processes_total',
    ],
    ['uptime', 'minutes'],
  ])('under %s are all there', (path, names) => {
    const published = spellings.map((spelled) => spelled.path);
    for (const name of names.split(' ')) {
      expect(published).toContain(`servers.web01.${path}.${name}`);
    }
  });

  it('are never given twice', () => {
    expect(new Set(spellings.map(({ path }) => path)).size).toBe(spellings.length);
  });
});

describe('a file system', () => {
  it.each([
    ['/', '', 'root'],
    ['/tmp', '', 'tmp'],
    ['/var/lib/docker.d', '', '_var_lib_docker_d'],
    ['/mnt/my disk', '', '_mnt_my040disk'],
    ['/mnt/a\\b', '', '_mnt_a134b'],
    ['/boot', 'BOOT', 'BOOT'],
    ['/data', 'My\\x20Disk', 'My\\x20Disk'],
  ])('mounted at %s with the label "%s" is called %s', (mountpoint, volume, name) => {
    const labels = { ...ROOT, mountpoint, volume };
    expect(paths('system.filesystem.unused', labels)).toEqual([
      `servers.web01.diskspace.${name}.byte_free`,
    ]);
  });

  it.each([
    { type: 'zfs' },
    { type: 'overlay' },
    { mountpoint: '/dev/shm' },
    { mountpoint: '/export/home/ann' },
    { device: 'tank' },
  ])('with %j, which Diamond leaves out, has a generic name', (labels) => {
    expect(paths('system.filesystem.unused', { ...ROOT, ...labels })).toEqual([
      expect.stringMatching(/^servers\.web01\.system\.filesystem\.unused\./),
    ]);
  });
});

describe('a device', () => {
  it.each(['sda', 'sda1', 'vdb', 'xvda1', 'md127', 'dm-0', 'nvme0n1', 'nvme0n1p2'])(
    '%s has Diamond names',
    (device) => {
      expect(paths('system.disk.queue_length', { device })).toEqual([
        `servers.web01.iostat.${device}.average_queue_length`,
      ]);
    },
  );

  it.each(['sr0', 'mmcblk0', 'zram0', 'nvme0c0n1', 'sda.old'])(
    '%s, which Diamond leaves out, has a generic name',
    (device) => {
      expect(paths('system.disk.queue_length', { device })).toEqual([
        `servers.web01.system.disk.queue_length.${device.replace('.', '_')}`,
      ]);
    },
  );

  it('that discards or flushes, which Diamond does not count, has a generic name for it', () => {
    expect(paths('system.disk.io', { device: 'sda', direction: 'discard' })).toEqual([
      'servers.web01.system.disk.io.sda.discard',
    ]);
  });
});

describe('an interface', () => {
  it('keeps its dots as levels', () => {
    expect(paths('system.network.frame', { device: 'eth0.100' })).toEqual([
      'servers.web01.network.eth0.100.rx_frame',
    ]);
  });

  it.each(['lo', 'wlan0', 'br0', 'veth12ab'])(
    '%s, which Diamond leaves out, has a generic name',
    (device) => {
      expect(paths('system.network.frame', { device })).toEqual([
        `servers.web01.system.network.frame.${device}`,
      ]);
    },
  );

  it('always gives rates, whatever the handler wants of counters', () => {
    const [name] = diamond.spell(series('system.network.frame', { device: 'eth0' }, 'counter'), {
      ...NAMING,
      counters: 'raw',
    });
    expect(name?.reading).toBe('rate');
  });
});

describe('where a name stands', () => {
  it.each([
    [{}, 'servers.web01.uptime.minutes'],
    [{ prefix: '' }, 'web01.uptime.minutes'],
    [{ prefix: 'a.b', suffix: 'linux' }, 'a.b.web01.linux.uptime.minutes'],
    [{ host: 'com.example.www' }, 'servers.com.example.www.uptime.minutes'],
    [{ host: '' }, 'servers.uptime.minutes'],
    [{ tags: true }, 'uptime.minutes;host=web01'],
    [{ tags: true, prefix: 'servers' }, 'servers.uptime.minutes;host=web01'],
  ])('with %j it is %s', (naming, path) => {
    expect(paths('system.uptime', {}, { ...NAMING, ...naming })).toEqual([path]);
  });

  it('with tags the device is both a level, as in Diamond, and a tag', () => {
    expect(
      paths(
        'system.network.io',
        { device: 'eth0', direction: 'receive' },
        { ...NAMING, tags: true },
      ),
    ).toEqual([
      'network.eth0.rx_bit;device=eth0;direction=receive;host=web01',
      'network.eth0.rx_byte;device=eth0;direction=receive;host=web01',
    ]);
  });

  it('is under the generic name for what Diamond does not know', () => {
    expect(paths('app.queue.length', { queue: 'mail' })).toEqual([
      'servers.web01.app.queue.length.mail',
    ]);
  });
});
