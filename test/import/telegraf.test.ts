import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { registry } from '../../src/agent/index.ts';
import { loadConfig } from '../../src/config/index.ts';
import { convert } from '../../src/import/index.ts';
import { telegraf } from '../../src/import/telegraf/importer.ts';
import { expectGolden, imported, loaded, withFile } from './support.ts';

const FIXTURES = 'test/fixtures/import/telegraf';

const of = (text: string) => withFile('telegraf.conf', text, (path) => convert(telegraf, [path]));
function from(text: string) {
  const made = of(text);
  const left = made.left.map(({ line, why }) => [line.replace(/^.*\.conf:/, ''), why] as const);
  return { ...made, left, config: loaded(made) };
}
const handlersOf = (text: string) => from(text).config.handlers;
const collectorsOf = (text: string) =>
  from(text)
    .config.collectors.map(({ instance }) => instance)
    .sort();

describe('Telegraf’s configuration', () => {
  test('of a host with InfluxDB, as most have it', async () => {
    const config = await expectGolden(
      'telegraf-host',
      await imported('telegraf', `${FIXTURES}/telegraf.conf`),
    );
    expect(config.collectors.map(({ instance }) => instance).sort()).toEqual([
      ...['cpu', 'disk', 'filesystem', 'load', 'memory', 'paging', 'processes', 'uptime', 'users'],
    ]);
    expect(config.labels).toEqual({ dc: 'ams1', rack: '1a' });
  });

  test('with every documented option of the agent, of a host’s inputs, and of outputs', async () => {
    const result = await imported('telegraf', `${FIXTURES}/every-option.conf`);
    const config = await expectGolden('telegraf-every-option', result);
    expect([config.interval, config.handlers.length]).toEqual([20, 10]);
  });

  test('with every documented option of inputs that ask, check, run and listen', async () => {
    const result = await imported('telegraf', `${FIXTURES}/services.conf`);
    const config = await expectGolden('telegraf-services', result);
    expect(config.collectors.map(({ instance }) => instance)).toEqual(
      expect.arrayContaining([
        ...['exec', 'exec-2', 'exec-5', 'push', 'push-3', 'http', 'http-2', 'tcp', 'tcp-2', 'ping'],
        ...['files', 'files-3', 'nginx', 'nginx-2', 'apache', 'redis', 'rabbitmq', 'activemq'],
        ...['chrony', 'ntpd', 'smart', 'smart-2', 'systemd', 'mountstats', 'cgroups'],
      ]),
    );
    expect(result.anybodys).not.toContain('open-sesame');
  });

  test('a folder, with telegraf.d', async () => {
    const { config } = { config: loaded(await imported('telegraf', FIXTURES)) };
    expect(config.handlers.map(({ instance }) => instance)).toEqual(['http', 'graphite']);
    expect(config.collectors.map(({ instance }) => instance)).toContain('network');
  });
});

describe('what it means stays the same', () => {
  test('only what was collected is', () => {
    expect(collectorsOf('[[inputs.cpu]]\n[[inputs.sensors]]')).toEqual(['cpu', 'sensors']);
    expect(collectorsOf('[[outputs.discard]]')).toContain('load');
  });

  test('a variable’s default is told, because the environment has to have it', () => {
    const { left } = of(
      '[[inputs.system]]\n[[outputs.graphite]]\nservers = ["${CARBON:-127.0.0.1}:2003"]\nprefix = "${P-x}"\ntemplate = "${T:-y}"',
    );
    expect(left.map(({ why }) => why)).toEqual([
      expect.stringContaining('has to have CARBON'),
      expect.stringContaining('has to have P'),
      expect.not.stringContaining('has to have'),
    ]);
  });

  test('what was left out stays left out, and what the agent leaves out by itself, too', () => {
    const { config } = from(
      '[[inputs.disk]]\nignore_fs = ["btrfs"]\n[inputs.disk.tagdrop]\npath = ["/mnt/*"]\n[[inputs.net]]\ninterfaces = ["bond*"]',
    );
    const options = (name: string) =>
      config.collectors.find(({ instance }) => instance === name)?.options as Record<
        string,
        (text: string) => boolean
      >;
    const { types, mountpoints } = options('filesystem');
    expect([types?.('btrfs'), types?.('proc'), types?.('ext4')]).toEqual([false, false, true]);
    expect([mountpoints?.('/mnt/a'), mountpoints?.('/proc/x'), mountpoints?.('/')]).toEqual([
      ...[false, false, true],
    ]);
    const { interfaces } = options('network');
    expect([interfaces?.('bond0'), interfaces?.('eth0')]).toEqual([true, false]);
  });

  test('of several tags one must fit there and all here, so that none is carried over', () => {
    const { left } = from(
      '[[inputs.disk]]\n[inputs.disk.tagpass]\nfstype = ["ext4"]\npath = ["/opt"]',
    );
    expect(left.map(([line]) => line)).toEqual(['3: fstype = ["ext4"]', '4: path = ["/opt"]']);
  });

  test('measurements become collectors, unless one of them is not meant as a whole', () => {
    const both = '[[inputs.mem]]\n[[inputs.swap]]\n[[inputs.cpu]]\n[[outputs.graphite]]\n';
    expect(handlersOf(`${both}namepass = ["mem", "swap"]`)[0]?.only).toEqual([
      'collector:memory',
      'collector:paging',
    ]);
    expect(handlersOf(`${both}namedrop = ["c*"]`)[0]?.except).toEqual(['collector:cpu']);
    const { left } = from(`${both}namepass = ["mem"]`);
    expect(left.map(([line]) => line)).toEqual(['5: namepass = ["mem"]']);
    expect(from(`${both}namepass = ["cpu", "mysql"]`).left).toHaveLength(1);
  });

  test('an input’s tags are labels of its collector, at every handler', () => {
    const text =
      '[[inputs.cpu]]\ntags = { role = "db" }\n[[outputs.graphite]]\n[[outputs.riemann]]\nurl = "tcp://r:5555"';
    for (const { relabel } of handlersOf(text))
      expect(relabel).toMatchObject([{ match: ['collector:cpu'], labels: { role: 'db' } }]);
  });

  test('a path without a host has none, whatever its name would be', () => {
    const { config } = from('[agent]\nhostname = "web01"\nomit_hostname = true');
    expect(config.hostname).toEqual({ method: 'none' });
  });

  test('durations are those of Go, and numbers are seconds', () => {
    const text =
      '[agent]\ninterval = "1m30s"\nflush_interval = "2m"\n[[outputs.graphite]]\ntimeout = 2';
    const { config } = from(text);
    expect(config.interval).toBe(90);
    expect(config.handlers[0]).toMatchObject({ linger: 120, timeout: 2 });
  });

  test('in a broker’s address, a percent sign that escapes nothing is one', () => {
    const { owners } = of(
      '[[outputs.amqp]]\nbrokers = ["amqp://me:40%of@h/v%2Fw"]\ndata_format = "graphite"',
    );
    expect(owners).toMatch(/vhost: v\/w\n/);
    expect(owners).toMatch(/password: 40%of\n/);
  });

  test('secrets are written out for their owner alone', () => {
    const { owners, anybodys } = of(
      '[[outputs.influxdb_v2]]\nurls = ["http://a"]\ntoken = "s3cret"',
    );
    expect([owners.includes('s3cret'), anybodys.includes('s3cret')]).toEqual([true, false]);
  });

  test('a header that lets somebody in is a secret', () => {
    const { owners, anybodys } = of(
      '[[outputs.http]]\nurl = "http://x"\ndata_format = "influx"\n[outputs.http.headers]\nX-Api-Key = "open-sesame"\nX-Site = "ams1"\n[[outputs.kafka]]\nX-Api-Key = "open-sesame"\n',
    );
    expect([owners, anybodys].map((text) => text.split('open-sesame').length - 1)).toEqual([1, 0]);
    expect(anybodys).toContain('X-Site: ams1');
  });

  test('variables of the environment stay variables, also where no text stands', () => {
    const { owners, left } = of(
      '[global_tags]\nuser = "${USER}"\n[agent]\nomit_hostname = ${OMIT}\n[[outputs.influxdb]]\nurls = ["${URL:-http://x}"]\nusername = "u"\npassword = "$PASSWORD"\n',
    );
    withFile('cullinan.yaml', owners, (path) => {
      const environment = { USER: 'me', URL: 'http://influx:8086', PASSWORD: 'pw' };
      const config = loadConfig({ path, registry, environment, defaultHandlers: {} });
      expect(config.labels).toEqual({ user: 'me' });
      expect(config.handlers[0]?.options).toMatchObject({
        url: 'http://influx:8086/write?db=telegraf',
      });
    });
    expect(left.map(({ line }) => line.replace(/^.*\.conf:/, ''))).toEqual([
      '4: omit_hostname = "${OMIT}"',
      '6: urls = ["${URL:-http://x}"]',
    ]);
  });
});

describe('what is wrong is told with its place', () => {
  test.each([
    ['[agent]\ninterval = \n', /telegraf\.conf:2:\d+: /],
    ['[[inputs.cpu]\n', /telegraf\.conf:1:\d+: /],
    ['a = 1\na = 2\n', /telegraf\.conf:2:\d+: /],
    [`a = ${'['.repeat(20_000)}`, /telegraf\.conf/],
  ])('%#', (text, message) => {
    expect(() => of(text)).toThrow(message);
  });
});

test('more than the agent would read is told, and not written', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `[[inputs.x${i}]]`).join('\n');
  expect(() => of(text)).toThrow(/telegraf\.conf: its 20000 lines come to more than 1 MiB/);
});

describe('whatever it holds', () => {
  const NAMES = [
    ...[
      'inputs.cpu',
      'inputs.disk',
      'inputs.net',
      'inputs.procstat',
      'inputs.tail',
      'inputs.mysql',
    ],
    ...[
      'inputs.libvirt',
      'outputs.graphite',
      'outputs.influxdb',
      'outputs.influxdb_v2',
      'outputs.file',
    ],
    ...[
      'outputs.prometheus_client',
      'outputs.amqp',
      'outputs.mqtt',
      'outputs.riemann',
      'outputs.http',
    ],
    ...['outputs.exec', 'processors.rename', 'outputs.constructor', 'inputs.toString'],
    ...['inputs.exec', 'inputs.execd', 'inputs.statsd', 'inputs.socket_listener', 'inputs.ping'],
    ...['inputs.http_response', 'inputs.net_response', 'inputs.x509_cert', 'inputs.filecount'],
    ...['inputs.filestat', 'inputs.nginx', 'inputs.apache', 'inputs.redis', 'inputs.rabbitmq'],
    ...['inputs.activemq', 'inputs.chrony', 'inputs.ntpq', 'inputs.smart', 'inputs.systemd_units'],
    ...['inputs.nfsclient', 'inputs.cgroup', 'inputs.kernel'],
  ];
  const KEYS = [
    ...[
      'interval',
      'urls',
      'url',
      'servers',
      'brokers',
      'database',
      'token',
      'password',
      'timeout',
      'files',
      'data_format',
    ],
    ...[
      'devices',
      'interfaces',
      'ignore_fs',
      'mount_points',
      'percpu',
      'exe',
      'pattern',
      'namepass',
      'namedrop',
    ],
    ...[
      'flush_interval',
      'metric_batch_size',
      'listen',
      'brokers',
      'routing_tag',
      'qos',
      'ttl',
      'tags',
      'command',
    ],
    ...[
      'tls_ca',
      'alias',
      'prefix',
      'topic_prefix',
      'metric_buffer_limit',
      'domains',
      'other',
      'constructor',
    ],
    ...[
      'commands',
      'environment',
      'signal',
      'service_address',
      'protocol',
      'percentiles',
      'method',
    ],
    ...[
      'address',
      'sources',
      'size',
      'mtime',
      'directories',
      'name',
      'username',
      'response_timeout',
    ],
    ...['count', 'ping_interval', 'include_mounts', 'paths', 'collect', 'pattern', 'socket_mode'],
    ...['response_string_match', 'response_status_code', 'headers', 'server', 'path_smartctl'],
  ];
  const VALUES = [
    ...[
      'true',
      '1',
      '-5',
      '1.5',
      '"x"',
      '""',
      '"10s"',
      '"tcp://a:1"',
      '["a", "b*"]',
      '[]',
      '["/x"]',
      '"json"',
    ],
    ...[
      '"graphite"',
      '["http://a:8086"]',
      '"http://a"',
      '["[x"]',
      "'''\n]\n'''",
      '[\n"a", # b\n"c"]',
      '"${X}"',
    ],
    ...[
      '{ a = 1, b = "c" }',
      '1979-05-27',
      '"re:("',
      '[["a", "b"], ["c"]]',
      '"POST"',
      '"udp://:53"',
      '"unix:///x"',
      '["tcp://u:p@h:1"]',
      '["A=b", "c"]',
      '["a b \'c d\'"]',
      '["amqp://u:p@h/v"]',
      '["amqp://100%:%zz@h/%"]',
      '1e300',
      '[[1]]',
      '"\\u0001"',
    ],
  ];
  const table = fc.record({
    name: fc.constantFrom(...NAMES),
    settings: fc.uniqueArray(fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES)), {
      selector: ([key]) => key,
      maxLength: 8,
    }),
  });

  test('what is written loads, and each line is carried over or told', () => {
    fc.assert(
      fc.property(fc.array(table, { maxLength: 6 }), (tables) => {
        const text = tables
          .map(({ name, settings }) =>
            [`[[${name}]]`, ...settings.map(([key, value]) => `${key} = ${value}`)].join('\n'),
          )
          .join('\n');
        const made = of(text);
        // What stands for a host cannot stand for a URL.
        const written = made.owners.replace(/(url: ["']?)\$\{X\}/g, '$1http://x');
        withFile('cullinan.yaml', written, (path) =>
          loadConfig({ path, registry, environment: { X: 'x' }, defaultHandlers: {} }),
        );
        const directives = tables.reduce((sum, { settings }) => sum + 1 + settings.length, 0);
        expect(made.directives).toBe(directives);
      }),
      { numRuns: 80 },
    );
  });

  test('of an output that is not known, every line is told', () => {
    const setting = fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES));
    fc.assert(
      fc.property(fc.uniqueArray(setting, { selector: ([key]) => key }), (settings) => {
        const lines = [
          '[[outputs.nowhere]]',
          ...settings.map(([key, value]) => `${key} = ${value}`),
        ];
        const { left, lines: read, owners } = of(lines.join('\n'));
        expect(left).toHaveLength(read);
        for (const { line } of left) expect(owners).toContain(`# ${line}`);
      }),
      { numRuns: 40 },
    );
  });

  test('any bytes: an error says where, or it loads', () => {
    const text = fc.string({ unit: fc.constantFrom(...'[]{}=."\'\\#$ a1,\n') });
    fc.assert(
      fc.property(text, (it) => {
        let made: ReturnType<typeof of>;
        try {
          made = of(it);
        } catch (error) {
          expect((error as Error).message).toMatch(/telegraf\.conf/);
          return;
        }
        loaded(made);
      }),
      { numRuns: 200 },
    );
  });
});
