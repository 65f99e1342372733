import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Growth, Kind, Labels, Point, Sample, Series } from '../../src/metric/index.ts';
import { createNamer, type Dialect, dialects, type Naming } from '../../src/naming/index.ts';
import { encodeLines } from '../../src/wire/graphite.ts';
import { NAMING, series } from './support.ts';

const { collectd } = dialects;

/** The dialect with options as a configuration writes them. */
function speaking(written: Record<string, unknown> = {}): Dialect {
  const options = collectd.options?.parse(written);
  if (options === undefined || collectd.configured === undefined) throw new Error('no options');
  return collectd.configured(options);
}

const RATES: Naming = { ...NAMING, counters: 'rates' };

interface Seen {
  readonly name: string;
  readonly labels?: Labels;
  readonly kind?: Kind;
  readonly value?: number;
  /** Per second. */
  readonly rate?: number;
}

let ids = 0;
function sampleOf({ name, labels = {}, rate, kind, value = 0 }: Seen): Sample {
  ids += 1;
  const growth: Growth | undefined =
    rate === undefined ? undefined : { amount: rate * 10, seconds: 10 };
  const usual = rate === undefined ? 'gauge' : 'counter';
  const of: Series = series(name, labels, kind ?? usual, ids);
  return { series: of, value, time: 1_795_217_405.25, growth };
}

/** What goes onto the wire of one collection. */
function lines(seen: readonly Seen[], written?: Record<string, unknown>, naming = RATES): string[] {
  const namer = createNamer(speaking(written), naming);
  const points: Point[] = [];
  for (const each of seen) namer.points(sampleOf(each), points);
  namer.finish(points);
  return encodeLines(points, '\r\n').split('\r\n').slice(0, -1);
}

/** The paths of one series. */
const paths = (seen: Seen, written?: Record<string, unknown>, naming = RATES): string[] => [
  ...new Set(
    speaking(written)
      .spell(
        sampleOf({ rate: seen.kind === 'counter' ? 1 : 0, kind: 'gauge', ...seen }).series,
        naming,
      )
      .map(({ path }) => path),
  ),
];

const USER = {
  name: 'system.cpu.time',
  labels: { cpu: '0', state: 'user' },
  kind: 'counter',
} as const;
const RECEIVED = {
  name: 'system.network.io',
  labels: { device: 'eth0.100', direction: 'receive' },
  kind: 'counter',
} as const;
const LOAD = { name: 'system.cpu.load_average.1m' } as const;
const UPTIME = { name: 'system.uptime' } as const;
const DIRTY = {
  name: 'system.linux.vmstat.level',
  labels: { field: 'nr_dirty' },
} as const;

describe('a path', () => {
  it.each<[Record<string, unknown>, string, string, string, string]>([
    [
      {},
      'web01.cpu-0.cpu-user',
      'web01.interface-eth0_100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { prefix: 'collectd.' },
      'collectd.web01.cpu-0.cpu-user',
      'collectd.web01.interface-eth0_100.if_octets.rx',
      'collectd.web01.load.load.shortterm',
      'collectd.web01.uptime.uptime',
    ],
    [
      { postfix: '.x' },
      'web01.x.cpu-0.cpu-user',
      'web01.x.interface-eth0_100.if_octets.rx',
      'web01.x.load.load.shortterm',
      'web01.x.uptime.uptime',
    ],
    [
      { postfix: 'y' },
      'web01y.cpu-0.cpu-user',
      'web01y.interface-eth0_100.if_octets.rx',
      'web01y.load.load.shortterm',
      'web01y.uptime.uptime',
    ],
    [
      { escapeCharacter: '-' },
      'web01.cpu-0.cpu-user',
      'web01.interface-eth0-100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { escapeCharacter: '$' },
      'web01.cpu-0.cpu-user',
      'web01.interface-eth0$100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { separateInstances: true },
      'web01.cpu.0.cpu.user',
      'web01.interface.eth0_100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { alwaysAppendDS: true },
      'web01.cpu-0.cpu-user.value',
      'web01.interface-eth0_100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime.value',
    ],
    [
      { dropDuplicateFields: true },
      'web01.cpu-0.user',
      'web01.interface-eth0_100.if_octets.rx',
      'web01.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { dropDuplicateFields: true, alwaysAppendDS: true },
      'web01.cpu-0.user.value',
      'web01.interface-eth0_100.if_octets.rx',
      'web01.load.shortterm',
      'web01.uptime.value',
    ],
    [
      { preserveSeparator: true },
      'web01.cpu-0.cpu-user',
      'web01.interface-eth0.100.if_octets.rx',
      'web01.load.load.shortterm',
      'web01.uptime.uptime',
    ],
    [
      { useTags: true },
      'cpu.cpu;host=web01;plugin=cpu;plugin_instance=0;type=cpu;type_instance=user',
      'interface.if_octets.rx;host=web01;plugin=interface;plugin_instance=eth0.100;type=if_octets;ds_name=rx',
      'load.load.shortterm;host=web01;plugin=load;type=load;ds_name=shortterm',
      'uptime.uptime;host=web01;plugin=uptime;type=uptime',
    ],
    [
      { useTags: true, prefix: 'a.', postfix: '.z', dropDuplicateFields: true },
      'a.cpu.z;host=web01;plugin=cpu;plugin_instance=0;type_instance=user',
      'a.interface.if_octets.rx.z;host=web01;plugin=interface;plugin_instance=eth0.100;type=if_octets;ds_name=rx',
      'a.load.shortterm.z;host=web01;plugin=load;ds_name=shortterm',
      'a.uptime.z;host=web01;plugin=uptime',
    ],
  ])('with %j', (written, user, received, load, uptime) => {
    expect(paths(USER, written)).toEqual([user]);
    expect(paths(RECEIVED, written)).toEqual([received]);
    expect(paths(LOAD, written)).toEqual([load]);
    expect(paths(UPTIME, written)).toEqual([uptime]);
  });

  it.each<[Partial<Naming>, Record<string, unknown>, string]>([
    [{ host: 'web01.example.net' }, {}, 'web01_example_net.uptime.uptime'],
    [{ host: 'web01.example.net' }, { preserveSeparator: true }, 'web01.example.net.uptime.uptime'],
    [{ host: 'web01.example.net' }, { reverseHost: true }, 'net_example_web01.uptime.uptime'],
    [
      { host: 'web01.example.net' },
      { reverseHost: true, preserveSeparator: true },
      'net.example.web01.uptime.uptime',
    ],
    [
      { host: 'web01.example.net' },
      { reverseHost: true, useTags: true },
      'uptime.uptime;host=net.example.web01;plugin=uptime;type=uptime',
    ],
    [{ host: '' }, {}, 'uptime.uptime'],
    [{ prefix: 'collectd' }, {}, 'collectd.web01.uptime.uptime'],
    [{ prefix: 'collectd.' }, {}, 'collectd.web01.uptime.uptime'],
    [{ prefix: 'a', suffix: 'b' }, { prefix: 'c' }, 'a.cweb01.b.uptime.uptime'],
    [{ ownHost: 'another' }, {}, 'web01_example_net.uptime.uptime'],
    [
      { tags: true, labels: { site: 'ams1' } },
      {},
      'uptime.uptime;host=web01;plugin=uptime;type=uptime;site=ams1',
    ],
  ])('of a host under %j with %j is %s', (naming, written, path) => {
    expect(paths(UPTIME, written, { ...RATES, ...naming })).toEqual([path]);
  });

  it.each([
    ['/', 'root'],
    ['/var/log', 'var-log'],
    ['/mnt/my disk', 'mnt-my_disk'],
    ['/a.b', 'a_b'],
    ['/x"y\\z:!,()', 'x_y_z_____'],
    ['/é', 'é'],
    ['/a;b', 'a_b'],
    ['/tab\tline\n', 'tab_line_'],
  ])('of the filesystem at %j has %s', (mountpoint, name) => {
    const labels = { device: '/dev/vda1', mountpoint, type: 'ext4', volume: '', state: 'free' };
    expect(paths({ name: 'system.filesystem.usage', labels })).toEqual([
      `web01.df-${name}.df_complex-free`,
    ]);
  });

  it('keeps long names apart, which collectd cuts after 127 bytes', () => {
    const path = (mountpoint: string) =>
      paths({ name: 'system.filesystem.usage', labels: { mountpoint, state: 'free' } })[0] ?? '';
    const [a, b] = [path(`/${'x'.repeat(150)}a`), path(`/${'x'.repeat(150)}b`)];
    expect(a).not.toBe(b);
    expect(a?.split('.')[1]).toHaveLength('df-'.length + 127);
    expect(path(`/${'x'.repeat(127)}`)).toBe(`web01.df-${'x'.repeat(127)}.df_complex-free`);
  });

  it('can always be sent, whatever a device is called and whichever options are set', () => {
    const unkind = fc.constantFrom('.', '/', ';', ' ', '\n', '~', '=', 'a', '-');
    const devices = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.string({ unit: unkind, minLength: 1 }),
    );
    const flags = fc.record({
      separateInstances: fc.boolean(),
      alwaysAppendDS: fc.boolean(),
      dropDuplicateFields: fc.boolean(),
      preserveSeparator: fc.boolean(),
      useTags: fc.boolean(),
      reverseHost: fc.boolean(),
    });
    fc.assert(
      fc.property(devices, flags, (device, written) => {
        for (const name of ['system.network.io', 'app.something.else']) {
          const labels = { device, direction: 'receive' };
          for (const path of paths({ name, labels, kind: 'counter' }, written)) {
            // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
            expect(path).not.toMatch(/[\u0000-\u0020\u007f]/);
            // In the value of a tag a dot is a character like others.
            const [levels = '', ...tags] = path.split(';');
            expect(levels.split('.')).not.toContain('');
            for (const tag of tags) expect(tag).toMatch(/^[\w.:-]+=[^~]/u);
          }
        }
      }),
    );
  });
});

describe('a value', () => {
  it('of a level has up to 15 digits', () => {
    expect(
      lines([
        { ...LOAD, value: 1.26904296875 },
        { name: 'system.cpu.load_average.5m', value: 0.1 + 0.2 },
        { name: 'system.cpu.load_average.15m', value: 30.60368347167974 },
        { name: 'system.memory.meminfo', labels: { field: 'MemFree' }, value: 24_260_808_704 },
        { ...DIRTY, value: 61 },
      ]),
    ).toEqual([
      'web01.load.load.shortterm 1.26904296875 1795217405',
      'web01.load.load.midterm 0.3 1795217405',
      'web01.load.load.longterm 30.6036834716797 1795217405',
      'web01.memory.memory-free 24260808704 1795217405',
      'web01.vmem.vmpage_number-dirty 61 1795217405',
    ]);
  });

  it('of a counter is a rate with six digits, and there is none before the second reading', () => {
    expect(
      lines([
        { ...USER, rate: 0.123 },
        { ...RECEIVED, rate: 1000 / 3 },
      ]),
    ).toEqual([
      'web01.cpu-0.cpu-user 12.300000 1795217405',
      'web01.interface-eth0_100.if_octets.rx 333.333333 1795217405',
    ]);
    expect(lines([{ ...USER, value: 101.3 }])).toEqual([]);
  });

  it('of a counter is a whole number without StoreRates, also by the handler’s own word', () => {
    const raw = ['web01.cpu-0.cpu-user 10130 1795217405'];
    expect(lines([{ ...USER, value: 101.3 }], { storeRates: false })).toEqual(raw);
    expect(lines([{ ...USER, value: 101.3 }], {}, { ...RATES, counters: 'raw' })).toEqual(raw);
    expect(
      lines([{ ...USER, rate: 1 }], { storeRates: true }, { ...RATES, counters: 'raw' }),
    ).toEqual(['web01.cpu-0.cpu-user 100.000000 1795217405']);
  });

  it('of disk_time is the mean time of a request in ms; as a counter there is none', () => {
    const read = {
      name: 'system.disk.await',
      labels: { device: 'vda', direction: 'read' },
      value: 0.00225,
    };
    expect(lines([read])).toEqual(['web01.disk-vda.disk_time.read 2.250000 1795217405']);
    expect(lines([read], { storeRates: false })).toEqual([]);
  });
});

describe('memory', () => {
  const MEMINFO = {
    MemTotal: 1000,
    MemFree: 300,
    Buffers: 50,
    Cached: 200,
    Slab: 100,
    SUnreclaim: 40,
    SReclaimable: 60,
  };
  const meminfo = Object.entries(MEMINFO).map(([field, value]) => ({
    name: 'system.memory.meminfo',
    labels: { field },
    value,
  }));

  it('is used where it is neither free nor cache nor slab', () => {
    expect(lines(meminfo).sort()).toEqual([
      'web01.memory.memory-buffered 50 1795217405',
      'web01.memory.memory-cached 200 1795217405',
      'web01.memory.memory-free 300 1795217405',
      'web01.memory.memory-slab_recl 60 1795217405',
      'web01.memory.memory-slab_unrecl 40 1795217405',
      'web01.memory.memory-used 350 1795217405',
    ]);
  });

  it('is also given in percent, or only', () => {
    const memory = { valuesPercentage: true, valuesAbsolute: false };
    expect(lines(meminfo, { memory }).sort()).toEqual([
      'web01.memory.percent-buffered 5 1795217405',
      'web01.memory.percent-cached 20 1795217405',
      'web01.memory.percent-free 30 1795217405',
      'web01.memory.percent-slab_recl 6 1795217405',
      'web01.memory.percent-slab_unrecl 4 1795217405',
      'web01.memory.percent-used 35 1795217405',
    ]);
  });
});

describe('cpu', () => {
  const SPENT = {
    user: 0.3,
    nice: 0.1,
    system: 0.1,
    idle: 0.4,
    iowait: 0.1,
    irq: 0,
    softirq: 0,
    steal: 0,
    guest: 0.1,
    guest_nice: 0.05,
  };
  const time = (cpu: string) =>
    Object.entries(SPENT).map(([state, rate]) => ({
      name: 'system.cpu.time',
      labels: { cpu, state },
      rate,
    }));
  const total = Object.entries(SPENT).map(([state, rate]) => ({
    name: 'system.cpu.total.time',
    labels: { state },
    rate: rate * 2,
  }));
  const all = [
    ...time('0'),
    ...time('1'),
    ...total,
    { name: 'system.cpu.logical.count', value: 2 },
  ];
  const of = (cpu: Record<string, unknown>) =>
    lines(all, { cpu }).map((line) => line.replace(/^web01\.| \d+$/g, ''));

  it('is ticks of each CPU, with the time of guests in user and nice', () => {
    const found = of({});
    expect(found).toContain('cpu-0.cpu-user 30.000000');
    expect(found).toContain('cpu-1.cpu-nice 10.000000');
    expect(found).toContain('cpu-1.cpu-wait 10.000000');
    expect(found).toContain('cpu-1.cpu-interrupt 0.000000');
    expect(found).toHaveLength(16);
  });

  it('shows guests by themselves if asked, and takes them away from user and nice', () => {
    const found = of({ reportGuestState: true });
    expect(found).toContain('cpu-0.cpu-user 20.000000');
    expect(found).toContain('cpu-0.cpu-nice 5.000000');
    expect(found).toContain('cpu-0.cpu-guest 10.000000');
    expect(found).toContain('cpu-0.cpu-guest_nice 5.000000');
    expect(found).toHaveLength(20);
    const within = of({ reportGuestState: true, subtractGuestState: false });
    expect(within).toContain('cpu-0.cpu-user 30.000000');
    expect(within).toHaveLength(20);
  });

  it('is percent of the time of all states', () => {
    expect(
      of({ valuesPercentage: true })
        .filter((line) => line.startsWith('cpu-1'))
        .sort(),
    ).toEqual([
      'cpu-1.percent-idle 40',
      'cpu-1.percent-interrupt 0',
      'cpu-1.percent-nice 10',
      'cpu-1.percent-softirq 0',
      'cpu-1.percent-steal 0',
      'cpu-1.percent-system 10',
      'cpu-1.percent-user 30',
      'cpu-1.percent-wait 10',
    ]);
    const guests = of({ valuesPercentage: true, reportGuestState: true });
    expect(guests).toContain('cpu-0.percent-user 20');
    expect(guests).toContain('cpu-0.percent-guest 10');
  });

  it('is percent of all CPUs together where they are not reported one by one', () => {
    expect(of({ reportByCpu: false }).sort()).toEqual([
      'cpu.percent-idle 40',
      'cpu.percent-interrupt 0',
      'cpu.percent-nice 10',
      'cpu.percent-softirq 0',
      'cpu.percent-steal 0',
      'cpu.percent-system 10',
      'cpu.percent-user 30',
      'cpu.percent-wait 10',
    ]);
  });

  it('is one percentage where states are not reported', () => {
    expect(of({ reportByState: false })).toEqual([
      'cpu-0.percent-active 60',
      'cpu-1.percent-active 60',
    ]);
    expect(of({ reportByState: false, reportByCpu: false, reportNumCpu: true }).sort()).toEqual([
      'cpu.count 2',
      'cpu.percent-active 60',
    ]);
    // Guests counted twice, as collectd does where it is told not to subtract them.
    const twice = { reportByState: false, reportGuestState: true, subtractGuestState: false };
    expect(of(twice)[0]).toBe('cpu-0.percent-active 65.2173913043478');
  });

  it('is what is left where a state was set back', () => {
    const back = time('0').map((each) => {
      if (each.labels.state !== 'iowait') return each;
      const { rate: _, ...rest } = each;
      return { ...rest, kind: 'counter' as const };
    });
    const found = lines(back, { cpu: { valuesPercentage: true } });
    expect(found).toContain('web01.cpu-0.percent-idle 44.4444444444444 1795217405');
    expect(found.some((line) => line.includes('wait'))).toBe(false);
  });
});

describe('df', () => {
  const where = { device: '/dev/vda1', mountpoint: '/', type: 'ext4', volume: '' };
  const filesystem: Seen[] = [
    ...Object.entries({ used: 40, free: 50, reserved: 10 }).map(([state, value]) => ({
      name: 'system.filesystem.usage',
      labels: { ...where, state },
      value,
    })),
    { name: 'system.filesystem.inodes.usage', labels: { ...where, state: 'used' }, value: 25 },
    { name: 'system.filesystem.inodes.usage', labels: { ...where, state: 'free' }, value: 75 },
    { name: 'system.filesystem.inodes.utilization', labels: where, value: 0.25 },
  ];
  const of = (df: Record<string, unknown>) =>
    lines(filesystem, { df })
      .map((line) => line.replace(/^web01\.| \d+$/g, ''))
      .sort();

  it('has bytes, and inodes if asked', () => {
    const bytes = [
      'df-root.df_complex-free 50',
      'df-root.df_complex-reserved 10',
      'df-root.df_complex-used 40',
    ];
    expect(of({})).toEqual(bytes);
    expect(of({ reportInodes: true })).toEqual([
      ...bytes,
      'df-root.df_inodes-free 75',
      'df-root.df_inodes-reserved 0',
      'df-root.df_inodes-used 25',
    ]);
  });

  it('has percent, and is named by device', () => {
    expect(
      of({
        valuesAbsolute: false,
        valuesPercentage: true,
        reportInodes: true,
        reportByDevice: true,
      }),
    ).toEqual([
      'df-vda1.percent_bytes-free 50',
      'df-vda1.percent_bytes-reserved 10',
      'df-vda1.percent_bytes-used 40',
      'df-vda1.percent_inodes-free 75',
      'df-vda1.percent_inodes-reserved 0',
      'df-vda1.percent_inodes-used 25',
    ]);
  });
});

describe('the other plugins’ options', () => {
  it.each<[string, Seen, Record<string, unknown>, string[]]>([
    ['ReportRelative', LOAD, { load: { reportRelative: true } }, []],
    [
      'ReportRelative',
      { name: 'system.cpu.load_average.1m.per_cpu' },
      { load: { reportRelative: true } },
      ['web01.load.load-relative.shortterm'],
    ],
    [
      'ReportIO',
      { name: 'system.paging.swap_pages', labels: { direction: 'in' }, kind: 'counter' },
      { swap: { reportIO: false } },
      [],
    ],
    [
      'ValuesPercentage',
      { name: 'system.paging.usage', labels: { state: 'used' } },
      { swap: { valuesPercentage: true } },
      ['web01.swap.swap-used', 'web01.swap.percent-used'],
    ],
    [
      'Verbose',
      { name: 'system.linux.vmstat', labels: { field: 'pgsteal_kswapd_normal' }, kind: 'counter' },
      { vmem: { verbose: true } },
      ['web01.vmem-normal.vmpage_action-steal_kswapd'],
    ],
    [
      'Verbose',
      { name: 'system.linux.vmstat', labels: { field: 'pgactivate' }, kind: 'counter' },
      { vmem: { verbose: true } },
      ['web01.vmem.vmpage_action-activate'],
    ],
    [
      'AllPortsSummary',
      { name: 'system.tcp.connections', labels: { state: 'listen' } },
      { tcpconns: { allPortsSummary: true } },
      ['web01.tcpconns-all.tcp_connections-LISTEN'],
    ],
    [
      'AllPortsSummary',
      { name: 'system.tcp.connections', labels: { state: 'close' } },
      { tcpconns: { allPortsSummary: true } },
      ['web01.tcpconns-all.tcp_connections-CLOSED'],
    ],
  ])('%s', (_, seen, written, expected) => {
    expect(paths(seen, written)).toEqual(expected);
  });
});

describe('what collectd does not have', () => {
  it.each<[Seen, Record<string, unknown>, Partial<Naming>, string]>([
    [
      { name: 'system.network.multicast', labels: { device: 'eth0.1' }, kind: 'counter' },
      {},
      {},
      'web01.network.derive-multicast.eth0_1',
    ],
    [
      { name: 'system.disk.queue_length', labels: { device: 'vda' } },
      {},
      {},
      'web01.disk.gauge-queue_length.vda',
    ],
    [
      {
        name: 'cullinan.collector.runs',
        labels: { collector: 'cpu', outcome: 'ok' },
        kind: 'counter',
      },
      {},
      {},
      'web01.cullinan.derive-collector-runs.cpu.ok',
    ],
    [
      { name: 'system.linux.vmstat', labels: { field: 'pgscan_direct' }, kind: 'counter' },
      {},
      {},
      'web01.vmstat.derive.pgscan_direct',
    ],
    [
      { name: 'app.queue.length', labels: { queue: 'mail' } },
      { separateInstances: true },
      {},
      'web01.app.gauge.queue-length.mail',
    ],
    [
      { name: 'app.queue.length', labels: { queue: 'mail' } },
      {},
      { tags: true },
      'app.gauge;host=web01;plugin=app;type=gauge;type_instance=queue-length;queue=mail',
    ],
  ])('%j with %j and %j is %s', (seen, written, naming, path) => {
    expect(paths(seen, written, { ...RATES, ...naming })).toEqual([path]);
  });

  it('is sent as it stands, or per second', () => {
    const runs = { name: 'app.requests', rate: 2.5, value: 100.5 };
    expect(lines([runs])).toEqual(['web01.app.derive-requests 2.500000 1795217405']);
    expect(lines([runs], { storeRates: false })).toEqual([
      'web01.app.derive-requests 100.5 1795217405',
    ]);
  });
});

describe('beside what a real collectd 5.12 sent', () => {
  const real = readFileSync(new URL('recorded/write_graphite.txt', import.meta.url), 'utf8');
  const words = (text: string) => text.split(' ');
  const counters = (name: string, sets: readonly Labels[]) =>
    sets.map((labels) => ({ name, labels, kind: 'counter' as const }));
  const directed = (device: string) =>
    words('receive transmit').map((direction) => ({ device, direction }));
  const observed: readonly Seen[] = [
    ...words('0 1 2 3').flatMap((cpu) =>
      words('user nice system idle iowait irq softirq steal').map((state) => ({
        ...USER,
        labels: { cpu, state },
      })),
    ),
    ...words('MemTotal MemFree Buffers Cached Slab SUnreclaim SReclaimable').map((field) => ({
      name: 'system.memory.meminfo',
      labels: { field },
    })),
    ...words('/ /run/netns').flatMap((mountpoint) =>
      words('used free reserved').map((state) => ({
        name: 'system.filesystem.usage',
        labels: { mountpoint, state },
      })),
    ),
    ...words('1m 5m 15m').map((over) => ({ name: `system.cpu.load_average.${over}` })),
    ...words('lo ifb0 ifb1 eth0 pbr0 vnet0').flatMap((device) =>
      words('io packets errors dropped').flatMap((what) =>
        counters(`system.network.${what}`, directed(device)),
      ),
    ),
    ...words('used free cached').map((state) => ({
      name: 'system.paging.usage',
      labels: { state },
    })),
    ...counters('system.paging.swap_pages', [{ direction: 'in' }, { direction: 'out' }]),
    UPTIME,
    ...words('pgpgin pgpgout pswpin pswpout pgfault pgmajfault nr_dirtied nr_written').flatMap(
      (field) => counters('system.linux.vmstat', [{ field }]),
    ),
    ...words('sleeping zombie stopped blocked').map((status) => ({
      name: 'system.processes.count',
      labels: { status },
    })),
    { name: 'system.processes.running' },
    { name: 'system.processes.created', kind: 'counter' },
    ...words('read write').flatMap((direction) => [
      ...words('io operations merged').flatMap((what) =>
        counters(`system.disk.${what}`, [{ device: 'vda', direction }]),
      ),
      { name: 'system.disk.await', labels: { device: 'vda', direction } },
    ]),
    ...words('io_time weighted_io_time').flatMap((what) =>
      counters(`system.disk.${what}`, [{ device: 'vda' }]),
    ),
  ];

  /** Its lines about the host itself; "tiny" is a guest that its virt plugin saw. */
  const sent = real
    .split('\r\n')
    .slice(0, -1)
    .filter((line) => !line.startsWith('collectd.tiny.'));
  const fields = new Set(
    sent.flatMap((line) => /vmpage_number-(\w+)/.exec(line)?.[1] ?? []).map((page) => `nr_${page}`),
  );
  const all: readonly Seen[] = [
    ...observed,
    ...[...fields].map((field) => ({ name: 'system.linux.vmstat.level', labels: { field } })),
  ];
  const written = { prefix: 'collectd.', storeRates: false, df: { valuesPercentage: true } };
  const naming = { ...RATES, host: 'host.example' };
  // disk_time has no counter of ours.
  const rates = { ...written, storeRates: true };

  test('every name is one of ours', () => {
    const ours = new Set(all.flatMap((each) => paths(each, rates, naming)));
    const theirs = sent.map((line) => line.split(' ')[0] ?? '');
    expect(theirs.length).toBeGreaterThan(150);
    expect(theirs.filter((path) => !ours.has(path))).toEqual([]);
  });

  test('every line is, byte for byte, what we write of the same value', () => {
    const dialect = speaking(written);
    const names = new Map(
      all
        .flatMap((each) => dialect.spell(sampleOf(each).series, naming))
        .map((name) => [name.path, name]),
    );
    for (const line of sent) {
      const [path = '', value = '', time = ''] = line.split(' ');
      const name = names.get(path);
      if (path.includes('.disk_time.')) continue;
      if (name === undefined) throw new Error(path);
      const point = { name, value: Number(value), time: Number(time) };
      expect(encodeLines([point], '\r\n')).toBe(`${line}\r\n`);
    }
  });
});

test('options that are wrong are refused', () => {
  const refused = (written: Record<string, unknown>) =>
    collectd.options?.safeParse(written).success;
  for (const escapeCharacter of ['', 'ab', '.', ' ', '/', '\n', ';', '~']) {
    expect(refused({ escapeCharacter })).toBe(false);
  }
  expect(refused({ separate: true })).toBe(false);
});
