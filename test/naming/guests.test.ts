import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Point, Sample } from '../../src/metric/index.ts';
import { createNamer, type Dialect, dialects, type Naming } from '../../src/naming/index.ts';
import { formatValue } from '../../src/wire/graphite.ts';
import { guestSamples } from '../support/guest-series.ts';

const KVM1: Naming = {
  ...{ prefix: undefined, host: 'kvm1', ownHost: 'kvm1.example.net', suffix: '' },
  ...{ tags: false, labels: {}, counters: 'rates' },
};
const RAW: Naming = { ...KVM1, counters: 'raw' };

function pointsOf(samples: readonly Sample[], dialect: Dialect, naming: Naming): Point[] {
  const into: Point[] = [];
  createNamer(dialect, naming).collection(samples, into);
  return into;
}

const described = ({ name, value }: Point): string => {
  const { labels, metric } = name.series;
  const inner = metric.labels.map((label) => `${label}="${labels[label]}"`).join();
  const number = formatValue(value, name.precision, name.significant);
  return `${name.path.padEnd(84)} ${number.padEnd(16)} ${metric.name}{${inner}}`;
};

/** Path to value. */
async function sent(dialect: Dialect, naming = KVM1, options: object = {}) {
  const points = pointsOf(await guestSamples(options), dialect, naming);
  return Object.fromEntries(points.map(({ name, value }) => [name.path, value]));
}
const pathsOf = async (...given: Parameters<typeof sent>) => Object.keys(await sent(...given));
const configured = (dialect: Dialect, options: object): Dialect => {
  const parsed = dialect.options?.parse(options);
  return dialect.configured?.(parsed) ?? dialect;
};

const EVERYTHING = configured(dialects.collectd, {
  virt: {
    extraStats: [
      ...['cpu_util', 'disk', 'domain_state', 'memory', 'pcpu', 'perf', 'vcpu'],
      ...['disk_allocation', 'disk_capacity', 'disk_physical'],
    ],
  },
});

test.each([
  ['otel', dialects.otel, RAW],
  ['diamond', dialects.diamond, KVM1],
  ['collectd', dialects.collectd, KVM1],
  ['collectd-extra', EVERYTHING, RAW],
  ['prometheus', dialects.prometheus, RAW],
  ['ganglia', dialects.ganglia, KVM1],
  ['ceilometer', dialects.ceilometer, RAW],
  ['salt', dialects.salt, RAW],
])('a guest and its hypervisor go by these names: %s', async (name, dialect, naming) => {
  const points = pointsOf(await guestSamples(), dialect, naming);
  const paths = points.map((point) => point.name.path);
  expect(new Set(paths).size).toBe(paths.length);
  const text = `${points.map(described).join('\n')}\n`;
  await expect(text).toMatchFileSnapshot(`../golden/guests/${name}.txt`);
});

describe('Diamond', () => {
  const { diamond } = dialects;

  test('has no host and no prefix in a guest’s path, and the hypervisor below its host', async () => {
    const naming = { ...KVM1, prefix: 'hosts', suffix: 'virtual' };
    const paths = await pathsOf(diamond, naming);
    expect(paths.filter((path) => !path.startsWith('instances.web1.'))).toEqual(
      paths.filter((path) => path.startsWith('hosts.kvm1.virtual.hypervisor.')),
    );
  });

  test('has percent of one CPU, twice; or, with cpu_absolute, nanoseconds', async () => {
    expect(await sent(diamond)).toMatchObject({
      'instances.web1.libvirt-kvm.cpu.0.time': expect.closeTo(50),
      'instances.web1.libvirt-kvm.cpu.total.time': expect.closeTo(50),
    });
    const absolute = configured(diamond, { cpuAbsolute: true, instancePrefix: 'vms' });
    expect(await sent(absolute)).toMatchObject({
      'vms.web1.libvirt-kvm.cpu.total.time': 11_235_344_000,
    });
  });

  test('has totals of disks and interfaces as they stand, whatever the handler does with counters', async () => {
    for (const counters of ['rates', 'raw', 'deltas'] as const) {
      expect(await sent(diamond, { ...KVM1, counters })).toMatchObject({
        'instances.web1.libvirt-kvm.block.vda.read_bytes': 12_849_664,
        'instances.web1.libvirt-kvm.block.total.read_reqs': 95,
        'instances.web1.libvirt-kvm.net.vnet2.rx_bytes': 1720,
      });
    }
  });

  test('makes levels of the dots in a guest’s name', async () => {
    const paths = await pathsOf(diamond, KVM1, { identity: 'nova' });
    expect(paths).toContain('instances.web.shop.libvirt-kvm.memory.rss');
    expect(paths).toContain('instances.web.shop.guest.vcpu.time.0');
  });

  test('with tags, has the guest among them, and still no host', async () => {
    const paths = await pathsOf(diamond, { ...KVM1, tags: true });
    expect(paths).toContain('libvirt-kvm.memory.rss;guest=web1');
    expect(paths).toContain('guest.vcpu.time;guest=web1;vcpu=0');
    expect(paths).toContain('hypervisor.refused;host=kvm1');
  });
});

describe('Salt', () => {
  const { salt } = dialects;

  test('has totals of a guest in whole numbers, without a host', async () => {
    const { 'virt.vm_cputime.web1.cputime': time, ...rest } = await sent(salt, RAW);
    expect(time).toBe(11_235_344_000);
    expect(rest).toMatchObject({
      'virt.vm_netstats.web1.rx_packets': 20,
      'virt.vm_diskstats.web1.rd_bytes': 12_853_760,
      'virt.vm_diskstats.web1.errs': 2,
      'virt.guest_vcpu_time.web1.0': 4.75,
      'kvm1.hypervisor.vcpus.physical': 8,
    });
  });

  test('has totals where everything else is sent per second', async () => {
    expect(await sent(salt)).toMatchObject({
      'virt.vm_cputime.web1.cputime': 11_235_344_000,
      'virt.guest_vcpu_time.web1.0': 0,
    });
  });

  test('makes an underscore of a dot in a guest’s name, as the returner does', async () => {
    const naming = { ...RAW, prefix: 'cloud' };
    const paths = await pathsOf(salt, naming, { identity: 'nova', labels: ['uuid', 'project'] });
    expect(paths).toContain('cloud.virt.vm_cputime.web_shop.cputime');
    expect(paths).toContain('cloud.virt.guest_memory_usage.web_shop');
  });

  test('has the labels in tags', async () => {
    const paths = await pathsOf(salt, { ...RAW, tags: true }, { labels: ['project'] });
    expect(paths).toContain('virt.vm_cputime.web1.cputime;guest=web1;project=shop');
    expect(paths).toContain('guest.memory.usage;guest=web1;project=shop');
  });
});

describe('collectd', () => {
  const { collectd } = dialects;
  const ALL = { labels: ['domain', 'uuid', 'instance'] };
  const UUID = '6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11';

  /** What the CPU time of a guest is called with these options of the plugin. */
  const timeOf = async (virt: object, options: object = ALL) =>
    (await pathsOf(configured(collectd, { virt }), KVM1, options)).find((path) =>
      path.endsWith('virt_cpu_total'),
    );

  test.each([
    [{}, 'web1.virt.virt_cpu_total'],
    [{ hostnameFormat: 'uuid' }, `${UUID}.virt.virt_cpu_total`],
    [{ hostnameFormat: 'metadata' }, 'web_shop.virt.virt_cpu_total'],
    [{ hostnameFormat: ['name', 'uuid'] }, `web1_${UUID}.virt.virt_cpu_total`],
    [{ hostnameFormat: 'hostname', pluginInstanceFormat: 'name' }, 'kvm1.virt-web1.virt_cpu_total'],
    [
      { hostnameFormat: ['hostname', 'name'], pluginInstanceFormat: ['uuid', 'metadata'] },
      `kvm1_web1.virt-${UUID}_web_shop.virt_cpu_total`,
    ],
  ])('puts the guest where its formats say: %j', async (virt, path) => {
    expect(await timeOf(virt)).toBe(path);
  });

  test('takes what the collector calls the guest for what it does not know of it', async () => {
    expect(await timeOf({ hostnameFormat: ['uuid', 'metadata'] }, {})).toBe(
      'web1_web1.virt.virt_cpu_total',
    );
  });

  test('refuses formats under which all guests would be one', () => {
    const { options } = collectd;
    expect(options?.safeParse({ virt: { hostnameFormat: 'hostname' } }).success).toBe(false);
    expect(options?.safeParse({ virt: { hostnameFormat: [] } }).success).toBe(false);
    expect(options?.safeParse({ virt: { hostnameFormat: 'hostname name' } }).success).toBe(false);
  });

  test('has percent of the time of all CPUs of the hypervisor', async () => {
    const dialect = configured(collectd, { virt: { extraStats: ['cpu_util'] } });
    // Half a CPU of eight.
    expect(await sent(dialect)).toMatchObject({
      'web1.virt.percent-virt_cpu_total': expect.closeTo(6.25),
    });
  });

  test('calls a disk by what is behind it, whole or the last part', async () => {
    const source = { diskName: 'source' };
    const paths = await pathsOf(collectd, KVM1, source);
    expect(paths).toContain('web1.virt.disk_ops-images_data_qcow2.read');
    const short = configured(collectd, { virt: { blockDeviceFormatBasename: true } });
    expect(await pathsOf(short, KVM1, source)).toContain('web1.virt.disk_ops-data_qcow2.read');
  });

  test('puts what it does not have below the guest, too', async () => {
    const paths = await pathsOf(collectd, KVM1, ALL);
    expect(paths).toContain('web1.guest.derive-vcpu-delay-time.0');
    expect(paths).toContain('kvm1.hypervisor.gauge-vcpus.physical');
    const instances = { hostnameFormat: 'hostname', pluginInstanceFormat: 'name' };
    expect(await pathsOf(configured(collectd, { virt: instances }), KVM1, ALL)).toContain(
      'kvm1.guest-web1.derive-vcpu-delay-time.0',
    );
  });

  test('in parts, has the guest as the host, so that none is another’s', async () => {
    const points = pointsOf(await guestSamples(ALL), collectd, KVM1);
    const parts = points
      .filter(({ name }) => name.series.labels['guest'] !== undefined)
      .map(({ name }) => name.identifier);
    expect(new Set(parts.map((part) => part?.host))).toEqual(new Set(['web1']));
    expect(new Set(parts.map((part) => JSON.stringify(part))).size).toBe(parts.length);
  });

  test('with tags, has the labels of what it does not have, and the guest as the host', async () => {
    const paths = await pathsOf(collectd, { ...KVM1, tags: true });
    expect(paths).toContain('virt.virt_cpu_total;host=web1;plugin=virt;type=virt_cpu_total');
    expect(paths.find((path) => path.includes('vcpu-delay-time'))).toContain(';guest=web1;vcpu=0');
  });
});

describe('Prometheus', () => {
  const { prometheus } = dialects;

  test('keeps the labels that the configuration adds, and the exporter’s own', async () => {
    const options = { identity: 'nova', labels: ['domain', 'uuid', 'project'] };
    expect(await pathsOf(prometheus, RAW, options)).toContain(
      'libvirt_domain_block_stats_read_bytes_total' +
        '{domain="web1",project="shop",target_device="vda",uuid="6a8e1c52-6d0b-4d7e-9c7e-2f8f8d3f6a11"}',
    );
  });

  test('calls the guest what the collector does where it has no other label for it', async () => {
    expect(await pathsOf(prometheus, RAW, { identity: 'nova' })).toContain(
      'libvirt_domain_info_cpu_time_seconds_total{domain="web.shop"}',
    );
  });

  test('has the same label where the exporter has nothing of the kind', async () => {
    const paths = await pathsOf(prometheus, RAW);
    expect(paths).toContain('guest_memory_usage_bytes{domain="web1"}');
    expect(paths.filter((path) => path.includes('guest='))).toEqual([]);
  });
});

test('the generic rule has the guest at the end', async () => {
  expect(await sent(dialects.ganglia)).toMatchObject({
    'guest.memory.usage.web1': 22_441_984,
    'guest.disk.io.web1.vda.read': 104_857.6,
  });
});

describe('whatever a guest and its devices are called', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
    fc.constantFrom('a.b', 'a b', '"', 'é', '..', '/', 'a;b=c', '~', 'web.shop 2', '{x}'),
  );
  const renamed = (sample: Sample, guest: string, device: string): Sample => {
    const { series } = sample;
    const { labels } = series;
    const called = {
      ...(labels['guest'] !== undefined && { guest }),
      ...(labels['device'] !== undefined && { device }),
    };
    return { ...sample, series: { ...series, labels: { ...labels, ...called } } };
  };

  test.each([
    ['diamond', dialects.diamond],
    ['collectd', EVERYTHING],
    ['salt', dialects.salt],
  ])('its paths can be sent: %s', async (_, dialect) => {
    const samples = await guestSamples();
    fc.assert(
      fc.property(text, text, fc.boolean(), (guest, device, tags) => {
        const all = samples.map((sample) => renamed(sample, guest, device));
        for (const { name } of pointsOf(all, dialect, { ...RAW, tags })) {
          const [path = ''] = name.path.split(';');
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
          expect(name.path).not.toMatch(/[\s\u0000-\u001f]/);
          for (const level of path.split('.')) {
            expect(level).not.toBe('');
            expect(Buffer.byteLength(level)).toBeLessThan(250);
          }
        }
      }),
      // The blank is one of Unicode.
      { numRuns: 60, examples: [['\u2003\u0085', 'vd\u2028a', false]] },
    );
  });

  test('in Salt’s paths two guests do not meet, but where a dot is the difference', async () => {
    const [sample] = (await guestSamples()).filter(({ series }) => series.labels['guest']);
    if (sample === undefined) throw new Error('no guest');
    const pathOf = (guest: string) =>
      dialects.salt.spell(renamed(sample, guest, '').series, RAW)[0]?.path;
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one.replace(/[./]/g, '_') !== other.replace(/[./]/g, '_'));
        expect(pathOf(one)).not.toBe(pathOf(other));
      }),
    );
  });
});
