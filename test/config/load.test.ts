import { z } from 'cullinan/plugin';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { collector, Folder, load, registry } from './support.ts';

const instances = (text: string) => load(text).collectors.map(({ instance }) => instance);
const one = <T extends { readonly instance: string }>(list: readonly T[], name: string): T => {
  const found = list.find(({ instance }) => instance === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

describe('without anything said', () => {
  test.each([
    ['an empty file', ''],
    ['only comments', '# nothing yet\n'],
    ['an empty document', '---\n'],
    ['a byte order mark', '\uFEFF'],
    ['sections with nothing in them', 'collectors:\nhandlers:\nlabels:\nhostname:\nlog:\n'],
  ])('%s gives the defaults', (_, text) => {
    expect(load(text)).toMatchObject({
      interval: 10,
      hostname: { method: 'smart', name: undefined },
      labels: {},
      host: { proc: '/proc', sys: '/sys', root: '/' },
      log: { level: 'info' },
      shutdown: { timeout: 5 },
      handlers: [{ instance: 'live', dialect: 'diamond', counters: 'rates', tags: false }],
    });
  });

  test('collectors run that are on by default, at the interval', () => {
    const { collectors } = load('');
    expect(collectors.map(({ instance }) => instance)).toEqual(['cpu', 'disk', 'network']);
    expect(collectors[0]).toMatchObject({
      interval: 10,
      timeout: 5,
      stagger: 1,
      newSeriesPerHour: 50_000,
      options: { percore: true },
    });
  });

  test('the default file may be absent', () => {
    using folder = new Folder({ 'conf.d/a.yaml': 'interval: 20s' });
    const o = { registry, environment: {}, defaultHandlers: { live: {} } };
    const config = loadConfig({ ...o, defaultPath: folder.main });
    expect(config.interval).toBe(20);
    expect(config.handlers.map(({ instance }) => instance)).toEqual(['live']);
    expect(() => loadConfig({ ...o, path: folder.main })).toThrow('does not exist');
  });
});

describe('collectors', () => {
  test('a tenth of the interval is the stagger, and half of it the timeout, up to a limit', () => {
    const { collectors } = load('interval: 5m\ncollectors:\n  cpu: { interval: 2s }\n');
    expect(one(collectors, 'cpu')).toMatchObject({ interval: 2, timeout: 1, stagger: 0.2 });
    expect(one(collectors, 'disk')).toMatchObject({ interval: 300, timeout: 30, stagger: 1 });
  });

  test('a timeout may exceed the interval, and a stagger may be none', () => {
    const { collectors } = load('collectors: { cpu: { timeout: 30s, stagger: 0s } }');
    expect(one(collectors, 'cpu')).toMatchObject({ interval: 10, timeout: 30, stagger: 0 });
  });

  test('default gives its keys to all of them; their own go before', () => {
    const { collectors } = load(
      'collectors:\n  default: { interval: 30s, stagger: 20s }\n  cpu: { interval: 5s }\n',
    );
    expect(one(collectors, 'disk')).toMatchObject({ interval: 30, stagger: 20 });
    expect(one(collectors, 'cpu')).toMatchObject({ interval: 5, stagger: 5 });
  });

  test('default can switch all of them off, and each can be switched on', () => {
    const off = 'collectors:\n  default: { enabled: false }\n';
    expect(instances(off)).toEqual([]);
    expect(instances(`${off}  cpu: { enabled: true }\n`)).toEqual(['cpu']);
  });

  test('one that is off by default runs when it is mentioned', () => {
    expect(instances('collectors: { sensors: }')).toContain('sensors');
    expect(instances('collectors: { cpu: { enabled: false } }')).not.toContain('cpu');
  });

  test('a second instance has a name of its own', () => {
    const { collectors } = load(
      'collectors:\n  nvme: { type: disk, devices: { include: [nvme*] } }\n',
    );
    expect(collectors.map(({ instance }) => instance)).toEqual(['cpu', 'disk', 'network', 'nvme']);
    expect(one(collectors, 'nvme').collector.name).toBe('disk');
  });
});

describe('handlers', () => {
  const graphite = (text: string) =>
    one(load(`handlers: { graphite: ${text} }`).handlers, 'graphite');

  test('have sensible defaults', () => {
    expect(graphite('{ host: a }')).toMatchObject({
      options: { host: 'a', port: 2003, keepalive: 60 },
      prefix: undefined,
      suffix: '',
      only: undefined,
      except: [],
      queue: { samples: 100_000, bytes: 16 * 1024 * 1024 },
      batch: 1000,
      timeout: 15,
      backoff: { least: 1, most: 60 },
      resend: undefined,
    });
  });

  test('keep an empty prefix apart from none', () => {
    expect(graphite('{ host: a, prefix: "" }').prefix).toBe('');
  });

  test('never have a batch that their queue cannot hold', () => {
    expect(graphite('{ host: a, queue: { samples: 100 } }').batch).toBe(100);
  });

  test('that are switched off need not be complete, but must be spelled right', () => {
    const off = `{ enabled: false, prefix: "\${NOT_SET}" }`;
    expect(load(`handlers: { graphite: ${off}, live: }`).handlers).toHaveLength(1);
    expect(() => load('handlers: { graphite: { enabled: false, prot: 1 } }')).toThrow('"port"');
  });
});

describe('YAML', () => {
  test('is 1.2: yes and no are words, and text is taken as it is written', () => {
    const { labels } = load('labels: { vip: no, rack: 007, spare: true, mode: 0o755, e: 1e3 }');
    expect(labels).toEqual({ vip: 'no', rack: '007', spare: 'true', mode: '0o755', e: '1e3' });
  });

  test('may use anchors and merge keys', () => {
    const text =
      'collectors:\n  cpu: &slow { interval: 30s, timeout: 20s }\n  disk:\n    <<: *slow\n    timeout: 5s\n';
    expect(one(load(text).collectors, 'disk')).toMatchObject({ interval: 30, timeout: 5 });
  });

  test('a key with nothing behind it counts as not written', () => {
    const { handlers } = load('handlers: { graphite: { host: a, port: , queue: , only: } }');
    expect(handlers[0]).toMatchObject({ options: { port: 2003 }, only: undefined });
  });

  test('a name that JavaScript knows is a name like any other', () => {
    expect(() => load('__proto__: { polluted: 1 }')).toThrow('unknown option "__proto__"');
    expect(() => load('constructor: 1')).toThrow('unknown option "constructor"');
    expect(() => load('collectors: { toString: }')).toThrow('unknown collector "toString"');
  });
});

describe('several files', () => {
  test('maps merge key by key; of lists and scalars the later one stands', () => {
    using folder = new Folder({
      'cullinan.yaml':
        'interval: 10s\nlabels: { site: ams1, rack: a }\nhandlers:\n  graphite: { host: a, except: [x] }\n',
      'conf.d/20-b.yaml': 'labels: { rack: c }\nhandlers: { graphite: { except: [y, z] } }\n',
      'conf.d/10-a.yaml': 'interval: 20s\nlabels: { rack: b }\nhandlers:\n',
      'conf.d/notes.txt': 'not: [yaml',
      'conf.d/.#20-b.yaml': 'nor: [this',
    });
    const config = folder.load();
    expect(config).toMatchObject({ interval: 20, labels: { site: 'ams1', rack: 'c' } });
    expect(config.handlers[0]).toMatchObject({ options: { host: 'a' }, except: ['y', 'z'] });
    expect(config.files.map((file) => file.slice(folder.path.length))).toEqual([
      '/cullinan.yaml',
      '/conf.d/10-a.yaml',
      '/conf.d/20-b.yaml',
    ]);
  });
});

describe('a dialect', () => {
  test('has options that are part of the fingerprint', () => {
    const print = (written: string) =>
      load(`handlers: { graphite: { host: a, dialect: ${written} } }`).handlers[0]?.fingerprint();
    expect(print('{ name: collectd, escape: "_" }')).toBe(print('collectd'));
    expect(print('{ name: collectd, escape: "-" }')).not.toBe(print('collectd'));
  });

  const dialectOf = (written: string) => {
    const [handler] = load(`handlers: { graphite: { host: a, dialect: ${written} } }`).handlers;
    return [handler?.dialect, handler?.dialectOptions];
  };
  const usual = { escape: '_', cpu: { percent: false } };

  test.each([
    ['otel', ['otel', undefined]],
    ['{ name: otel }', ['otel', undefined]],
    ['collectd', ['collectd', usual]],
    ['{ name: collectd }', ['collectd', usual]],
    ['{ name: collectd, escape: 7 }', ['collectd', { ...usual, escape: '7' }]],
    [
      '{ name: collectd, cpu: { percent: true } }',
      ['collectd', { ...usual, cpu: { percent: true } }],
    ],
  ])('%s is taken with its options', (written, taken) => {
    expect(dialectOf(written)).toEqual(taken);
  });
});

describe('fingerprints', () => {
  const prints = (text: string) => {
    const { fingerprint, collectors, handlers } = load(text);
    const each = [...collectors, ...handlers].map((it) => [it.instance, it.fingerprint()]);
    return { agent: fingerprint(), ...Object.fromEntries(each) };
  };
  const base =
    'collectors: { cpu: { percore: true }, disk: }\nhandlers: { graphite: { host: a, prefix: p } }\n';

  test.each([
    ['the order of keys', base.replace('host: a, prefix: p', 'prefix: p, host: a')],
    ['a default that is written out', base.replace('host: a', 'host: a, port: 2003')],
    [
      'a default within a map',
      base.replace('disk:', 'disk: { devices: { exclude: [loop*, ram*] } }'),
    ],
    [
      'a dialect that is written as a map',
      base.replace('prefix: p', 'prefix: p, dialect: { name: diamond }'),
    ],
    ['the log', `log: { level: debug }\n${base}`],
    ['a comment', `# here\n${base}`],
  ])('are the same in spite of %s', (_, text) => {
    expect(prints(text)).toEqual(prints(base));
  });

  test.each([
    ['cpu', base.replace('percore: true', 'percore: false')],
    ['cpu', base.replace('percore: true', 'timeout: 3s')],
    ['disk', base.replace('disk:', 'disk: { devices: { exclude: [] } }')],
    ['graphite', base.replace('host: a', 'host: b')],
    ['graphite', base.replace('host: a', 'host: a, only: [cpu.*]')],
    ['graphite', base.replace('host: a', 'host: a, dialect: collectd')],
    ['agent', `labels: { site: x }\n${base}`],
    ['agent', `hostname: { name: x }\n${base}`],
  ])('only that of %s changes', (changed, text) => {
    const before = prints(base);
    const after = prints(text);
    expect(Object.keys(after).filter((key) => after[key] !== before[key])).toEqual([changed]);
  });

  test('only that of who has a parser changes with the file of the parser', () => {
    using folder = new Folder('collectors: { cpu: {}, tail: { files: [{ parser: one }] } }\n');
    const parsers = { one: { open: () => undefined }, other: { open: () => undefined } };
    const parser = z.enum(['one', 'other']).transform((name) => parsers[name]);
    const tail = collector('tail', z.strictObject({ files: z.array(z.strictObject({ parser })) }));
    const printsWith = (revised: object, revision: string) => {
      const collectors = new Map([...registry.collectors, ['tail', tail]]);
      const revisionOf = (plugin: object) => (plugin === revised ? revision : undefined);
      const { collectors: configured } = loadConfig({
        ...{ path: folder.main, environment: {}, defaultHandlers: {} },
        registry: { ...registry, collectors, revision: revisionOf },
      });
      return Object.fromEntries(configured.map((it) => [it.instance, it.fingerprint()]));
    };
    const before = printsWith(parsers.one, '1');
    expect(printsWith(parsers.one, '1')).toEqual(before);
    const after = printsWith(parsers.one, '2');
    expect(Object.keys(after).filter((key) => after[key] !== before[key])).toEqual(['tail']);
    expect(printsWith(parsers.other, '1')).toEqual(printsWith(parsers.other, '2'));
    expect(printsWith(tail, '1')['tail']).not.toEqual(printsWith(tail, '2')['tail']);
  });
});
