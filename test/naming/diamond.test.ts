import { describe, expect, it } from 'vitest';
import type { Labels, Point } from '../../src/metric/index.ts';
import { createNamer, dialects } from '../../src/naming/index.ts';
import { describeSpelling, observed } from './observed.ts';
import { NAMING, series } from './support.ts';

const { diamond } = dialects;
const ROOT = { device: '/dev/sda1', mountpoint: '/', type: 'ext4', volume: '' };

/** What has a name of Diamond's; the generic rule never rounds. */
const spellings = observed()
  .flatMap((one) => diamond.spell(one, NAMING))
  .filter(({ precision }) => precision !== undefined);

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
    ['vmstat', 'pgfault pgmajfault pgpgin pgpgout pswpin pswpout'],
    ['sockets', 'used tcp_inuse tcp_orphan tcp_tw tcp_alloc tcp_mem udp_inuse udp_mem'],
    [
      'tcp',
      'ListenOverflows ListenDrops TCPTimeouts TCPLostRetransmit CurrEstab TCPAbortOnMemory ' +
        'TCPBacklogDrop AttemptFails EstabResets InErrs ActiveOpens PassiveOpens',
    ],
    ['udp', 'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors'],
    ['proc', 'ctxt processes btime procs_running procs_blocked'],
    [
      'process.web',
      'workers_count num_threads num_fds uptime cpu_percent cpu_times.user cpu_times.system ' +
        'memory_info_ex.rss memory_info_ex.vms io_counters.read_bytes io_counters.write_bytes ' +
        'num_ctx_switches.voluntary num_ctx_switches.involuntary',
    ],
  ])('under %s are all there', (path, names) => {
    const published = spellings.map((spelled) => spelled.path);
    for (const name of names.split(' ')) {
      expect(published).toContain(`servers.web01.${path}.${name}`);
    }
  });

  it('are never given twice, but for those that are sums', () => {
    const single = spellings.filter(({ summed }) => !summed).map(({ path }) => path);
    expect(new Set(single).size).toBe(single.length);
    for (const { path, summed } of spellings) if (summed) expect(single).not.toContain(path);
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

describe('sockets', () => {
  const points = (naming = NAMING) => {
    const into: Point[] = [];
    const namer = createNamer(diamond, naming);
    for (const [id, family] of ['ipv4', 'ipv6'].entries()) {
      const labels = { protocol: 'tcp', family, state: 'in_use' };
      const of = series('system.sockets.count', labels, 'gauge', id);
      namer.points({ series: of, value: 30 + id, time: 0, growth: undefined }, into);
    }
    return into.map(({ name, value }) => [name.path, value]);
  };

  it('of IPv4 and IPv6 are counted together', () => {
    expect(points()).toEqual([['servers.web01.sockets.tcp_inuse', 61]]);
  });

  it('are counted by family with tags, which tell them apart', () => {
    expect(points({ ...NAMING, tags: true })).toEqual([
      ['sockets.tcp_inuse;family=ipv4;host=web01;protocol=tcp;state=in_use', 30],
      ['sockets.tcp_inuse;family=ipv6;host=web01;protocol=tcp;state=in_use', 31],
    ]);
  });

  it('of protocols that Diamond leaves out have a generic name', () => {
    expect(paths('system.sockets.memory_pages', { protocol: 'frag' })).toEqual([
      'servers.web01.system.sockets.memory_pages.frag',
    ]);
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

it('names every disk, interface and file system as Diamond does, where that is asked', () => {
  const every = diamond.configured?.({ everyDevice: true }) ?? diamond;
  const named = (name: string, labels: Labels) =>
    every.spell(series(name, labels), NAMING).map(({ path }) => path.split('.').slice(2).join('.'));
  expect([
    ...named('system.network.io', { device: 'wlan0', direction: 'receive' }),
    ...named('system.disk.requests', { device: 'mmcblk0' }),
    ...named('system.filesystem.unused', { ...ROOT, type: 'zfs', device: 'tank' }),
  ]).toEqual([
    'network.wlan0.rx_bit',
    'network.wlan0.rx_byte',
    'iostat.mmcblk0.io',
    'iostat.mmcblk0.iops',
    'diskspace.root.byte_free',
  ]);
});
