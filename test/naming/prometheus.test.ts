import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kind, Labels, Point, Unit } from '../../src/metric/index.ts';
import { createNamer, dialects } from '../../src/naming/index.ts';
import { describeSpelling, observed } from './observed.ts';
import { NAMING, series } from './support.ts';

const { prometheus } = dialects;

const paths = (name: string, labels: Labels = {}, naming = NAMING) =>
  prometheus.spell(series(name, labels), naming).map(({ path }) => path);

/** The name of a metric that node_exporter does not have. */
const genericName = (name: string, kind: Kind, unit: Unit) => {
  const one = series(name, {}, kind);
  return prometheus.spell({ ...one, metric: { ...one.metric, unit } }, NAMING)[0]?.path;
};

const spellings = observed().flatMap((one) => prometheus.spell(one, NAMING));

describe('the names for Prometheus', () => {
  it('are these', async () => {
    const text = `${spellings.map(describeSpelling).join('\n')}\n`;
    await expect(text).toMatchFileSnapshot('../golden/prometheus-names.txt');
  });

  it('are never given twice, but for those that are sums', () => {
    const single = spellings.filter(({ summed }) => !summed).map(({ path }) => path);
    expect(new Set(single).size).toBe(single.length);
    for (const { path, summed } of spellings) if (summed) expect(single).not.toContain(path);
  });

  it('are for values as they stand, whatever the handler wants of counters', () => {
    for (const counters of ['raw', 'rates'] as const) {
      for (const one of observed()) {
        for (const { reading, precision } of prometheus.spell(one, { ...NAMING, counters })) {
          expect({ reading, precision }).toEqual({ reading: 'value', precision: undefined });
        }
      }
    }
  });
});

describe('a metric that node_exporter does not have', () => {
  it.each([
    ['app.queue.length', 'gauge', 'count', 'app_queue_length'],
    ['app.requests', 'counter', 'count', 'app_requests_total'],
    ['app.requests.total', 'counter', 'count', 'app_requests_total'],
    ['app.time', 'counter', 'seconds', 'app_time_seconds_total'],
    ['app.cache.bytes', 'gauge', 'bytes', 'app_cache_bytes'],
    ['app.hits', 'gauge', 'ratio', 'app_hits_ratio'],
    ['app.lines', 'delta', 'count', 'app_lines'],
    ['3com.wi-fi', 'gauge', 'count', '_3com_wi_fi'],
    ['', 'gauge', 'count', '_'],
  ] as const)('%s (%s, %s) is called %s', (name, kind, unit, spelled) => {
    expect(genericName(name, kind, unit)).toBe(spelled);
  });

  it('has no label of a name that Prometheus keeps for itself, for which it refuses a whole page', () => {
    expect(paths('app.queue', { __name__: 'cpu' })).toEqual(['app_queue{_name__="cpu"}']);
    const configured = { ...NAMING, labels: { '-_x': 'a', '': 'b' } };
    expect(paths('app.queue', {}, configured)).toEqual(['app_queue{_="b",_x="a"}']);
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, label) => {
        const [spelled] = paths(name, { [label]: 'x' });
        expect(spelled).toMatch(/^[a-zA-Z_:][\w:]*\{(?!__)[a-zA-Z_]\w*="x"\}$/);
      }),
    );
  });

  it('keeps its labels, under names that Prometheus takes', () => {
    expect(paths('app.queue.length', { queue: 'mail', 'per-host': 'yes' })).toEqual([
      'app_queue_length{per_host="yes",queue="mail"}',
    ]);
  });
});

describe('labels', () => {
  it('are in the order of their names', () => {
    expect(paths('system.cpu.time', { state: 'idle', cpu: '10' })).toEqual([
      'node_cpu_seconds_total{cpu="10",mode="idle"}',
    ]);
  });

  it.each([
    ['a "quoted" name', 'x{l="a \\"quoted\\" name"}'],
    ['C:\\', 'x{l="C:\\\\"}'],
    ['two\nlines', 'x{l="two\\nlines"}'],
    ['grün, {a=b}', 'x{l="grün, {a=b}"}'],
    ['', 'x'],
  ])('with the value %j make it %s', (l, path) => {
    expect(paths('x', { l })).toEqual([path]);
  });

  it('come back as they were, whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (l) => {
        const [path = ''] = paths('x', { l });
        const quoted = /^x\{l="((?:[^\\"\n]|\\[\\"n])*)"\}$/.exec(path)?.[1];
        expect(quoted?.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))).toBe(l);
      }),
    );
  });

  it('of the configuration stand beside them, and hide none', () => {
    const naming = { ...NAMING, labels: { site: 'ams1', device: 'other', 'data-centre': 'x' } };
    expect(paths('system.network.frame', { device: 'eth0' }, naming)).toEqual([
      'node_network_receive_frame_total{data_centre="x",device="eth0",site="ams1"}',
    ]);
  });

  it('name the host only where it is not the one that is asked', () => {
    const naming = { ...NAMING, prefix: 'servers', suffix: 'x', ownHost: 'web01.example.net' };
    expect(paths('x', {}, naming)).toEqual(['x']);
    const guest = { ...series('x'), host: 'guest7' };
    expect(prometheus.spell(guest, naming)[0]?.path).toBe('x{host="guest7"}');
  });
});

describe('a device', () => {
  it.each(['sda', 'nvme0n1', 'md0', 'dm-3', 'vdb'])('%s is one of node_exporter’s', (device) => {
    expect(paths('system.disk.io_time', { device })).toEqual([
      `node_disk_io_time_seconds_total{device="${device}"}`,
    ]);
  });

  it.each(['sda1', 'nvme0n1p2', 'xvda1', 'loop0', 'zram0'])(
    '%s, which node_exporter leaves out, has a generic name, so that sums stay right',
    (device) => {
      expect(paths('system.disk.pending_operations', { device })).toEqual([
        `system_disk_pending_operations{device="${device}"}`,
      ]);
    },
  );
});

describe('a filesystem', () => {
  const where = { device: 'nas:/home', mountpoint: '/home', type: 'nfs4', volume: '' };

  it('that does not answer has the error that node_exporter reports', () => {
    const into: Point[] = [];
    const responding = series('system.filesystem.responding', where);
    const sample = { series: responding, value: 0, time: 0, growth: undefined };
    createNamer(prometheus, NAMING).points(sample, into);
    expect(into.map(({ name, value }) => [name.path, value])).toEqual([
      ['node_filesystem_device_error{device="nas:/home",fstype="nfs4",mountpoint="/home"}', 1],
    ]);
  });
});

describe('processes', () => {
  it('are counted by the letter of their state, and all together', () => {
    const into: Point[] = [];
    const namer = createNamer(prometheus, NAMING);
    for (const [id, status] of ['running', 'sleeping', 'other'].entries()) {
      const of = series('system.processes.count', { status }, 'gauge', id);
      namer.points({ series: of, value: 10 + id, time: 0, growth: undefined }, into);
    }
    expect(into.map(({ name, value }) => [name.path, value])).toEqual([
      ['node_processes_state{state="R"}', 10],
      ['node_processes_pids', 33],
      ['node_processes_state{state="S"}', 11],
      ['node_processes_state{state="other"}', 12],
    ]);
  });
});
