import { describe, expect, test } from 'vitest';
import { dialects, type Relabel, type Route, route } from '../../src/naming/index.ts';
import { NAMING, series } from './support.ts';

const IDLE: Relabel = { drop: false, replace: {}, labels: {}, scale: 1 };
const SDA = {
  ...series('system.disk.io', { device: 'sda', direction: 'read' }),
  collector: 'disk',
};
const SDB = { ...SDA, labels: { device: 'sdb', direction: 'read' } };
const LOAD = { ...series('system.load'), collector: 'load' };

const paths = (how: Partial<Route>, naming = NAMING) => {
  const dialect = route(dialects.otel, { only: undefined, except: [], relabel: [], ...how });
  return [SDA, SDB, LOAD].flatMap((it) => dialect.spell(it, naming).map(({ path }) => path));
};
const ALL = ['web01.system.disk.io.sda.read', 'web01.system.disk.io.sdb.read', 'web01.system.load'];
const relabelled = (...rules: Partial<Relabel>[]) => ({
  relabel: rules.map((rule) => ({ ...IDLE, ...rule })),
});

describe('only and except', () => {
  test.each([
    [{}, [0, 1, 2]],
    [{ only: ['system.load'] }, [2]],
    [{ only: ['web01.*.sda.*'] }, [0]],
    [{ only: ['re:^system\\.disk.*sdb'] }, [1]],
    [{ only: ['collector:disk'] }, [0, 1]],
    [{ only: ['label:device=sd?'], except: ['label:device=sdb'] }, [0]],
    [{ only: ['collector:re:^l'] }, [2]],
    [{ except: ['collector:disk & label:device=sda'] }, [1, 2]],
    [{ only: ['system.disk.io & label:device=sdb', 'collector:load'] }, [1, 2]],
    [{ except: ['label:toString=*'] }, [0, 1, 2]],
  ] as const)('%j', (how, chosen) => {
    expect(paths(how)).toEqual(chosen.map((i) => ALL[i]));
  });
});

describe('relabelling', () => {
  test('renames a path by regular expression', () => {
    const rename = { from: '^(\\w+)\\.system\\.', to: 'hosts.$1.' };
    expect(paths(relabelled({ rename }))).toEqual([
      ...['hosts.web01.disk.io.sda.read', 'hosts.web01.disk.io.sdb.read', 'hosts.web01.load'],
    ]);
  });

  test('drops, by the names that were there before', () => {
    const rename = { from: 'system', to: 's' };
    const drop = { match: ['collector:load', 'system.*sda*'], drop: true };
    expect(paths(relabelled({ rename }, drop))).toEqual(['web01.s.disk.io.sdb.read']);
  });

  test('rewrites, sets and takes away labels, wherever they stand in the path', () => {
    const replace = { device: { from: '^sd(.)$', to: 'disk-$1' } };
    const labels = { direction: '', site: 'ams' };
    expect(paths(relabelled({ match: ['collector:disk'], replace, labels }))).toEqual([
      ...['web01.system.disk.io.disk-a', 'web01.system.disk.io.disk-b', 'web01.system.load'],
    ]);
    const tags = { ...NAMING, tags: true };
    expect(paths({ ...relabelled({ replace, labels }), only: ['collector:disk'] }, tags)).toEqual([
      'system.disk.io;device=disk-a;host=web01;site=ams',
      'system.disk.io;device=disk-b;host=web01;site=ams',
    ]);
  });

  test('leaves the series with its new labels to whoever sends labels', () => {
    const how = relabelled({ labels: { site: 'ams', direction: '' } });
    const dialect = route(dialects.otel, { only: undefined, except: [], ...how });
    expect(dialect.spell(SDA, NAMING)[0]?.series.labels).toEqual({ device: 'sda', site: 'ams' });
    expect(SDA.labels).toEqual({ device: 'sda', direction: 'read' });
  });

  test('scales, after the dialect', () => {
    const dialect = route(dialects.otel, {
      ...{ only: undefined, except: [] },
      ...relabelled({ scale: 8 }, { scale: 0.5 }),
    });
    expect(dialect.spell(SDA, NAMING)[0]).toMatchObject({ scale: 4, offset: 0 });
  });

  test('cannot break a line, nor leave no path', () => {
    expect(
      paths({ ...relabelled({ rename: { from: 'system', to: 'a b\n1' } }), only: ['*load'] }),
    ).toEqual(['web01.a_b_1.load']);
    expect(paths({ ...relabelled({ rename: { from: '.*', to: '' } }), only: ['*load'] })).toEqual([
      'web01.system.load',
    ]);
  });
});

test('one of several peers is asked for the path as it is sent', () => {
  const asked: string[] = [];
  const accepts = (path: string) => asked.push(path) > 1;
  expect(paths({ ...relabelled({ rename: { from: 'web01', to: 'w' } }), accepts })).toHaveLength(2);
  expect(asked[0]).toBe('w.system.disk.io.sda.read');
});
