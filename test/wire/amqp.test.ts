import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counter, gauge, type Name, type Point, type Series } from '../../src/metric/index.ts';
import { collectd } from '../../src/naming/collectd.ts';
import { collectdLists } from '../../src/wire/amqp/collectd.ts';
import { BODIES, createMessages, type MessageOptions } from '../../src/wire/amqp/messages.ts';
import { objectionTo, shortKey, template } from '../../src/wire/amqp/template.ts';
import { decodeLine } from '../../src/wire/graphite.ts';

const LOAD = gauge('system.load', { unit: 'count', help: '' });
const IO = counter('system.network.io', {
  unit: 'bytes',
  labels: ['device', 'direction'],
  help: '',
});

const series = (more: Partial<Series> = {}): Series => ({
  ...{ id: 0, metric: LOAD, collector: 'load', host: 'web01.example.net', labels: {} },
  ...more,
});
const named = (path: string, more: Partial<Series> = {}): Name => ({
  series: series(more),
  path,
  reading: 'value',
  precision: undefined,
});
const point = (name: Name, value: number, time = 1e9): Point => ({ name, value, time });

describe('a text with placeholders', () => {
  const name = named('servers.web01.load', { labels: { device: 'eth0.10' } });

  it.each([
    ['metrics', 'metrics'],
    ['{path}', 'servers.web01.load'],
    ['{collector}.{host}', 'load.web01.example.net'],
    ['a.{name}-{label.device}.{label.none}', 'a.system.load-eth0_10.'],
    ['', ''],
  ])('%j is filled in as %j', (text, filled) => {
    expect(objectionTo(text)).toBeUndefined();
    expect(template(text)(name)).toBe(filled);
  });

  it.each(['{', '}', '{{host}}', '{label.}', '{constructor}', '{Host}', 'a{b'])(
    '%j is none',
    (text) => expect(objectionTo(text)).toMatch(/^must /),
  );

  it('is objected to or filled in, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'host', 'label.', 'x') }), (text) => {
        const objection = objectionTo(text);
        if (objection === undefined) expect(template(text)(name)).not.toMatch(/[{}]/);
      }),
    );
  });
});

describe('a routing key', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 });

  it('is never longer than AMQP allows, and what is short enough stays as it is', () => {
    fc.assert(
      fc.property(text, (text) => {
        const bytes = Buffer.byteLength(text);
        expect(Buffer.byteLength(shortKey(text))).toBeLessThanOrEqual(255);
        if (bytes <= 255) expect(shortKey(text)).toBe(text);
      }),
    );
  });

  it('that is cut is cut between characters, and still tells names apart', () => {
    const [one, other] = ['a', 'b'].map((end) => shortKey('é'.repeat(200) + end));
    expect(one).toMatch(/^é{123}~[0-9a-f]{8}$/);
    expect(one).not.toBe(other);
  });
});

describe('collectd’s JSON', () => {
  const naming = {
    ...{ prefix: '', host: 'host_example', ownHost: 'host.example', suffix: '', tags: false },
    labels: {},
  };
  const spelled = (more: Partial<Series>, counters: 'raw' | 'rates') =>
    collectd.spell(series({ host: 'host.example', ...more }), { ...naming, counters })[0];
  const lists = collectdLists(1);
  const io = (direction: string, counters: 'raw' | 'rates') =>
    spelled({ metric: IO, labels: { device: 'eth0', direction } }, counters);
  const time = 1795246564.429;

  // What collectd 5.12 sent: the amqp plugin with Format JSON, StoreRates true and false.
  it('is what collectd sends, to the byte', () => {
    const [rx, tx] = ['receive', 'transmit'].map((direction) => io(direction, 'raw'));
    const cpu = counter('system.cpu.time', { unit: 'seconds', labels: ['cpu', 'state'], help: '' });
    const idle = spelled({ metric: cpu, labels: { cpu: '0', state: 'idle' } }, 'rates');
    if (rx === undefined || tx === undefined || idle === undefined) throw new Error('no name');
    expect(lists([point(rx, 0, time), point(tx, 0, time)])).toEqual([
      '{"values":[0,0],"dstypes":["derive","derive"],"dsnames":["rx","tx"],"time":1795246564.429,"interval":1.000,"host":"host.example","plugin":"interface","plugin_instance":"eth0","type":"if_octets","type_instance":""}',
    ]);
    expect(lists([point(idle, 98.9958312180784, time)])).toEqual([
      '{"values":[98.9958312180784],"dstypes":["derive"],"dsnames":["value"],"time":1795246564.429,"interval":1.000,"host":"host.example","plugin":"cpu","plugin_instance":"0","type":"cpu","type_instance":"idle"}',
    ]);
  });

  it('keeps times and devices apart, and loses no value', () => {
    const names = fc.constantFrom('receive', 'transmit').map((direction) => io(direction, 'raw'));
    const some = fc.array(fc.tuple(names, fc.nat(), fc.constantFrom(1, 2)));
    fc.assert(
      fc.property(some, (some) => {
        const batch = some.flatMap(([name, value, time]) =>
          name === undefined ? [] : [point(name, value, time)],
        );
        const sent = lists(batch).flatMap((list) => {
          const { values, dsnames, dstypes, time } = JSON.parse(list);
          expect(new Set(dsnames).size).toBe(dsnames.length);
          expect(dstypes).toHaveLength(values.length);
          return values.map((value: number, i: number) => [dsnames[i], time, value].join());
        });
        const expected = batch.map(({ name, time, value }) =>
          [name.identifier?.source, time, value].join(),
        );
        expect(sent.sort()).toEqual(expected.sort());
      }),
    );
  });
});

describe('messages', () => {
  const common: MessageOptions = {
    ...{ body: 'lines', routingKey: template('{host}'), headers: {}, samples: 1000, interval: 10 },
  };
  const names = Array.from({ length: 12 }, (_, i) =>
    named(`p${i}`, { host: `web${i % 3}`, collector: `c${i % 2}` }),
  );
  const batches = fc.array(
    fc
      .tuple(fc.nat(11), fc.integer(), fc.nat())
      .map(([i, value, time]) => point(names[i] ?? named('none'), value, time)),
  );

  it.each(BODIES)('hold every point once, in order, and no more than is wanted (%s)', (body) => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 5 }), (batch, samples) => {
        const routingKey = template('{path}');
        const messages = createMessages({ ...common, body, samples, routingKey })(batch);
        const values = new Map<string, number[]>();
        for (const { routingKey, body: text, points } of messages) {
          const found = valuesIn(body, text);
          expect(points.map(({ value }) => value)).toEqual(found);
          expect(found.length).toBeLessThanOrEqual(samples);
          values.set(routingKey, [...(values.get(routingKey) ?? []), ...found]);
        }
        for (const [path, found] of values) {
          expect(found).toEqual(batch.filter((it) => it.name.path === path).map((it) => it.value));
        }
        expect([...values.values()].flat()).toHaveLength(batch.length);
      }),
    );
  });

  it('have one address each', () => {
    const headers = { by: template('{collector}') };
    const encode = createMessages({ ...common, headers });
    const batch = names.map((name, i) => point(name, i));
    expect(encode(batch).map(({ routingKey, headers }) => [routingKey, headers['by']])).toEqual([
      ['web0', 'c0'],
      ['web1', 'c1'],
      ['web2', 'c0'],
      ['web0', 'c1'],
      ['web1', 'c0'],
      ['web2', 'c1'],
    ]);
    expect(encode(batch)).toEqual(encode(batch));
  });

  /** The values in a body, read as its consumers read it. */
  function valuesIn(body: (typeof BODIES)[number], text: string): number[] {
    const lines = text.trimEnd().split('\n');
    switch (body) {
      case 'lines':
        return lines.map((line) => decodeLine(line).value);
      case 'values':
        return lines.map((line) => decodeLine(`name ${line}`).value);
      case 'json':
        return (JSON.parse(text) as { value: number }[]).map(({ value }) => value);
      case 'collectd':
        return (JSON.parse(text) as { values: number[] }[]).flatMap(({ values }) => values);
      case 'ceilometer': {
        const { payload } = JSON.parse(JSON.parse(text)['oslo.message']);
        return payload.samples.map((it: { counter_volume: number }) => it.counter_volume);
      }
    }
  }
});
