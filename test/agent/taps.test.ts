import { expect, test } from 'vitest';
import { Taps } from '../../src/agent/index.ts';
import { gauge, type Sample } from '../../src/metric/index.ts';
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

const tapped = async (patterns: readonly string[], ms = 0) => {
  const taps = new Taps(hurried(ms));
  const flow = await taps.add({ patterns, handler: undefined });
  const see = (all: readonly Sample[]) => {
    for (const tap of taps.open ?? []) tap.observed(all, []);
    const lines: { name?: string; labels?: { device: string }; leftOut?: number }[] = [];
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
