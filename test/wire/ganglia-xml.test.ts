import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClusterFacts,
  ClusterReader,
  type KnownHost,
  type KnownMetric,
  renderCluster,
} from '../../src/wire/ganglia/xml.ts';
import { objectionsToXml } from '../support/xml.ts';

const capture = (name: string): Buffer =>
  readFileSync(new URL(`ganglia/${name}.xml`, import.meta.url));

const facts: ClusterFacts = {
  name: 'mccluster',
  owner: 'unspecified',
  latlong: 'unspecified',
  url: 'unspecified',
};
const NOW = 1_000_000;

function read(page: string, { piece = page.length, limit = 1000 } = {}): KnownHost[] {
  const hosts: KnownHost[] = [];
  const reader = new ClusterReader(NOW, limit, (host) => hosts.push(host));
  for (let at = 0; at < page.length; at += piece) reader.push(page.slice(at, at + piece));
  return hosts;
}

const render = (hosts: Iterable<KnownHost>, from = facts): string =>
  [...renderCluster(from, hosts, { wall: 1_795_217_930_500, steady: NOW })].join('');

const metric = (changes: Partial<KnownMetric> = {}): KnownMetric => ({
  name: 'load_one',
  value: '0.50',
  type: 'float',
  units: ' ',
  slope: 'both',
  tmax: 70,
  dmax: 0,
  heard: NOW,
  extra: [],
  ...changes,
});
const host = (changes: Partial<KnownHost> = {}): KnownHost => ({
  name: 'web01',
  address: '10.0.0.1',
  tags: '',
  location: 'unspecified',
  started: 1_700_000_000,
  tmax: 20,
  dmax: 86_400,
  heard: NOW,
  metrics: [metric()],
  ...changes,
});

describe("gmond's page", () => {
  const page = capture('gmond').toString('latin1');

  test('is read and written again byte for byte', () => {
    expect(render(read(page))).toBe(page);
  });

  test.each([1, 7, 100, 1448])('may come in pieces of %d bytes', (piece) => {
    expect(render(read(page, { piece }))).toBe(page);
  });

  test('says what it knows of hosts', () => {
    expect(
      read(page).map(({ name, address, started, heard }) => [name, address, started, heard]),
    ).toEqual([
      ['10.99.0.1', '10.99.0.1', 1_795_217_914, NOW - 16_000],
      ['10.99.0.2', '10.99.0.2', 1_795_217_914, NOW - 16_000],
      ['spoofed.example', '10.1.2.3', 1_700_000_000, NOW - 13_000],
      ['hb-only-value.example', '10.1.2.4', 1_700_000_001, NOW - 13_000],
    ]);
  });

  test('is known to be whole only at its end', () => {
    const reader = new ClusterReader(NOW, 1000, () => {});
    reader.push(page.slice(0, -4));
    expect(reader.whole).toBe(false);
    reader.push(page.slice(-4));
    expect(reader.whole).toBe(true);
  });

  test('that one packet poisoned costs what is poisoned, and is not handed on', async () => {
    const poisoned = capture('gmond-poisoned');
    const hosts = read(poisoned.toString('latin1'));
    expect(hosts.map(({ name }) => name)).toEqual(['10.99.0.1', '10.99.0.2', 'node.example']);
    const [before, after] = await objectionsToXml([poisoned, render(hosts)]);
    expect(before).toMatch(/not well-formed/);
    expect(after).toBeUndefined();
  });

  test('may have more metrics of a host than are wanted', () => {
    const [first] = read(page, { limit: 3 });
    expect([...(first?.metrics ?? [])]).toHaveLength(3);
  });
});

describe('what is written', () => {
  test('has no character that gmetad would hand on as one with a meaning', () => {
    const page = render([host({ metrics: [metric({ value: 'a<b> & "c"\n\0', units: '°C' })] })]);
    expect(page).toContain(`VAL="a(b) + 'c'  "`);
    expect(page).toContain('UNITS="&#176;C"');
  });

  test('says ages in whole seconds, and none that is negative', () => {
    const page = render([host({ heard: NOW - 1999, metrics: [metric({ heard: NOW + 5000 })] })]);
    expect(page).toContain('REPORTED="1795217929" TN="1"');
    expect(page).toContain('UNITS=" " TN="0"');
  });

  test('comes in pieces', () => {
    const metrics = Array.from({ length: 1000 }, (_, i) => metric({ name: `n${i}` }));
    const moment = { wall: 0, steady: NOW };
    const pieces = [...renderCluster(facts, [host({ metrics })], moment)];
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(20_000);
    expect(read(pieces.join(''))).toEqual([host({ metrics })]);
  });

  const text = fc.string({ unit: 'binary', maxLength: 60 });
  const anyMetric = fc.record({
    name: text,
    value: text,
    type: text,
    units: text,
    slope: text,
    tmax: fc.nat(),
    dmax: fc.nat(),
    heard: fc.constant(NOW),
    extra: fc.array(fc.tuple(text, text), { maxLength: 3 }),
  });
  const anyHost = fc.record({
    name: text,
    address: text,
    tags: text,
    location: text,
    started: fc.nat(),
    tmax: fc.nat(),
    dmax: fc.nat(),
    heard: fc.constant(NOW),
    metrics: fc.array(anyMetric, { maxLength: 3 }),
  });

  test('is well formed and in ASCII, whatever is known', async () => {
    const clusters = fc.sample(fc.tuple(text, fc.array(anyHost, { maxLength: 3 })), 500);
    const pages = clusters.map(([name, hosts]) => render(hosts, { ...facts, name }));
    for (const page of pages) expect(page).toMatch(/^[\n -~]*$/);
    expect((await objectionsToXml(pages)).filter((said) => said !== undefined)).toEqual([]);
  });

  test('is read back as it was meant, in any pieces', () => {
    const kept = fc.stringMatching(/^[ !#-%'-;=?-~é°-ÿ]{0,30}$/);
    const plain = anyHost.map((one) => ({ ...one, metrics: [] }));
    fc.assert(
      fc.property(
        fc.array(plain),
        kept,
        fc.integer({ min: 1, max: 500 }),
        (hosts, value, piece) => {
          const meant = hosts.map((one) =>
            host({ started: one.started, metrics: [metric({ value })] }),
          );
          expect(read(render(meant), { piece })).toEqual(meant);
        },
      ),
    );
  });
});

test('no page makes its reader throw', () => {
  const page = capture('gmond').toString('latin1');
  const damaged = fc.tuple(fc.nat(page.length), fc.string({ unit: 'binary' }), fc.nat(200));
  fc.assert(
    fc.property(
      fc.array(damaged, { maxLength: 20 }),
      fc.integer({ min: 50, max: 4000 }),
      (damages, piece) => {
        let text = page;
        for (const [at, junk, gone] of damages)
          text = text.slice(0, at) + junk + text.slice(at + gone);
        read(text, { piece });
      },
    ),
  );
});

test('a page that never ends an element is not kept', () => {
  const reader = new ClusterReader(NOW, 10, () => {});
  for (let i = 0; i < 2000; i += 1) reader.push(`<HOST NAME="${'x'.repeat(10_000)}`);
  reader.push(render([host()]));
  expect(reader.whole).toBe(true);
});
