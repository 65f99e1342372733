import { expect, test, vi } from 'vitest';
import ganglia from '../../handlers/ganglia.ts';
import type { Connection, Point } from '../../src/plugin/index.ts';
import { around } from '../support/delivery.ts';
import {
  type GangliaHost,
  type GangliaMetric,
  Gmond,
  malformed,
  multicast,
  Wire,
} from '../support/gmond.ts';
import { describeWithPeer } from '../support/peers.ts';
import { point } from '../support/points.ts';
import { RunningAgent } from '../support/running.ts';

/** A gmond that says nothing of itself: what it knows, it was told. */
const LISTENER = { globals: 'mute = yes' };

/** Everything at every tick. */
const EAGER = 'collectionGroups: [{ metrics: ["*"], timeThreshold: 1s }]';

const open = async (port: number, options: object = {}): Promise<Connection> => {
  const given = ganglia.options.parse({ host: '127.0.0.1', port, ...options });
  return ganglia.open({ options: given, signal: new AbortController().signal, ...around });
};
const forever = new AbortController().signal;

/** Asks until a host has these metrics. */
async function host(gmond: Gmond, name: string, metrics: readonly string[]): Promise<GangliaHost> {
  return vi.waitFor(
    async () => {
      const known = (await gmond.hosts()).get(name);
      const missing = metrics.filter((metric) => !known?.metrics.has(metric));
      if (known === undefined || missing.length > 0) throw new Error(`${name} lacks ${missing}`);
      return known;
    },
    { timeout: 15_000, interval: 100 },
  );
}

const value = (host: GangliaHost | undefined, name: string): string =>
  host?.metrics.get(name)?.attributes['VAL'] ?? '';

/**
 * The metrics of a host that are there at every moment: not every second has requests to a disk, and
 * other tests mount filesystems of their own.
 */
const lasting = ({ metrics }: GangliaHost): readonly string[] =>
  [...metrics.keys()].filter((name) => !/^system\.(disk|filesystem)\./.test(name));

/** What does not depend on the moment. */
function facts(metric: GangliaMetric | undefined): object {
  const { attributes, extra } = metric ?? { attributes: {}, extra: [] };
  const { TYPE, UNITS, TMAX, DMAX, SLOPE } = attributes;
  const said = extra.filter(([key]) => key !== 'DESC' && key !== 'SPOOF_HOST');
  return { TYPE, UNITS, TMAX, DMAX, SLOPE, ...Object.fromEntries(said) };
}

/** Of gmond's metrics, some of each of its modules. */
const OWN = [
  'cpu_user',
  'mem_free',
  'load_one',
  'bytes_in',
  'part_max_used',
  'os_name',
  'boottime',
];

/** How far two readings of one host at about the same time may be apart, at most: of the greater, and in any case. */
const TOLERANCES: readonly (readonly [RegExp, number, number])[] = [
  [/^(mem_total|swap_total|cpu_num|boottime|disk_total)$/, 1e-9, 1],
  // gmond reads a field that the kernel has not had for long, and says 0.
  [/^mem_shared$/, 1, 0],
  [/^(mem_|swap_)/, 0.05, 65_536],
  [/^disk_free$/, 0.01, 0],
  [/^part_max_used$/, 0.01, 0.1],
  // The kernel has a new one every five seconds.
  [/^load_/, 0.5, 1],
  // Of another second.
  [/^cpu_/, 0, 25],
  [/^proc_/, 0.2, 20],
  [/^(bytes|pkts)_/, 1, 1e6],
];

function expectClose(name: string, own: string, other: string): void {
  const said = `${name}: ${own} and ${other}`;
  const [, share, apart] = TOLERANCES.find(([names]) => names.test(name)) ?? [];
  if (share === undefined || apart === undefined) expect(own, said).toBe(other);
  else {
    const [a, b] = [Number(own), Number(other)];
    expect(Math.abs(a - b), said).toBeLessThanOrEqual(Math.max(apart, share * Math.max(a, b)));
    expect(own.split('.')[1]?.length, said).toBe(other.split('.')[1]?.length);
  }
}

describeWithPeer('gmond', 'beside a real gmond', () => {
  test('the program says of this host what gmond says, in the same words', async () => {
    await using theirs = await Gmond.start({ pace: 1 });
    await using listener = await Gmond.start(LISTENER);
    await using agent = new RunningAgent({
      ganglia: `{ host: 127.0.0.1, port: ${listener.port}, ${EAGER}, location: "1,2,3" }`,
    });
    await agent.ticks(3);
    const ours = await host(listener, 'localhost', OWN);
    const gmonds = await host(theirs, 'localhost', OWN);
    const both = [...gmonds.metrics.keys()].filter((name) => ours.metrics.has(name));
    for (const name of both) {
      const [own, other] = [ours, gmonds].map(({ metrics }) => facts(metrics.get(name)));
      expect(own, name).toEqual(other);
    }
    // docs/dialects/ganglia.md says why.
    const left = [...gmonds.metrics.keys()].filter((name) => !both.includes(name));
    expect(left.sort()).toEqual(['cpu_aidle', 'cpu_speed', 'gexec']);

    // On a busy host two moments differ; for once they are close enough.
    await vi.waitFor(
      async () => {
        const hosts = await Promise.all([listener.hosts(), theirs.hosts()]);
        const [a, b] = hosts.map((all) => all.get('localhost'));
        for (const name of both) expectClose(name, value(a, name), value(b, name));
        const cpu = ['user', 'nice', 'system', 'idle', 'wio', 'steal'];
        const shares = cpu.map((state) => Number(value(a, `cpu_${state}`)));
        expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(100, 0);
      },
      { timeout: 15_000, interval: 250 },
    );
    expect(ours.attributes).toMatchObject({ TMAX: '20', LOCATION: '1,2,3' });
    const started = Number(ours.attributes['GMOND_STARTED']);
    expect(Math.abs(started - Date.now() / 1000)).toBeLessThan(60);
    expect(await malformed(await listener.xml())).toBeUndefined();
  });

  test.concurrent('nothing that a host or a metric is called breaks its XML', async () => {
    await using listener = await Gmond.start(LISTENER);
    const connection = await open(listener.port, { location: '"><&' });
    const terrible = [
      'größe',
      '<HOST NAME="x">',
      '"',
      '&amp;',
      'a\u0000b',
      '\u001b[2J',
      '../../etc',
      'x'.repeat(3000),
      '%s%n%n',
      '\ud800',
    ];
    const batch = terrible.flatMap((text): Point[] => {
      const it = point('m', { path: text, host: text, collector: text, value: 1 });
      const { metric, ...series } = it.name.series;
      const helped = { ...it.name, series: { ...series, metric: { ...metric, help: text } } };
      const labels = { os: text, kernel: text, arch: text };
      return [{ ...it, name: helped }, point('system.host.info', { host: text, labels })];
    });
    await connection.write(batch, forever);
    await vi.waitFor(async () => {
      const hosts = [...(await listener.hosts()).values()];
      const metrics = hosts.flatMap(({ metrics }) => [...metrics.keys()]);
      // A name, three strings and a location for each, but for those that are the same in plain letters.
      expect(metrics.length).toBeGreaterThan(3 * terrible.length);
    }, 5000);
    const xml = await listener.xml();
    expect(await malformed(xml)).toBeUndefined();
    expect(xml).not.toMatch(/[^\n -~]/);
    await connection.close();
  });

  test.concurrent('a host has the name and the address that it is given', async () => {
    await using listener = await Gmond.start(LISTENER);
    const given = { overrideHostname: 'web.example', overrideIp: '10.0.0.7' };
    const connection = await open(listener.port, given);
    await connection.write([point('load_one', { value: 0.5 })], forever);
    const { attributes, metrics } = await host(listener, 'web.example', ['load_one']);
    expect(attributes).toMatchObject({ IP: '10.0.0.7', LOCATION: 'unspecified' });
    expect(Number(attributes['GMOND_STARTED'])).toBeGreaterThan(1e9);
    expect(metrics.get('load_one')?.attributes).toMatchObject({ VAL: '0.50', TYPE: 'float' });
    await connection.close();
  });

  test.concurrent('a guest is a host of its own', async () => {
    await using listener = await Gmond.start(LISTENER);
    const connection = await open(listener.port);
    const guest = point('system.cpu.time', { host: 'guest 1', value: 0.125, kind: 'counter' });
    await connection.write([guest], forever);
    const { attributes, metrics } = await host(listener, 'guest_1', ['system.cpu.time']);
    expect(attributes).toMatchObject({ NAME: 'guest_1', IP: 'guest_1' });
    expect(metrics.get('system.cpu.time')?.attributes).toMatchObject({
      ...{ VAL: '0.125', TYPE: 'double', UNITS: '/sec', SLOPE: 'both', DMAX: '86400' },
    });
    await connection.close();
  });

  test.concurrent('that is one of several, restarted, it knows everything after the metadata interval', async () => {
    await using listener = await Gmond.start(LISTENER);
    await using sibling = await Gmond.start(LISTENER);
    const hosts = [listener, sibling].map(({ port }) => `"127.0.0.1:${port}"`);
    await using agent = new RunningAgent({
      ganglia: `{ host: [${hosts}], ${EAGER}, sendMetadataInterval: 2s }`,
    });
    await agent.ticks(3);
    const before = await host(listener, 'localhost', OWN);
    expect(before.metrics.size).toBeGreaterThan(100);
    await listener.kill();
    await listener.start();
    const after = await host(listener, 'localhost', lasting(before));
    expect(facts(after.metrics.get('mem_free'))).toMatchObject({ UNITS: 'KB' });
    // The other never missed anything.
    await host(sibling, 'localhost', lasting(before));
    const books = await agent.stop();
    expect(books.get(`ganglia[127.0.0.1:${sibling.port}]`)).toMatchObject({ queued: 0, resent: 0 });
  });
});

describeWithPeer('gmond', 'on the wire with a real gmond', () => {
  test('what a gmond forgot it asks for, and the agent says it, unasked never again', async () => {
    await using wire = await Wire.lay(2);
    const [near, far] = wire.nodes as [Wire['nodes'][0], Wire['nodes'][0]];
    const port = 8649;
    const gmond = { port, channels: multicast(), namespace: near.namespace };
    await using theirs = await Gmond.start(gmond);
    await using agent = new RunningAgent(
      { ganglia: `{ ${EAGER} }` },
      { under: ['ip', 'netns', 'exec', far.namespace] },
    );
    await agent.ticks(3);
    const before = await host(theirs, far.address, OWN);
    expect(before.metrics.size).toBeGreaterThan(100);
    // It forgets all that it was told, and nobody sends metadata unasked.
    await theirs.kill();
    await theirs.start();
    expect((await theirs.hosts()).get(far.address)?.metrics.size ?? 0).toBe(0);
    const after = await host(theirs, far.address, lasting(before));
    expect(facts(after.metrics.get('cpu_user'))).toMatchObject({
      ...{ TYPE: 'float', UNITS: '%', TMAX: '90', GROUP: 'cpu', TITLE: 'CPU User' },
    });
    expect([...(await theirs.hosts()).keys()].sort()).toEqual([near.address, far.address]);
    expect(await malformed(await theirs.xml())).toBeUndefined();
  });
});
