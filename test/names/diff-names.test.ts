import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/program.ts';
import {
  createComparison,
  createHosts,
  FORMATS,
  type FormatName,
  openOutput,
} from '../../src/names/index.ts';

// Names are compared with those of this host, where a mount of another test may hang meanwhile: five seconds each time.
vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'cullinan-names-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fresh(extension: string): string {
  files += 1;
  return `${files}.${extension}`;
}

function file(text: string | Uint8Array, name = fresh('txt')): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function diffNames(...words: readonly string[]) {
  let out = '';
  let err = '';
  const code = await main(['diff-names', ...words], {
    environment: {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    outIsTerminal: false,
    errIsTerminal: false,
  });
  return { out, err, code };
}

/** What becomes of each name of an old output, beside those of a configuration. */
async function changes(handlers: string, old: string, ...more: readonly string[]) {
  const config = file(`hostname: { name: here }\nhandlers: ${handlers}\n`, fresh('yaml'));
  const { out, err, code } = await diffNames('--config', config, '--all', old, ...more);
  const names = (sign: string) =>
    out.split('\n').flatMap((line) => (line.startsWith(sign) ? [line.slice(2)] : []));
  return { stays: names('='), goes: names('-'), was: names('<'), comes: names('+'), err, code };
}

async function found(path: string, format?: FormatName) {
  const output = await openOutput(path, format);
  const names: string[] = [];
  for await (const some of output.names()) {
    for (const { host, name } of some) names.push(host === undefined ? name : `${host}: ${name}`);
  }
  return { format: output.format, names, tally: output.tally };
}

describe('what operators have is recognised by itself', () => {
  const EXAMPLES: readonly (readonly [format: string, text: string, names: readonly string[]])[] = [
    [
      'graphite',
      'servers.a.load.01\nservers.a.load.05 0.5\nx 1 1795222990\n',
      ['servers.a.load.01', 'servers.a.load.05', 'x'],
    ],
    ['graphite', 'cpu.idle;cpu=0;host=a 1 1795222990\n', ['cpu.idle{cpu="0"}']],
    [
      'diamond',
      '[2014-02-25 09:40:17,344] [Thread-29735] servers.idle23.memory.Buffers 1245184 1393350017\n[2014-02-25 09:40:18] servers.idle23.load.01 0.1 1393350017\n',
      ['servers.idle23.memory.Buffers', 'servers.idle23.load.01'],
    ],
    [
      'collectd',
      '2 values found\n1795222990.123 a/cpu-0/cpu-idle\na.example.net/load/load\n',
      ['a: cpu-0/cpu-idle', 'a.example.net: load/load'],
    ],
    ['collectd', 'PUTVAL "a/cpu-0/cpu-idle" interval=10.000 N:1\n', ['a: cpu-0/cpu-idle']],
    ['statsd', 'gorets:1|c\nglork:320|ms|@0.1\n', ['gorets', 'glork']],
    [
      'influx',
      'cpu,cpu=cpu0,host=a\\ b usage_idle=1,usage_user=2i,note="x y,z=1" 1795222990\nsystem,host=c value=1\n',
      ['a b: cpu.usage_idle{cpu="cpu0"}', 'a b: cpu.usage_user{cpu="cpu0"}', 'c: system'],
    ],
    [
      'prometheus',
      '# TYPE node_load1 gauge\nnode_load1 0.5\nx{b="1\\"",a="2",instance="i"} NaN 1795222990000\n',
      ['node_load1', 'x{a="2",b="1\\""}'],
    ],
    [
      'gmond',
      '<?xml version="1.0"?>\n<!DOCTYPE GANGLIA_XML [\n]>\n<GANGLIA_XML><CLUSTER NAME="c"><HOST NAME="a.b" IP="1">\n<METRIC NAME="load_one" VAL="1"/></HOST></CLUSTER></GANGLIA_XML>\n',
      ['a.b: load_one'],
    ],
  ];
  test.each(EXAMPLES)('%s: %j', async (format, text, names) => {
    const read = await found(file(text));
    expect(read).toMatchObject({ format, names, tally: { unread: 0 } });
    expect(await found(file(gzipSync(text)))).toMatchObject({ format, names });
  });

  test('whisper files, below a folder of that name or not, and tagged ones', async () => {
    const tree = join(folder, 'storage');
    for (const path of ['servers/a/load/01.wsp', '_tagged/0a/1b/cpu_DOT_idle;cpu=0;host=a.wsp'])
      file('', join('storage/whisper', path));
    file('', 'storage/whisper/servers/.rubbish');
    const all = ['servers.a.load.01', 'cpu.idle{cpu="0"}'].sort();
    const { names, format, tally } = await found(tree);
    expect([names.toSorted(), format, tally.unread]).toEqual([all, 'whisper', 1]);
    expect((await found(join(tree, 'whisper/servers/a'))).names).toEqual(['servers.a.load.01']);
  });

  test('whisper files in folders within each other, up to 64 of them', async () => {
    const deep = 'd/'.repeat(64);
    file('', `deep/whisper/${deep}here.wsp`);
    file('', `deep/whisper/${deep}d/below.wsp`);
    const { names } = await found(join(folder, 'deep/whisper'));
    expect(names).toEqual([`${deep}here`.replaceAll('/', '.')]);
  });

  test("collectd's files, given from any folder on", async () => {
    file('', 'csv/a.example.net/cpu-0/cpu-idle-2026-11-21');
    expect((await found(join(folder, 'csv'))).names).toEqual(['a.example.net: cpu-0/cpu-idle']);
    expect((await found(join(folder, 'csv/a.example.net'))).names).toHaveLength(1);
    file('', 'rrd/b/load/load.rrd');
    expect((await found(join(folder, 'rrd'))).names).toEqual(['b: load/load']);
  });

  test('what is none of it says what could be given', async () => {
    await expect(found(file('hello world, this is no list\n'.repeat(3)))).rejects.toThrow(
      /in no format that is known\. Give a list of names, .* diamond, collectd/,
    );
    await expect(found(file(''))).rejects.toThrow(/is empty/);
    mkdirSync(join(folder, 'nothing'));
    await expect(found(join(folder, 'nothing'))).rejects.toThrow(/holds no \.wsp files/);
    const { code, err } = await diffNames('--format', 'csv', file('a 1 2\n'));
    expect([code, err]).toEqual([64, expect.stringContaining('there is no format "csv"')]);
  });

  test('a line that is not understood is told with its number, and a long one held by nobody', async () => {
    const text = `a.b 1 2\n${'x'.repeat(200_000)} y z\n{}\nc.d 1 2\na 1 2\n${'{}\n'.repeat(5)}`;
    const { names, tally } = await found(file(text), 'graphite');
    expect(names).toEqual(['a.b', 'c.d', 'a']);
    expect(tally).toMatchObject({ lines: 10, unread: 7 });
    // Of many the first three, and of each its beginning.
    expect(tally.examples).toEqual([
      { line: 2, text: 'x'.repeat(200) },
      { line: 3, text: '{}' },
      { line: 6, text: '{}' },
    ]);
  });
});

describe('names of an old output beside those of a configuration', () => {
  test('a name of another host, of another device, of nothing', async () => {
    const old = file(
      [
        ...['loadavg.01', 'cpu.cpu0.user', 'cpu.cpu977.user', 'cpu.total.user', 'cpu.other.user'],
        ...['iostat.sdzz9.reads', 'diskspace._srv_other.byte_free', 'postfix.numSent'],
      ]
        .map((name) => `servers.web01.${name} 1 1795222990\n`)
        .join(''),
    );
    const { stays, goes, was, comes, code } = await changes('{ graphite: {} }', old);
    const below = (names: readonly string[]) =>
      names.map((name) => name.replace('servers.<host>.', '')).sort();
    expect(below(stays)).toEqual(['cpu.cpu0.user', 'cpu.total.user', 'loadavg.01']);
    expect(below(goes)).toEqual(['cpu.other.user', 'postfix.numSent']);
    expect(below(was)).toEqual([
      'cpu.cpu977.user',
      'diskspace._srv_other.byte_free',
      'iostat.sdzz9.reads',
    ]);
    expect(below(comes)).toContain('loadavg.05');
    expect(code).toBe(2);
  });

  test('where none goes, the code is 0', async () => {
    const old = file('servers.web01.loadavg.01\n');
    expect((await changes('{ graphite: {} }', old)).code).toBe(0);
  });

  test('of several hosts they are compared as one, or one is chosen', async () => {
    const old = file(
      'servers.a.loadavg.01\nservers.b.loadavg.01\nservers.b.gone\ncarbon.agents.x 1 2\n',
    );
    const all = await changes('{ graphite: {} }', old);
    expect(all.goes).toEqual(['servers.<host>.gone', 'carbon.agents.x']);
    expect(all.err).toContain('of a and b');
    const one = await changes('{ graphite: {} }', old, '--host', 'a');
    expect([one.goes, one.code]).toEqual([[], 0]);
    expect(one.err).toContain('Left out, because they are not of a: 3 lines.');
    const none = await changes('{ graphite: {} }', old, '--host', 'nobody');
    expect(none.err).toContain('all are left out');
  });

  test('a host is known by its full name, too', async () => {
    const old = file('servers.web01_example_net.loadavg.01\nnet.example.web01.x\n');
    const { goes, stays } = await changes('{ graphite: {} }', old, '--host', 'web01.example.net');
    expect([goes, stays]).toEqual([['<host>.x'], ['servers.<host>.loadavg.01']]);
  });

  test("collectd's identifiers find their names, whatever the prefix makes of them", async () => {
    const old = file(
      'a/cpu-0/cpu-idle\na/df-srv/df_complex-free\na/load/load\na/irq/irq-7\na/interface-own9/if_octets\n',
    );
    const handlers =
      '{ graphite: { dialect: { name: collectd, separateInstances: true }, prefix: x } }';
    const { stays, goes, was } = await changes(handlers, old);
    expect(stays.sort()).toEqual(['<host>/cpu-0/cpu-idle', '<host>/load/load']);
    expect([goes, was]).toEqual([
      ['<host>/irq/irq-7'],
      ['<host>/df-srv/df_complex-free', '<host>/interface-own9/if_octets'],
    ]);
  });

  test("gmond's XML, Prometheus' text and InfluxDB's lines", async () => {
    const xml = file('<GANGLIA_XML><HOST NAME="a"><METRIC NAME="load_one"/><METRIC NAME="gexec"/>');
    const gmond = await changes('{ ganglia: {} }', xml);
    expect([gmond.stays, gmond.goes]).toEqual([['<host>/load_one'], ['<host>/gexec']]);
    const text = file(
      'node_load1 1\nnode_cpu_seconds_total{mode="idle",cpu="977"} 1\ngone{a="b"} 1\n',
    );
    const prometheus = await changes('{ prometheus: {} }', text);
    expect([prometheus.stays, prometheus.goes]).toEqual([['node_load1'], ['gone{a="b"}']]);
    expect(prometheus.was).toEqual(['node_cpu_seconds_total{cpu="977",mode="idle"}']);
    const lines = file('system.cpu.time,cpu=0,host=a,state=user value=1 2\nmem,host=a free=1 2\n');
    const influx = await changes('{ http: { url: "http://x/write", format: influx } }', lines);
    expect([influx.stays, influx.goes]).toEqual([
      ['<host>/system.cpu.time{cpu="0",state="user"}'],
      ['<host>/mem.free'],
    ]);
  });

  test('Graphite tags, in any order', async () => {
    const old = file('loadavg.01;host=web01 1 2\ncpu.cpu0.user;state=user;host=web01;cpu=0 1 2\n');
    const { stays, goes } = await changes('{ graphite: { tags: true } }', old);
    expect([goes, stays]).toEqual([[], expect.arrayContaining(['loadavg.01'])]);
    expect(stays).toHaveLength(2);
  });

  test('of several handlers one has to be chosen', async () => {
    const config = file('handlers: { graphite: {}, statsd: {} }\n', 'two.yaml');
    const old = file('servers.a.loadavg.01\n');
    const { code, err } = await diffNames('--config', config, old);
    expect([code, err]).toEqual([
      64,
      expect.stringContaining('--handler graphite or --handler statsd'),
    ]);
    const wrong = await diffNames('--config', config, '--handler', 'x', old);
    expect([wrong.code, wrong.err]).toEqual([
      64,
      expect.stringContaining('There are graphite and statsd'),
    ]);
    expect((await diffNames('--config', config, '--handler', 'statsd', old)).code).toBe(0);
  });
});

describe('what is said', () => {
  test('thousands of names that differ in a device are one line, and what matters is seen', async () => {
    const names: string[] = [];
    for (let disk = 0; disk < 500; disk += 1) {
      for (const what of ['reads', 'writes', 'util'])
        names.push(`s.a.io.sd${String.fromCharCode(97 + (disk % 26))}${disk}.${what}`);
    }
    for (let app = 0; app < 40; app += 1)
      names.push(`s.a.app${app}.requests`, `s.a.app${app}.errors`);
    const old = file(`${[...names, 's.a.lonely'].join('\n')}\n`);
    const { out, code } = await diffNames(old, file('s.b.new\n'), '--host', 'a', '--new-host', 'b');
    expect(`${out}`).toBe(
      [
        '1581 go: nothing like them is sent',
        '  s.<host>.io.*.{reads, writes, util}  (1500)',
        '  s.<host>.{app0, app1, app2, app3, 36 more}.{requests, errors}  (80)',
        '  s.<host>.lonely',
        '',
        '1 come: nothing like them was there',
        '  s.<host>.new',
        '',
        '',
      ].join('\n'),
    );
    expect(code).toBe(2);
  });

  test('as JSON', async () => {
    const old = file('s.a.x\ns.a.y\n');
    const { out } = await diffNames(
      old,
      file('s.b.x\n'),
      '--host',
      'a',
      '--new-host',
      'b',
      '--json',
    );
    expect(JSON.parse(out)).toMatchObject({
      counts: { stays: 1, goes: 1, comes: 0, was: 0, is: 0 },
      groups: { goes: [{ above: 's.<host>.', last: ['y'], names: 1, example: 's.<host>.y' }] },
    });
    const each = await diffNames(old, file('s.a.x\n'), '--json', '--all');
    expect(each.out).toBe('{"change":"goes","name":"s.a.y"}\n{"change":"stays","name":"s.a.x"}\n');
  });

  test('nothing in a name steers the terminal', async () => {
    const old = file('a.\u001b[2Jb 1 2\nc.\u202ed 1 2\n');
    const { out } = await diffNames(old, file('x\n'));
    expect(out).toContain('\\x1b[2Jb');
    expect([out.includes('\u001b'), out.includes('\u202e')]).toEqual([false, false]);
  });

  test('what this host would send is compared with itself', async () => {
    const config = file(
      'handlers: { graphite: {} }\ncollectors: { agent: { enabled: false } }\n',
      'self.yaml',
    );
    let out = '';
    await main(['check', '--config', config], {
      environment: {},
      out: (text) => {
        out += text;
      },
      err: () => {},
      outIsTerminal: false,
      errIsTerminal: false,
    });
    expect(out).toContain(hostname().split('.')[0]);
    const { code } = await diffNames('--config', config, file(out));
    expect(code).toBe(0);
  });
});

describe('whatever the bytes', () => {
  test.each(Object.keys(FORMATS) as FormatName[])('%s', async (format) => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          fc
            .string({ unit: fc.constantFrom(...'a.b/|:;={}<>"\\ 1[],#\n\r') })
            .map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const { names, tally } = await found(file(bytes, `fuzz-${format}`), format);
          expect(tally.unread).toBeLessThanOrEqual(tally.lines);
          for (const name of names) expect(name.length).toBeLessThan(1000);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('each name is counted once, and belongs somewhere', () => {
    const name = fc.string({
      unit: fc.constantFrom(...'ab.*#{}/[-sd0'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(name), fc.array(name), (old, wanted) => {
        const { take, finish } = createComparison(
          [...new Set(wanted)].map((each) => ({ name: each, kind: each.replace('0', '#') })),
          createHosts(undefined, []),
        );
        for (const each of old) take({ name: each });
        const { counts } = finish();
        expect(counts.stays + counts.goes + counts.was).toBe(new Set(old).size);
        expect(counts.stays + counts.comes + counts.is).toBe(new Set(wanted).size);
        const both = new Set(old.filter((each) => wanted.includes(each)));
        expect(counts.stays).toBe(both.size);
      }),
    );
  });
});

test('the documentation of its exit codes is that of the program', () => {
  expect(readFileSync('docs/diff-names.md', 'utf8')).toContain('| 2 | some names go |');
});

test('what is not there, and what is no list of names, is told in words', async () => {
  await expect(openOutput(join(folder, 'nowhere'))).rejects.toThrow(/nowhere is not there\. Give /);
  await expect(openOutput(file(Buffer.from([0, 1, 255, 254])))).rejects.toThrow(/in no format/);
});
