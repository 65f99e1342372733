import { expect, test } from 'vitest';
import { createOutlet, destinations, type Outlet, Taps } from '../../src/agent/index.ts';
import { Draft } from '../../src/columns/index.ts';
import { gauge, type Sample } from '../../src/metric/index.ts';
import { agentWith } from '../support/agent.ts';
import { SimulatedClock } from '../support/clock.ts';

const METRIC = gauge('system.disk.pending', {
  unit: 'count',
  labels: ['device'],
  help: 'Waiting.',
});

/** So many series of one collector, at a time. */
const samples = (count: number, time = 10): Sample[] =>
  SERIES.slice(0, count).map((series) => ({ series, value: 1, time, growth: undefined }));
const SERIES = Array.from({ length: 30_000 }, (_, id) => ({
  ...{ id, metric: METRIC, collector: 'disk', host: 'web01' },
  labels: { device: `sd${id}` },
}));

/** A clock that moves on with every look at it. */
const hurried = (ms: number) => {
  const clock = new SimulatedClock();
  return {
    monotonic: () => {
      clock.advance(ms);
      return clock.monotonic();
    },
  };
};

/** One handler with two peers, one by the name of the same type, and another. */
const HANDLERS = `
handlers:
  graphite: { host: [a, b], dialect: otel, prefix: servers }
  graphite2: { type: graphite, host: a, dialect: otel }
  statsd: { dialect: otel }
`;
const outlets = (): readonly Outlet[] => {
  const config = agentWith('{}').configured(HANDLERS);
  const identity = { path: 'web01', label: 'web01' };
  return config.handlers.flatMap(destinations).map((it) => createOutlet(it, config, identity));
};

const tapped = async (patterns: readonly string[], ms = 0, handler?: string) => {
  const taps = new Taps(hurried(ms));
  const flow = await taps.add({ patterns, handler });
  const see = (all: readonly Sample[], outlet?: Outlet) => {
    const sent = new Draft();
    outlet?.samples(all, sent);
    for (const tap of taps.open ?? []) {
      if (outlet === undefined) tap.observed(all, []);
      else tap.sent(outlet, sent.since(0));
    }
    const lines: {
      name?: string;
      path?: string;
      labels?: { device: string };
      leftOut?: number;
    }[] = [];
    for (let text = flow.take(1000); text !== ''; text = flow.take(1000)) {
      lines.push(
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
    }
    return lines;
  };
  return { taps, flow, see };
};

test('while nobody taps there is nothing to do', async () => {
  const { taps, flow } = await tapped([]);
  expect(taps.open).toHaveLength(1);
  flow.end();
  expect(taps.open).toBeUndefined();
});

test('what fits is shown, in the order in which it was observed', async () => {
  const { see } = await tapped(['label:device=sd?', 'label:device=sd12']);
  const devices = see(samples(100)).map(({ labels }) => labels?.device);
  expect(devices).toEqual([...Array.from({ length: 10 }, (_, i) => `sd${i}`), 'sd12']);
});

test('what nobody takes is bounded, and what was left out is counted', async () => {
  const { see } = await tapped([]);
  const lines = see(samples(30_000));
  expect(lines).toHaveLength(20_001);
  expect(lines.at(-1)).toEqual({ leftOut: 10_000 });
});

test('deciding has its time in a collection, and goes on in the next', async () => {
  const { see } = await tapped([], 0.02);
  const first = see(samples(1000));
  const shown = first.length - 1;
  expect(shown).toBeGreaterThan(10);
  expect(shown).toBeLessThan(200);
  expect(first.at(-1)).toEqual({ leftOut: 1000 - shown });
  expect(see(samples(1000)).length).toBeGreaterThan(1.5 * shown);
});

test('of a handler its points are shown, those of each of its peers, under its names', async () => {
  const { see } = await tapped(['system.disk.pending.sd?', 'servers.*.sd12'], 0, 'graphite');
  const paths = [...Array.from({ length: 10 }, (_, i) => i), 12].map(
    (i) => `servers.web01.system.disk.pending.sd${i}`,
  );
  const seen = outlets().map((it) => [
    it.config.instance,
    see(samples(20), it).map(({ path }) => path),
  ]);
  expect(seen).toEqual([
    ['graphite[a:2003]', paths],
    ['graphite[b:2003]', paths],
    ['graphite2', []],
    ['statsd', []],
  ]);
  expect(see(samples(20))).toEqual([]);
});

test('deciding has its time for a handler, too', async () => {
  const { see } = await tapped([], 0.02, 'graphite2');
  const outlet = outlets().find(({ config }) => config.instance === 'graphite2');
  const first = see(samples(1000), outlet);
  const shown = first.length - 1;
  expect(shown).toBeGreaterThan(10);
  expect(shown).toBeLessThan(200);
  expect(first.at(-1)).toEqual({ leftOut: 1000 - shown });
  expect(see(samples(1000), outlet).length).toBeGreaterThan(1.5 * shown);
});

test('a pattern that would take for ever in V8 takes no time', async () => {
  const evil = SERIES.slice(0, 3).map((series): Sample => {
    const labels = { device: `${'a'.repeat(5000)}!` };
    return { series: { ...series, labels }, value: 1, time: 10, growth: undefined };
  });
  for (const pattern of ['label:device=re:^(a+)+$', `label:device=${'*a'.repeat(40)}`]) {
    const { see } = await tapped([pattern]);
    expect(see(evil)).toEqual([]);
  }
});

test.each(['re:(', 're:(?=x)', 'label:x', ' & ', 'collector:'])(
  '%j is refused',
  async (pattern) => {
    await expect(tapped([pattern])).rejects.toThrow('this is no pattern');
  },
);

test('four at a time', async () => {
  const taps = new Taps(new SimulatedClock());
  for (let n = 0; n < 4; n += 1) await taps.add({ patterns: [], handler: undefined });
  await expect(taps.add({ patterns: [], handler: undefined })).rejects.toThrow('4 taps are open');
});
