import { describe, expect, it } from 'vitest';
import { dialects } from '../../src/naming/index.ts';
import { NAMING, series } from './support.ts';

const { otel } = dialects;
const path = (...args: Parameters<typeof otel.spell>) => otel.spell(...args).map((n) => n.path);

describe('the generic rule', () => {
  const io = series('system.network.io', { device: 'eth0.100', direction: 'receive' }, 'counter');

  it('follows the inner name with the labels in declared order', () => {
    expect(path(io, NAMING)).toEqual(['web01.system.network.io.eth0_100.receive']);
  });

  it('leaves an empty label out', () => {
    const usage = series('system.filesystem.limit', { device: '/dev/sda1', volume: '' });
    expect(path(usage, NAMING)).toEqual(['web01.system.filesystem.limit._dev_sda1']);
  });

  it('takes prefix, host and suffix in the order Diamond has them', () => {
    const naming = { ...NAMING, prefix: 'a.b', suffix: 'linux', host: 'com.example.www' };
    expect(path(series('x'), naming)).toEqual(['a.b.com.example.www.linux.x']);
  });

  it('leaves empty parts out', () => {
    expect(path(series('x'), { ...NAMING, prefix: '', host: '' })).toEqual(['x']);
  });

  it('names a series of another host after that one', () => {
    const guest = { ...series('x'), host: 'guest7.example.net' };
    const naming = { ...NAMING, ownHost: 'web01.example.net' };
    expect(path(guest, naming)).toEqual(['guest7_example_net.x']);
    expect(path(series('x'), naming)).toEqual(['web01.x']);
  });

  it.each([
    ['gauge', 'raw', 'value'],
    ['gauge', 'rates', 'value'],
    ['counter', 'raw', 'value'],
    ['counter', 'rates', 'rate'],
    ['delta', 'raw', 'value'],
    ['delta', 'rates', 'rate'],
  ] as const)('reads a %s with counters: %s as its %s', (kind, counters, reading) => {
    const [name] = otel.spell(series('x', {}, kind), { ...NAMING, counters });
    expect(name).toMatchObject({ reading, precision: undefined, scale: 1, offset: 0 });
  });
});

describe('with Graphite tags', () => {
  const naming = { ...NAMING, tags: true, labels: { site: 'ams1' } };
  const io = series('system.network.io', { direction: 'receive', device: 'eth0.100' }, 'counter');

  it('host, labels and configured labels are tags, sorted as Carbon sorts them', () => {
    expect(path(io, naming)).toEqual([
      'system.network.io;device=eth0.100;direction=receive;host=web01;site=ams1',
    ]);
  });

  it('a prefix appears only where it was asked for', () => {
    expect(path(series('x'), { ...naming, prefix: 'a', suffix: 'b' })).toEqual([
      'a.b.x;host=web01;site=ams1',
    ]);
  });

  it('an empty label is no tag, and one called name does not hide the path', () => {
    expect(path(series('x', { volume: '', name: 'y' }), naming)).toEqual([
      'x;_name=y;host=web01;site=ams1',
    ]);
  });

  it('a configured label hides neither the host nor a label of the series', () => {
    const labels = { host: 'other', device: 'other' };
    expect(path(series('x', { device: 'sda' }), { ...naming, labels })).toEqual([
      'x;device=sda;host=web01',
    ]);
  });
});
