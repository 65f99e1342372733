import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/import/index.ts';
import { importing, loaded, withFile } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'cullinan-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string | Buffer): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const importers = {
  diamond: await importing('diamond'),
  collectd: await importing('collectd'),
  gmond: await importing('gmond'),
};
type Name = keyof typeof importers;
const NAMES = Object.keys(importers) as Name[];

/** What is said of a text, without the folder that it is in. */
function complaint(name: Name, text: string | Buffer): string {
  return withFile('x.conf', text, (path) => {
    try {
      importers[name](path);
    } catch (error) {
      if (error instanceof InputError) return error.message.replaceAll(path, 'x.conf');
      throw error;
    }
    return 'nothing';
  });
}

describe('what is wrong is told with its place', () => {
  test.each([
    ['diamond', 'host = a\n[server\n', 'x.conf:2:1: '],
    ['diamond', '[[default]]\n', 'x.conf:1:1: '],
    ['diamond', '[server]\n  host\n', 'x.conf:2:3: '],
    ['diamond', '[server]\na = "b\n', 'x.conf:2:5: '],
    ['diamond', '[server]\na = 1\na = 2\n', 'x.conf:3:1: '],
    ['diamond', '[a]\n[a]\n', 'x.conf:2:1: '],
    ['diamond', "[server]\na = '''b\n", 'x.conf:2:1: '],
    ['diamond', '[server]\na = %(b)s\n', 'x.conf:2: '],
    ['diamond', '[server]\na = %(b)s\nb = %(a)s\n', 'x.conf:2: '],
    ['collectd', 'Interval 10\n<Plugin cpu>\n', 'x.conf:2:1: '],
    ['collectd', '<Plugin cpu>\n</Node>\n', 'x.conf:2:1: '],
    ['collectd', '</Plugin>\n', 'x.conf:1:1: '],
    ['collectd', 'Host "a\n', 'x.conf:1:6: '],
    ['collectd', 'Host <a>\n', 'x.conf:1:6: '],
    ['collectd', '<Plugin cpu\n</Plugin>\n', 'x.conf:1:1: '],
    ['gmond', 'globals {\n mute = \n}\n', 'x.conf:3:1: '],
    ['gmond', 'globals {\n mute = yes\n', 'x.conf:2:9: '],
    ['gmond', '}\n', 'x.conf:1:1: '],
    ['gmond', 'a = "b\n', 'x.conf:1:5: '],
    ['gmond', '/* a\n', 'x.conf:1:1: '],
    ['gmond', 'globals\n', 'x.conf:1:1: '],
  ] as const)('%s: %j', (name, text, place) => {
    expect(complaint(name, text)).toMatch(new RegExp(`^${place}\\S`));
  });

  test.each(NAMES)('%s: a byte that is not UTF-8', (name) => {
    const text = Buffer.concat([Buffer.from('# ü\n# '), Buffer.from([0xe9, 0x0a])]);
    expect(complaint(name, text)).toContain('x.conf:2:3: this is not UTF-8');
  });

  test.each(NAMES)('%s: a program', (name) => {
    expect(complaint(name, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]))).toContain('x.conf:1:5');
  });

  test.each(NAMES)('%s: too much of it', (name) => {
    expect(complaint(name, Buffer.alloc(5_000_000, '#\n'))).toContain('more than 4 MiB');
  });

  test.each(NAMES)('%s: a file that is not there', (name) => {
    expect(() => importers[name](join(folder, 'nowhere'))).toThrow('nowhere: is not there');
  });

  test('a file that includes itself, directly or by way of another', () => {
    const self = join(folder, 'self.conf');
    written('self.conf', `Include "${self}"\n`);
    expect(() => importers.collectd(self)).toThrow('this file includes itself');
    written('a.conf', `Include "${folder}/b.conf"\n`);
    written('b.conf', `Include "${folder}/a.conf"\n`);
    expect(() => importers.collectd(join(folder, 'a.conf'))).toThrow('this file includes itself');
    written('gmond.conf', `include ("${folder}/gmond.conf")\n`);
    expect(() => importers.gmond(join(folder, 'gmond.conf'))).toThrow('this file includes itself');
  });

  test('a folder that is in itself', () => {
    mkdirSync(join(folder, 'loop'));
    symlinkSync(join(folder, 'loop'), join(folder, 'loop/again'));
    const top = written('loop.conf', `Include "${folder}/loop"\n`);
    expect(() => importers.collectd(top)).toThrow('too deep');
  });

  test('more than anybody has written: of what stands in each other', () => {
    const brackets = (n: number) => `${'['.repeat(n)}a${']'.repeat(n)}\n`;
    const sections = Array.from({ length: 17 }, (_, i) => brackets(i + 1));
    expect(complaint('diamond', sections.slice(0, 16).join(''))).toBe('nothing');
    expect(complaint('diamond', sections.join(''))).toContain('x.conf:17:1: sections are in');
    const blocks = (n: number) => '<a>\n'.repeat(n) + '</a>\n'.repeat(n);
    expect(complaint('collectd', blocks(64))).toBe('nothing');
    expect(complaint('collectd', blocks(65))).toContain('x.conf:65:1: blocks are in blocks too');
    const braces = (n: number) => 'a {\n'.repeat(n) + '}\n'.repeat(n);
    expect(complaint('gmond', braces(32))).toBe('nothing');
    expect(complaint('gmond', braces(33))).toMatch(/^x\.conf:33:.*too deep/);
  });

  test('more than anybody has written: of keys that stand for keys', () => {
    const keys = (n: number) =>
      Array.from({ length: n }, (_, i) => `k${i} = %(k${i + 1})s\n`).join('');
    const text = (n: number) => `[server]\n${keys(n)}k${n} = end\n`;
    expect(complaint('diamond', text(10))).toBe('nothing');
    expect(complaint('diamond', text(11))).toContain('x.conf:2: %(k11)s leads back to itself');
  });

  test('more than anybody has written: of files', async () => {
    const many = join(folder, 'many');
    mkdirSync(many);
    for (let i = 0; i < 1000; i += 1) writeFileSync(join(many, `${i}.conf`), '');
    const included = {
      collectd: written('many-collectd.conf', `Include "${many}"\n`),
      gmond: written('many-gmond.conf', `include ("${many}/*.conf")\n`),
    };
    const telegraf = await importing('telegraf');
    expect(() => telegraf(many)).not.toThrow();
    writeFileSync(join(many, 'more.conf'), '');
    expect(() => importers.collectd(included.collectd)).toThrow('more than 1000 files');
    expect(() => importers.gmond(included.gmond)).toThrow('too many files are included');
    expect(() => telegraf(many)).toThrow('many: more than 1000 files are in it');
  });
});

/** Pieces of each grammar, so that what is made of them goes far. */
const WORDS: Readonly<Record<Name, readonly string[]>> = {
  // biome-ignore format: a list of words
  diamond: [
    '[server]\n', '[handlers]\n', '[collectors]\n', '[[default]]\n', '[[GraphiteHandler]]\n',
    '[[CPUCollector]]\n', '[[NetworkCollector]]\n', 'enabled = True\n', 'host = a, b\n', 'port = x\n',
    'interval = 0\n', 'interval = 1e9\n', 'interfaces = (, [\n', 'metrics_blacklist = "a(", b\n',
    'handlers = a.GraphiteHandler, b.ArchiveHandler\n', 'path = ..\n', 'path_prefix = \n', 'x = %(y)s\n',
    'y = "1"\n', "'''", '#', '=', '[', ']', '"', ',', '\n', 'é', `\${A}`,
  ],
  // biome-ignore format: a list of words
  collectd: [
    'LoadPlugin cpu\n', 'LoadPlugin df\n', 'LoadPlugin write_graphite\n', 'LoadPlugin amqp\n',
    'LoadPlugin processes\n', '<Plugin df>\n', '<Plugin write_graphite>\n', '<Node "a">\n', '</Node>\n',
    '<Plugin processes>\n', 'ProcessMatch "a" "("\n', 'Process "a" \n', '</Plugin>\n', 'Port "x"\n',
    'Interval 0\n', 'Hostname ""\n', 'MountPoint "/(/"\n', 'IgnoreSelected true\n', 'EscapeCharacter "."\n',
    `Prefix "\${A}"\n`, '<Chain "PostCache">\n', '</Chain>\n', '<Rule>\n', '</Rule>\n', 'Target "stop"\n',
    '<Match "regex">\n', '</Match>\n', 'Plugin "(^a|b$)"\n', '"', '\\', '<', '>', '#', '\n', 'é',
  ],
  // biome-ignore format: a list of words
  gmond: [
    'globals {', 'udp_send_channel {', 'udp_recv_channel {', 'tcp_accept_channel {', 'acl {', 'access {',
    'collection_group {', 'metric {', '}', 'name = "cpu_user"\n', 'name_match = "("\n', 'port = x\n',
    'mute = yes\n', 'deaf = no\n', 'host = a\n', 'ip = b\n', 'mask = 99\n', 'collect_every = -1\n',
    'time_threshold = 0\n', 'value_threshold = "a"\n', 'include ("/nowhere/*")\n', '"', "'", '/*', '*/', '#',
    '=', '(', ')', '{', ',', '\n', 'é', `\${A}`,
  ],
};

describe('whatever is read', () => {
  test.each(NAMES)('%s: it loads, or the error says where', (name) => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...WORDS[name]), { maxLength: 40 }).map((words) => words.join('')),
    );
    fc.assert(
      fc.property(text, (it) => {
        withFile('x.conf', it, (path) => {
          try {
            loaded(importers[name](path));
          } catch (error) {
            if (!(error instanceof InputError)) throw error;
            expect(error.message).toContain(path);
          }
        });
      }),
      { numRuns: 150 },
    );
  });

  const fact = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.integer().map(String));
  const LINES: Readonly<Record<Name, (key: string, value: string) => string>> = {
    diamond: (key, value) => `${key} = "${value.replace(/["\p{Cc}]/gu, '')}"`,
    collectd: (key, value) => `${key} "${value.replace(/["\\\p{Cc}]/gu, '')}"`,
    gmond: (key, value) => `${key} = "${value.replace(/["\\\p{Cc}]/gu, '')}"`,
  };
  const AROUND: Readonly<Record<Name, readonly (readonly [string, string])[]>> = {
    diamond: [
      ['[server]\n', ''],
      ['[collectors]\n[[default]]\n', ''],
      ['[collectors]\n[[CPUCollector]]\nenabled = True\n', ''],
      ['[server]\nhandlers = a.GraphiteHandler\n[handlers]\n[[GraphiteHandler]]\n', ''],
      ...[
        ...[
          'Httpd',
          'Nginx',
          'Redis',
          'RabbitMQ',
          'Ntpd',
          'Chronyd',
          'Ping',
          'Http',
          'Nfs',
          'Nfsd',
        ],
        ...['WebsiteMonitor', 'Interrupt', 'MountStats', 'Filestat', 'LMSensors', 'Smart', 'Files'],
        ...['DiskTemperature', 'UserScripts', 'EntropyStat'],
      ].map((name): [string, string] => [
        `[server]\nhandlers = a.GraphiteHandler\n[collectors]\n[[${name}Collector]]\nenabled = True\n`,
        '',
      ]),
    ],
    collectd: [
      ['', ''],
      ['LoadPlugin df\n<Plugin df>\n', '</Plugin>\n'],
      ['LoadPlugin write_graphite\n<Plugin write_graphite>\n<Node "a">\n', '</Node>\n</Plugin>\n'],
      ['LoadPlugin mqtt\n<Plugin mqtt>\n<Publish "a">\n', '</Publish>\n</Plugin>\n'],
      ['LoadPlugin redis\n<Plugin redis>\n<Node "a">\n', '</Node>\n</Plugin>\n'],
      ['LoadPlugin apache\n<Plugin apache>\n<Instance "a">\n', '</Instance>\n</Plugin>\n'],
      ['LoadPlugin curl\n<Plugin curl>\n<Page "a">\n', '</Page>\n</Plugin>\n'],
      ['LoadPlugin filecount\n<Plugin filecount>\n<Directory "/a">\n', '</Directory>\n</Plugin>\n'],
      ...['nginx', 'ntpd', 'chrony', 'ping', 'smart', 'thermal', 'nfs', 'statsd', 'unixsock'].map(
        (name): [string, string] => [
          `LoadPlugin ${name}\nLoadPlugin write_graphite\n<Plugin ${name}>\n`,
          '</Plugin>\n',
        ],
      ),
    ],
    gmond: [
      ['globals {\n', '}\n'],
      ['udp_send_channel {\n', '}\n'],
      ['collection_group {\n', '}\n'],
    ],
  };
  const KEYS: Readonly<Record<Name, readonly string[]>> = {
    // biome-ignore format: a list of words
    diamond: [
      'host', 'port', 'interval', 'hostname', 'path_prefix', 'percore', 'timeout', 'proto', 'odd', 'user',
      'urls', 'req_host', 'req_port', 'instances', 'password', 'queues', 'queues_ignored', 'target_x', 'req_url',
      'URL', 'include_filters', 'devices', 'bin', 'use_sudo', 'dir', 'delete', 'path', 'scripts_path',
      'metrics_whitelist', 'metrics_blacklist', 'auth', 'fahrenheit',
    ],
    // biome-ignore format: a list of words
    collectd: [
      'Host', 'Port', 'Interval', 'MountPoint', 'Prefix', 'QoS', 'StoreRates', 'Odd', 'EscapeCharacter',
      'URL', 'Password', 'User', 'Timeout', 'Disk', 'Device', 'Size', 'MTime', 'Name', 'SocketFile',
      'SocketPerms', 'TimerPercentile', 'MeasureResponseTime', 'Header', 'CACert', 'Instance', 'ReportV2',
    ],
    gmond: ['host', 'port', 'ttl', 'mute', 'collect_every', 'user', 'odd', 'override_hostname'],
  };

  test.each(NAMES)('%s: each directive is carried over, or left with a reason', (name) => {
    const settings = fc.uniqueArray(fc.tuple(fc.constantFrom(...KEYS[name]), fact), {
      selector: ([key]) => key,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.constantFrom(...AROUND[name]), settings, ([before, after], pairs) => {
        const lines = pairs.map(([key, value]) => LINES[name](key, value));
        const text = `${before}${lines.join('\n')}\n${after}`;
        const made = withFile('x.conf', text, (path) => importers[name](path));
        const config = loaded(made);
        expect(config).toBeDefined();
        expect(made.directives).toBeGreaterThanOrEqual(pairs.length);
        for (const { line, why } of made.left) {
          expect(line).toMatch(/x\.conf:\d+: \S/);
          expect(why).not.toBe('');
        }
        // What nobody knows is never taken for carried over.
        for (const [index, [key]] of pairs.entries()) {
          if (key.toLowerCase() !== 'odd') continue;
          const number = before.split('\n').length + index;
          expect(made.left.some(({ line }) => line.includes(`x.conf:${number}: `))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});
