import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Cluster, type ClusterLimits } from '../../src/gossip/index.ts';
import { ClusterReader, type KnownHost, renderCluster } from '../../src/wire/ganglia/xml.ts';
import { decodePacket, type GangliaMetadata, type GangliaValue } from '../../src/wire/ganglia.ts';
import { SimulatedClock } from '../support/clock.ts';
import { Damaged } from '../support/damaged.ts';
import { objectionsToXml } from '../support/xml.ts';

const MOST: ClusterLimits = { hosts: 10, metrics: 20, bytes: 1e6 };
const FACTS = { name: 'c', owner: 'o', latlong: 'l', url: 'u' };
const web01 = { address: '10.0.0.1', name: 'web01' };
const SECOND = 1000;

let clock: SimulatedClock;
let cluster: Cluster;
beforeEach(() => {
  clock = new SimulatedClock();
  cluster = new Cluster({ most: MOST, hostDmax: 3600 }, clock);
});

const idOf = (name: string, host = 'anything', spoof = false) => ({ host, name, spoof });
const value = (name: string, number = 1, changes: Partial<GangliaValue> = {}): GangliaValue => ({
  kind: 'value',
  id: idOf(name),
  type: 'float',
  format: '%.1f',
  value: number,
  ...changes,
});
const metadata = (name: string, changes: Partial<GangliaMetadata> = {}): GangliaMetadata => ({
  kind: 'metadata',
  id: idOf(name),
  type: 'float',
  units: 'KB',
  slope: 'both',
  tmax: 60,
  dmax: 0,
  extra: [
    ['TITLE', 'A metric'],
    ['GROUP', 'core'],
  ],
  ...changes,
});
const hear = (name: string, number = 1, sender = web01, dmax = 0): void => {
  cluster.hear(metadata(name, { dmax }), sender);
  cluster.hear(value(name, number), sender);
};

const page = (of = cluster): string =>
  [...renderCluster(FACTS, of.hosts(), { wall: clock.now(), steady: clock.monotonic() })].join('');
/** What another node would learn of it over the network. */
function told(of = cluster): KnownHost[] {
  const hosts: KnownHost[] = [];
  new ClusterReader(clock.monotonic(), 1000, (host) => hosts.push(host)).push(page(of));
  return hosts;
}
/** Values by host and metric. */
const values = (of = cluster): Record<string, Record<string, string>> =>
  Object.fromEntries(
    of
      .hosts()
      .map(({ name, metrics }) => [
        name,
        Object.fromEntries([...metrics].map((metric) => [metric.name, metric.value])),
      ]),
  );
/** Seconds since hosts and metrics were heard. */
const ages = (of = cluster): Record<string, number> =>
  Object.fromEntries(
    of
      .hosts()
      .flatMap(({ name, heard, metrics }) =>
        [{ name: '', heard }, ...metrics].map((it) => [
          `${name}/${it.name}`,
          (clock.monotonic() - it.heard) / SECOND,
        ]),
      ),
  );

describe('a metric', () => {
  test('is shown with what its host says of it, as gmond shows it', () => {
    hear('mem_free', 12.34);
    expect(
      page(),
    ).toContain(`<HOST NAME="web01" IP="10.0.0.1" TAGS="" REPORTED="1767225600" TN="0" TMAX="20" DMAX="3600" LOCATION="unspecified" GMOND_STARTED="0">
<METRIC NAME="mem_free" VAL="12.3" TYPE="float" UNITS="KB" TN="0" TMAX="60" DMAX="0" SLOPE="both">
<EXTRA_DATA>
<EXTRA_ELEMENT NAME="GROUP" VAL="core"/>
<EXTRA_ELEMENT NAME="TITLE" VAL="A metric"/>
</EXTRA_DATA>
</METRIC>
</HOST>`);
  });

  test.each([
    ['%.2f', 'float', 0.456, '0.46'],
    ['%f', 'double', 1.5, '1.500000'],
    ['%.3lf', 'double', 2, '2.000'],
    ['%.99f', 'double', 0.5, '0.50000000000000000000'],
    ['%n%s%s', 'double', 0.5, '0.500000'],
    ['%.1f', 'float', Number.NaN, 'nan'],
    ['%.1f', 'float', Number.NEGATIVE_INFINITY, '-inf'],
    ['%hu', 'uint16', 4, '4'],
    ['%d', 'int32', -7, '-7'],
    ['%s', 'string', 'Linux', 'Linux'],
  ] as const)('is printed as its sender would: %s of a %s', (format, type, number, text) => {
    cluster.hear(metadata('m', { type }), web01);
    cluster.hear(value('m', 0, { format, type, value: number }), web01);
    expect(values()).toEqual({ web01: { m: text } });
  });

  test.each(['1'.repeat(128), ')+', '', '1 2', '0x10'])(
    'of which %j is said is no number, and not shown as one: gmetad dies of some',
    (text) => {
      cluster.hear(metadata('m', { type: 'double' }), web01);
      cluster.hear(value('m', 0, { format: '%s', type: 'string', value: text }), web01);
      expect(values()).toEqual({ web01: {} });
    },
  );

  test('has at most 40 characters, however large it is', () => {
    cluster.hear(metadata('m', { type: 'double' }), web01);
    cluster.hear(value('m', 0, { format: '%f', type: 'double', value: 1e308 }), web01);
    expect(values()).toEqual({ web01: { m: '1e+308' } });
  });

  test('is shown once both its value and what it is are known, whichever comes first', () => {
    cluster.hear(value('late'), web01);
    cluster.hear(metadata('early'), web01);
    expect(values()).toEqual({ web01: {} });
    cluster.hear(metadata('late'), web01);
    cluster.hear(value('early', 2), web01);
    expect(values()).toEqual({ web01: { late: '1.0', early: '2.0' } });
  });

  test('ages from its last value on, and goes once it is older than its dmax', () => {
    hear('brief', 1, web01, 60);
    hear('lasting');
    clock.advance(59 * SECOND);
    cluster.hear(metadata('brief', { dmax: 60 }), web01);
    expect(ages()).toEqual({ 'web01/': 0, 'web01/brief': 59, 'web01/lasting': 59 });
    clock.advance(2 * SECOND);
    cluster.sweep();
    expect(ages()).toEqual({ 'web01/': 2, 'web01/lasting': 61 });
    expect(cluster.counts).toMatchObject({ metrics: 1, forgotten: 1 });
  });

  test('ages no faster when somebody sets the clock', () => {
    hear('m', 1, web01, 60);
    clock.step(86_400 * SECOND);
    cluster.sweep();
    expect(ages()).toEqual({ 'web01/': 0, 'web01/m': 0 });
    expect(page()).toContain('REPORTED="1767312000" TN="0"');
  });

  test('that nobody ever says the nature of is forgotten', () => {
    cluster.hear(value('m'), web01);
    clock.advance(601 * SECOND);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ metrics: 0, hosts: 1 });
  });

  test('whose name would be a path is shown under another', () => {
    hear('../../etc/passwd');
    expect(values()).toEqual({ web01: { '.._.._etc_passwd': '1.0' } });
  });
});

describe('metadata that is missing', () => {
  test('is asked for, of the address that the value came from', () => {
    expect(cluster.hear(value('m'), web01)).toEqual(idOf('m', '10.0.0.1'));
  });

  test('is asked for again after ten seconds, and not before', () => {
    const asked: number[] = [];
    for (let second = 0; second < 25; second += 1) {
      if (cluster.hear(value('m'), web01) !== undefined) asked.push(second);
      clock.advance(SECOND);
    }
    expect(asked).toEqual([0, 10, 20]);
  });

  test('is not asked for once it came, nor for what is no metric', () => {
    cluster.hear(metadata('m'), web01);
    expect(cluster.hear(value('m'), web01)).toBeUndefined();
    expect(cluster.hear(value('heartbeat'), web01)).toBeUndefined();
  });
});

describe('a host', () => {
  test('says when it started, and where it is', () => {
    cluster.hear(value('heartbeat', 1_700_000_000, { type: 'uint32' }), web01);
    cluster.hear(value('location', 0, { type: 'string', value: 'rack 3' }), web01);
    expect(page()).toContain('LOCATION="rack 3" GMOND_STARTED="1700000000"');
    cluster.hear(value('heartbeat', 1_700_000_999, { type: 'uint32' }), web01);
    expect(page()).toContain('GMOND_STARTED="1700000999"');
    expect(values()).toEqual({ web01: {} });
  });

  test.each(['0', '-5', 'never', '1e99', ''])(
    'that says it started at "%s" did not say',
    (text) => {
      cluster.hear(value('heartbeat', 0, { type: 'string', value: text }), web01);
      expect(page()).toContain('GMOND_STARTED="0"');
    },
  );

  test('may be spoken for by another, under its address and name', () => {
    const spoof = idOf('m', '10.9.9.9:switch', true);
    cluster.hear(metadata('m', { id: spoof }), web01);
    expect(cluster.hear(value('m', 3, { id: spoof }), web01)).toBeUndefined();
    expect(cluster.hosts().map(({ name, address }) => [name, address])).toEqual([
      ['switch', '10.9.9.9'],
    ]);
    const other = idOf('n', 'fd00::1:switch', true);
    expect(cluster.hear(value('n', 3, { id: other }), web01)).toEqual(other);
  });

  test.each([
    '',
    ':',
    'nameless:',
    ':addressless',
    'no-colon',
    '1.2.3.4:a/b',
    '1.2.3.4:..',
    '1:<b>',
  ])('whose spoofed name is "%s" is none', (host) => {
    cluster.hear(value('m', 1, { id: idOf('m', host, true) }), web01);
    expect(cluster.counts).toMatchObject({ hosts: 0, bad: 1, heard: 0 });
  });

  test('is forgotten once it was silent for longer than a host may be', () => {
    hear('m');
    clock.advance(3600 * SECOND);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ hosts: 1 });
    clock.advance(SECOND);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ hosts: 0, metrics: 0, bytes: 0 });
  });

  test('is never forgotten where its time is 0', () => {
    cluster = new Cluster({ most: MOST, hostDmax: 0 }, clock);
    hear('m');
    clock.advance(1e12);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ hosts: 1, metrics: 1 });
  });
});

describe('bounds', () => {
  const other = (i: number) => ({ address: `10.1.0.${i}`, name: `host${i}` });

  test('of hosts refuse who is too many, while the others live', () => {
    for (let i = 0; i < 15; i += 1) hear('m', i, other(i));
    expect(cluster.counts).toMatchObject({ hosts: 10, refused: 10 });
    clock.advance(79 * SECOND);
    hear('m', 0, other(20));
    expect(cluster.counts).toMatchObject({ hosts: 10, refused: 12 });
  });

  test('of hosts let the dead make room, the longest dead first', () => {
    for (let i = 0; i < 10; i += 1) hear('m', i, other(i));
    clock.advance(50 * SECOND);
    hear('m', 0, other(0));
    clock.advance(31 * SECOND);
    hear('m', 0, other(20));
    hear('m', 0, other(21));
    expect(Object.keys(values())).toEqual([3, 4, 5, 6, 7, 8, 9, 0, 20, 21].map((i) => `host${i}`));
    expect(cluster.counts).toMatchObject({ hosts: 10, refused: 0, forgotten: 2 });
  });

  test('of metrics refuse those that are too many of one host', () => {
    for (let i = 0; i < 25; i += 1) hear(`m${i}`);
    hear('m3', 7);
    expect(cluster.counts).toMatchObject({ metrics: 20, refused: 10 });
    expect(values()['web01']).toMatchObject({ m3: '7.0' });
  });

  test('of bytes refuse what is too much, and free what is forgotten', () => {
    cluster = new Cluster({ most: { ...MOST, bytes: 5000 }, hostDmax: 3600 }, clock);
    const long = (name: string): GangliaValue =>
      value(name, 0, { type: 'string', value: 'x'.repeat(800) });
    cluster.hear(long('a'), web01);
    cluster.hear(long('b'), web01);
    cluster.hear(long('c'), web01);
    expect(cluster.counts).toMatchObject({ metrics: 2, refused: 1 });
    expect(cluster.counts.bytes).toBeLessThanOrEqual(5000);
    cluster.hear(value('a'), web01);
    cluster.hear(long('c'), web01);
    expect(cluster.counts).toMatchObject({ metrics: 3, refused: 1 });
    clock.advance(1e7);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ hosts: 0, metrics: 0, bytes: 0 });
  });
});

describe('what a peer knows', () => {
  let peer: Cluster;
  beforeEach(() => {
    peer = new Cluster({ most: MOST, hostDmax: 3600 }, clock);
  });
  const learn = (from: Cluster, into: Cluster): void => {
    for (const host of told(from)) into.learn(host);
  };

  test('is taken over whole', () => {
    hear('m', 1.5);
    cluster.hear(value('heartbeat', 1_700_000_000, { type: 'uint32' }), web01);
    cluster.hear(value('location', 0, { type: 'string', value: 'rack 3' }), web01);
    learn(cluster, peer);
    expect(page(peer)).toBe(
      page(cluster).replaceAll('TN="0"', 'TN="1"').replace('1767225600" TN', '1767225599" TN'),
    );
  });

  test('counts where it is later, and not where it is earlier', () => {
    hear('m', 1);
    learn(cluster, peer);
    clock.advance(5 * SECOND);
    hear('m', 2);
    learn(cluster, peer);
    learn(peer, cluster);
    expect(values(peer)).toEqual({ web01: { m: '2.0' } });
    clock.advance(5 * SECOND);
    peer.hear(value('m', 3), web01);
    learn(cluster, peer);
    expect(values(peer)).toEqual({ web01: { m: '3.0' } });
  });

  test('completes what was heard without metadata', () => {
    hear('m', 1);
    peer.hear(value('m', 2), web01);
    learn(cluster, peer);
    expect(values(peer)).toEqual({ web01: { m: '1.0' } });
    peer.hear(value('m', 2), web01);
    expect(values(peer)).toEqual({ web01: { m: '2.0' } });
  });

  test('makes the dead no younger, however many tell each other for however long', () => {
    hear('m', 1, web01, 600);
    const nodes = [cluster, peer, new Cluster({ most: MOST, hostDmax: 3600 }, clock)];
    for (let second = 0; second < 650; second += 1) {
      clock.advance(SECOND - 1 + (second % 3));
      for (const from of nodes) for (const into of nodes) if (from !== into) learn(from, into);
      const own = ages(cluster)['web01/m'];
      for (const node of nodes) {
        node.sweep();
        const age = ages(node)['web01/m'];
        if (age !== undefined && own !== undefined) expect(age).toBeGreaterThanOrEqual(own);
      }
    }
    expect(values(peer)).toEqual({ web01: {} });
    clock.advance(3600 * SECOND);
    for (const node of nodes) node.sweep();
    for (const node of nodes) expect(node.counts.hosts).toBe(0);
  });

  test('reaches everybody along a chain', () => {
    const last = new Cluster({ most: MOST, hostDmax: 3600 }, clock);
    hear('m');
    learn(cluster, peer);
    learn(peer, last);
    expect(values(last)).toEqual({ web01: { m: '1.0' } });
  });

  test('of what is over by its dmax is not taken over', () => {
    hear('m', 1, web01, 30);
    clock.advance(31 * SECOND);
    learn(cluster, peer);
    expect(values(peer)).toEqual({ web01: {} });
  });

  test('is bounded as what is heard', () => {
    const metrics = Array.from({ length: 50 }, (_, i) => ({
      ...{ name: `m${i}`, value: '1', type: 'float', units: '', slope: 'both' },
      ...{ tmax: 60, dmax: 0, heard: 0, extra: [] },
    }));
    const known = { tags: '', location: '', started: 0, tmax: 20, dmax: 0, heard: 0, metrics };
    for (let i = 0; i < 15; i += 1) peer.learn({ name: `h${i}`, address: '10.0.0.1', ...known });
    peer.learn({ name: '../x', address: '10.0.0.1', ...known });
    expect(peer.counts).toMatchObject({ hosts: 10, metrics: 200, bad: 1 });
  });
});

describe('a million packets', () => {
  test('that are damaged captures break nothing, and hold no more than is allowed', async () => {
    const most = { hosts: 50, metrics: 40, bytes: 300_000 };
    cluster = new Cluster({ most, hostDmax: 300 }, clock);
    // A million cases of fast-check's would be minutes.
    const damaged = new Damaged();
    const pages: string[] = [];
    let decoded = 0;
    for (let i = 0; i < 1_000_000; i += 1) {
      const read = decodePacket(damaged.packet());
      if (read !== undefined && read.kind !== 'request') {
        decoded += 1;
        cluster.hear(read, {
          address: `10.0.0.${damaged.chance(100)}`,
          name: `h${damaged.chance(100)}`,
        });
      }
      if (i % 1000 === 0) {
        clock.advance(SECOND);
        cluster.sweep();
      }
      if (i % 25_000 === 0) {
        const { hosts, metrics, bytes } = cluster.counts;
        expect(hosts).toBeLessThanOrEqual(most.hosts);
        expect(metrics).toBeLessThanOrEqual(most.hosts * most.metrics);
        expect(bytes).toBeLessThanOrEqual(most.bytes);
        pages.push(page());
      }
    }
    expect(decoded).toBeGreaterThan(300_000);
    expect((await objectionsToXml(pages)).filter((said) => said !== undefined)).toEqual([]);
    clock.advance(1e9);
    cluster.sweep();
    expect(cluster.counts).toMatchObject({ hosts: 0, metrics: 0, bytes: 0 });
  });

  test('whatever packets say, what is held is counted to the byte', () => {
    const text = fc.string({ maxLength: 12 });
    const id = fc.record({
      host: text,
      name: fc.constantFrom('a', 'b', 'c', 'd/e'),
      spoof: fc.boolean(),
    });
    const packet = fc.oneof(
      fc.record({
        kind: fc.constant('value' as const),
        id,
        type: fc.constant('string' as const),
        format: text,
        value: text,
      }),
      fc.record({
        ...{ kind: fc.constant('metadata' as const), id, type: text, units: text },
        ...{ slope: fc.constant('both' as const), tmax: fc.nat(100), dmax: fc.nat(100) },
        extra: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(packet, fc.nat(5), fc.nat(200)), { maxLength: 60 }),
        (heard) => {
          const small = new Cluster(
            { most: { hosts: 3, metrics: 3, bytes: 6000 }, hostDmax: 90 },
            clock,
          );
          for (const [said, from, seconds] of heard) {
            small.hear(said, { address: `10.0.0.${from}`, name: `h${from}` });
            clock.advance(seconds * SECOND);
            if (seconds > 100) small.sweep();
            expect(small.counts.bytes).toBeLessThanOrEqual(6000);
          }
          clock.advance(1e6 * SECOND);
          small.sweep();
          expect(small.counts).toMatchObject({ hosts: 0, metrics: 0, bytes: 0 });
        },
      ),
    );
  });
});
