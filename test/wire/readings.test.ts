import { collectdReader } from 'cullinan/wire/readings/collectd';
import { collectdTypes, parseTypes } from 'cullinan/wire/readings/collectd-types';
import { expositionReader } from 'cullinan/wire/readings/exposition';
import { influxReader } from 'cullinan/wire/readings/influx';
import { decodeJson, jsonReader } from 'cullinan/wire/readings/json';
import { muninReader } from 'cullinan/wire/readings/munin';
import { netdataReader } from 'cullinan/wire/readings/netdata';
import { decodePlugin, statusReading } from 'cullinan/wire/readings/perfdata';
import { plainReader } from 'cullinan/wire/readings/plain';
import type { LineReader, Reading, Said } from 'cullinan/wire/readings/reading';
import { decodeStatsd, type StatsdEvent } from 'cullinan/wire/readings/statsd';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A reading in one line: `name{label=value} value unit kind @time host`. */
function shown({ name, labels, value, unit, kind, time, host }: Reading): string {
  const inside = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
  const it = [`${name}${inside.length === 0 ? '' : `{${inside}}`}`, value, unit, kind];
  return [...it, ...(time === undefined ? [] : [`@${time}`]), ...(host ? [host] : [])].join(' ');
}

function said(reader: LineReader, text: string): Said {
  const all: Said = { readings: [], notes: [] };
  for (const line of text.split('\n')) reader.read(line, all);
  reader.end?.(all);
  return all;
}
const read = (reader: LineReader, text: string) => said(reader, text).readings.map(shown);

test("Diamond's user scripts", () => {
  expect(read(plainReader(), '# mine\nexample.1 42\na.b 4.2e1 1795219200\nc U\n\nd 1 N')).toEqual([
    'example.1 42 count gauge',
    'a.b 42 count gauge @1795219200',
    'd 1 count gauge',
  ]);
  // No time that can be: when it was said is as good.
  expect(read(plainReader(), 'a 1 99999999999\nb 1 -1')).toEqual([
    'a 1 count gauge',
    'b 1 count gauge',
  ]);
  expect(read(plainReader(), 'queue;name=in;host=web02 3')).toEqual([
    'queue{name=in} 3 count gauge web02',
  ]);
  for (const line of ['a', 'a b', 'a 1 yesterday', 'a 1 2 3', 'a 0x10']) {
    expect(() => read(plainReader(), line), line).toThrow(SyntaxError);
  }
});

describe("collectd's PUTVAL", () => {
  const reader = () => collectdReader(collectdTypes(), 'web01');

  test('is a value for each data source of its type', () => {
    const text =
      'PUTVAL "web01/exec-magic/gauge-answer" interval=10 N:42\nputval other/if-eth0/if_octets 1795219200:1:2';
    expect(read(reader(), text)).toEqual([
      'exec.gauge{plugin_instance=magic,type_instance=answer} 42 count gauge',
      'if.if_octets.rx{plugin_instance=eth0,type_instance=} 1 count counter @1795219200 other',
      'if.if_octets.tx{plugin_instance=eth0,type_instance=} 2 count counter @1795219200 other',
    ]);
  });

  test('may have quotes, blanks, several lists, and values that are not known', () => {
    const text = String.raw`PUTVAL "web01/disk-a \"b\" c/load" N:1:U:3 N:4:5:6`;
    expect(read(reader(), text)).toEqual(
      [1, 3, 4, 5, 6].map((value, i) => {
        const source = ['shortterm', 'longterm', 'shortterm', 'midterm', 'longterm'][i];
        return `disk.load.${source}{plugin_instance=a "b" c,type_instance=} ${value} count gauge`;
      }),
    );
  });

  test('has types of its own', () => {
    const types = parseTypes('# mine\nmine a:GAUGE:0:U, b:COUNTER:0:U\n\nbad x:NONE\n');
    expect(read(collectdReader(types), 'PUTVAL h/p/mine N:1:2')).toEqual([
      'p.mine.a{plugin_instance=,type_instance=} 1 count gauge h',
      'p.mine.b{plugin_instance=,type_instance=} 2 count counter h',
    ]);
  });

  test('tells of what happened: PUTNOTIF', () => {
    const text = 'PUTNOTIF message="disk is full" severity=failure plugin=df time=1795219200';
    const { readings, notes } = said(reader(), text);
    expect(notes).toEqual(['failure of df: disk is full']);
    expect(readings.map(shown)).toEqual(['collectd.notifications{severity=failure} 1 count delta']);
  });

  test.each([
    ['PUTVAL web01/exec/gauge', 'no values'],
    ['PUTVAL web01/exec/if_octets N:1', '1 values where type if_octets has 2'],
    ['PUTVAL web01/exec/unheard N:1:2', 'nothing says what those of type unheard are'],
    ['PUTVAL web01/exec N:1', 'no identifier'],
    ['PUTVAL "web01/exec/gauge N:1', 'quotation mark'],
    ['PUTVAL web01/exec/gauge soon:1', 'no time'],
    ['PUTVAL web01/exec/gauge 99999999999:1', 'no time'],
    ['PUTVAL web01/exec/gauge N:one', 'no number'],
    ['LISTVAL', 'neither PUTVAL nor PUTNOTIF'],
    ['PUTNOTIF severity=bad message=x', 'no severity'],
  ])('is refused with a reason: %s', (line, why) => {
    expect(() => read(reader(), line)).toThrow(why);
  });
});

describe('a monitoring plugin', () => {
  const plugin = (output: string) => {
    const readings: Reading[] = [];
    const text = decodePlugin(output, 'check', readings);
    return { text, readings: readings.map(shown) };
  };

  test('has performance data in base units', () => {
    const output =
      "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968 'rta time'=0.8ms;;;0 loss=47%;20;60 c=12c u=U 'it''s'=-1,5 x=3KB";
    expect(plugin(output)).toEqual({
      text: 'DISK OK - free space: / 3326 MB (56%);',
      readings: [
        'check.root 2771386368 bytes gauge',
        'check.rta_time 0.0008 seconds gauge',
        'check.loss 0.47 ratio gauge',
        'check.c 12 count counter',
        "check.it's -1.5 count gauge",
        'check.x 3072 bytes gauge',
      ],
    });
  });

  test('may have many lines, and performance data in them', () => {
    const output = 'OK | a=1\nlong text\nmore | b=2\nc=3\n';
    expect(plugin(output).readings.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'check.a 1',
      'check.b 2',
      'check.c 3',
    ]);
  });

  test('says its status by its exit code', () => {
    expect([0, 1, 2, 3, 4, 127].map((code) => statusReading(code, 'check').value)).toEqual([
      0, 1, 2, 3, 3, 3,
    ]);
  });

  test('is refused where it says no number', () => {
    expect(() => plugin('OK | a=b')).toThrow('"a=b" has no number');
    expect(() => plugin('OK | nonsense')).toThrow('is not label=value');
  });
});

test("munin's plugins", () => {
  const { config, fetch } = muninReader('df');
  const all = said(
    config,
    'graph_title Disk\ngraph_args --base 1000\n_dev_sda.label /\n_dev_sda.warning 92\nin.type DERIVE\nin.cdef in,8,*\n' +
      'abs.type ABSOLUTE\nmultigraph if.eth0\nup.type COUNTER',
  );
  expect(all.notes).toEqual(['munin draws df.in as in,8,*; what it fetches is sent as it is']);
  const text =
    '_dev_sda.value 47.5\nin.value 1000\nabs.value 3\nnone.value U\nin.extinfo why\nmultigraph if.eth0\nup.value 1795219200:5\nnow.value N:6';
  expect(read(fetch, text)).toEqual([
    'df._dev_sda 47.5 count gauge',
    'df.in 1000 count counter',
    'df.abs 3 count delta',
    'if.eth0.up 5 count counter @1795219200',
    'if.eth0.now 6 count gauge',
  ]);
  expect(read(fetch, 'in.value 1')).toEqual(['df.in 1 count counter']);
  expect(() => read(fetch, 'cannot open file')).toThrow('is not field.value number');
});

test("InfluxDB's lines", () => {
  const text = String.raw`cpu,cpu=cpu0,host=web02 usage=1.5,value=3i,up=true,who="a b, \"c\"=d" 1795219200000000000
my\ disk,path=/a\,b\=c free=1u
# nothing`;
  expect(read(influxReader(), text)).toEqual([
    'cpu.usage{cpu=cpu0} 1.5 count gauge @1795219200 web02',
    'cpu{cpu=cpu0} 3 count gauge @1795219200 web02',
    'cpu.up{cpu=cpu0} 1 count gauge @1795219200 web02',
    'my disk.free{path=/a,b=c} 1 count gauge',
  ]);
  for (const line of ['m', 'm f', 'm f=', 'm,t f=1', 'm f=1 now', ',t=a f=1', 'm f=1 2 3']) {
    expect(() => read(influxReader(), line), line).toThrow(SyntaxError);
  }
});

describe("Prometheus' text", () => {
  test('has types, units and labels', () => {
    const text = String.raw`# HELP node_x_bytes Bytes of \\ it.
# TYPE node_x_bytes gauge
node_x_bytes{path="C:\\a \"b\"\n",empty=""} 1.5e3
# TYPE req_seconds histogram
req_seconds_bucket{le="0.5",} 3 # {trace="1"} 0.2
req_seconds_bucket{le="+Inf"} 4
req_seconds_sum 1.25
req_seconds_count 4
# TYPE rpc summary
rpc{quantile="0.9"} 7
rpc_count 2
# TYPE hits counter
hits_total 12 1795219200000
untyped_total 5
nan NaN
# EOF`;
    expect(read(expositionReader(), text)).toEqual([
      'node_x_bytes{path=C:\\a "b"\n,empty=} 1500 bytes gauge',
      'req_seconds_bucket{le=0.5} 3 count counter',
      'req_seconds_bucket{le=+Inf} 4 count counter',
      'req_seconds_sum 1.25 seconds counter',
      'req_seconds_count 4 count counter',
      'rpc{quantile=0.9} 7 count gauge',
      'rpc_count 2 count counter',
      'hits_total 12 count counter @1795219200',
      'untyped_total 5 count gauge',
    ]);
  });

  test.each(['a{b=c} 1', 'a{b="c"', 'a', 'a one', '1a 2', 'a{b="c" d="e"} 1'])(
    'is not: %s',
    (line) => {
      expect(() => read(expositionReader(), line)).toThrow(SyntaxError);
    },
  );
});

test("statsd's lines", () => {
  const events: StatsdEvent[] = [];
  for (const line of [
    'a:1|c|@0.1',
    'g:-5|g',
    't:320:1.5|ms|#env:prod,x',
    's:who:1|s',
    'q;a=b:2|c',
  ]) {
    decodeStatsd(line, events);
  }
  expect(
    events.map(({ name, type, value, member, relative, times, labels }) =>
      [name, type, value, member, relative, times, JSON.stringify(labels)].join(' '),
    ),
  ).toEqual([
    'a counter 1  false 10 {}',
    'g gauge -5  true 1 {}',
    't timer 320  false 1 {"env":"prod","x":""}',
    't timer 1.5  false 1 {"env":"prod","x":""}',
    's set NaN who:1 false 1 {}',
    'q counter 2  false 1 {"a":"b"}',
  ]);
  for (const line of ['a', 'a:1', ':1|c', 'a:x|c', 'a:1|q', 'a:1|c|@0', 'a:|s']) {
    expect(() => decodeStatsd(line, []), line).toThrow(SyntaxError);
  }
});

test('JSON, ours and any', () => {
  const own =
    '{"name":"system.cpu.time","labels":{"cpu":"0"},"value":0.5,"unit":"seconds/s","kind":"gauge","time":1795219200,"host":"web01"}';
  expect(read(jsonReader(), `${own}\n{"a":{"b":1,"c":"x","d":[1]},"e":true,"f":1e999}`)).toEqual([
    'system.cpu.time{cpu=0} 0.5 seconds gauge @1795219200 web01',
    'a.b 1 count gauge',
  ]);
  const readings: Reading[] = [];
  decodeJson('[\n {"a": 1},\n {"a2": 2}\n]', readings);
  decodeJson('{"b": 3}\n{"b2": 4}\n', readings);
  expect(readings.map(shown)).toEqual(
    [1, 2, 3, 4].map((n) => `${['a', 'a2', 'b', 'b2'][n - 1]} ${n} count gauge`),
  );
  for (const line of ['{', '1', '"a"', '[1]'])
    expect(() => read(jsonReader(), line)).toThrow(SyntaxError);
});

describe("Netdata's plugins", () => {
  const CHART = `CHART example.random '' "A Random Number" "random" rnd rnd line 90000 1
DIMENSION number '' absolute 1 10
DIMENSION sent 'out' incremental -8 1000
`;

  test('declare, then tell', () => {
    const reader = netdataReader();
    const text = `${CHART}BEGIN example.random 1000000\nSET number = 42\nSET sent=1000\nEND\nBEGIN example.random\nSET number = U\nEND`;
    expect(read(reader, text)).toEqual([
      'example.random.number 4.2 count gauge',
      'example.random.out 8 count counter',
    ]);
    expect(reader.disabled).toBe(false);
    read(reader, 'DISABLE');
    expect(reader.disabled).toBe(true);
  });

  test('have shares of a row, and of what it grew by', () => {
    const declared = `CHART a.b name
DIMENSION x '' percentage-of-absolute-row
DIMENSION y '' percentage-of-absolute-row
CHART a.c
DIMENSION u '' percentage-of-incremental-row
DIMENSION v '' percentage-of-incremental-row
`;
    const reader = netdataReader();
    const row = (x: number, y: number) => `BEGIN a.b\nSET x = ${x}\nSET y = ${y}\nEND\n`;
    const grown = (u: number, v: number) => `BEGIN a.c\nSET u = ${u}\nSET v = ${v}\nEND\n`;
    expect(read(reader, declared + row(1, 3) + grown(5, 5) + grown(6, 8))).toEqual([
      'a.name.x 0.25 ratio gauge',
      'a.name.y 0.75 ratio gauge',
      'a.c.u 0.25 ratio gauge',
      'a.c.v 0.75 ratio gauge',
    ]);
  });

  test('have two thousand charts and dimensions at most', () => {
    const many = (line: (i: number) => string, count: number) =>
      Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');
    const chart = (i: number) => `CHART a.b${i}`;
    const dimension = (i: number) => `DIMENSION x${i}`;
    expect(read(netdataReader(), many(chart, 2000))).toEqual([]);
    expect(() => read(netdataReader(), many(chart, 2001))).toThrow('is one chart too many');
    expect(() => read(netdataReader(), `CHART a.b\n${many(dimension, 2001)}`)).toThrow(
      'is one dimension too many',
    );
  });

  test('are refused what they did not declare', () => {
    for (const text of [
      'BEGIN x.y',
      'SET a = 1',
      'DIMENSION a',
      'CHART nodot',
      'HELLO',
      `${CHART}BEGIN example.random\nSET number = x`,
    ]) {
      expect(() => read(netdataReader(), text), text).toThrow(SyntaxError);
    }
  });
});

describe('whatever bytes come', () => {
  const munin = muninReader('p');
  const plugin: LineReader = {
    read: (line, { readings }) => void decodePlugin(line, 'service', readings),
  };
  const statsd: LineReader = {
    read: (line, { readings }) => {
      const events: StatsdEvent[] = [];
      try {
        decodeStatsd(line, events);
      } finally {
        for (const { name, type, value, member, labels, times } of events) {
          expect(type === 'set' ? member.length > 0 : Number.isFinite(value * times)).toBe(true);
          readings.push({ name, labels, value: 0, kind: 'gauge', unit: 'count' });
        }
      }
    },
  };
  const readers: Readonly<Record<string, LineReader>> = {
    plain: plainReader(),
    collectd: collectdReader(collectdTypes()),
    config: munin.config,
    fetch: munin.fetch,
    influx: influxReader(),
    prometheus: expositionReader(),
    json: jsonReader(),
    netdata: netdataReader(),
    plugin,
    statsd,
  };
  const SEEDS = [
    'name 1.5 1795219200',
    'PUTVAL "h/exec-a/if_octets-b" interval=1 N:1:2',
    'PUTNOTIF severity=okay message="a \\" b"',
    "OK - it | 'a b'=1.5MB;1;2;3;4 c=5% d=U",
    'in.type DERIVE',
    'multigraph if.eth0',
    'in.value 12',
    'm,t=a\\ b f=1i,g="x, \\" y",h=t 1795219200000000000',
    'name_total{a="b\\"",c="d"} 1.5 1795219200000 # {x="y"} 1',
    '# TYPE name histogram',
    '{"name":"a","value":1e5,"labels":{"__proto__":"x"}}',
    `CHART a.b 'n' "t"`,
    'DIMENSION d n incremental -1 1000',
    'BEGIN a.b 10',
    'SET d = 12',
    'END',
    'a:1:2|ms|@0.5|#x:y',
  ];
  const line = fc.oneof(
    fc.constantFrom(...SEEDS),
    fc.string({ unit: 'binary', maxLength: 60 }),
    // A line that is cut, and put together with another.
    fc
      .tuple(fc.constantFrom(...SEEDS), fc.constantFrom(...SEEDS), fc.nat(60), fc.nat(60))
      .map(([a, b, i, j]) => a.slice(0, i) + b.slice(j)),
  );

  test.each(Object.keys(readers))(
    '%s reads a finite number under a name, or refuses the line',
    (form) => {
      const reader = readers[form];
      fc.assert(
        fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
          for (const each of lines) {
            const all: Said = { readings: [], notes: [] };
            try {
              reader?.read(each, all);
            } catch (error) {
              expect(error).toBeInstanceOf(SyntaxError);
              expect((error as Error).message.length).toBeLessThan(1500);
            }
            for (const { name, value, labels, time } of all.readings) {
              expect(name).not.toBe('');
              expect(Number.isFinite(value)).toBe(true);
              expect(Object.values(labels).every((text) => typeof text === 'string')).toBe(true);
              expect(time === undefined || (time > 0 && time < 2 ** 32)).toBe(true);
            }
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  test.each(Object.keys(readers))('%s is done with a mebibyte in a moment', (form) => {
    const long = [
      'a'.repeat(2 ** 20),
      '"'.repeat(2 ** 20),
      `a{${'a="b",'.repeat(2 ** 17)}`,
      '\\ '.repeat(2 ** 19),
    ];
    for (const each of [
      ...long,
      ' '.repeat(2 ** 20),
      `OK|${"'a'=1 ".repeat(2 ** 16)}'`,
      ',='.repeat(2 ** 19),
      `PUTVAL ${'"a'.repeat(2 ** 18)}`,
    ]) {
      try {
        readers[form]?.read(each, { readings: [], notes: [] });
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }
  });
});
