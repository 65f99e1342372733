import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCollectorSeries } from '../../src/collect/collector-series.ts';
import type { CollectorSeries } from '../../src/collect/contract.ts';
import { createTable } from '../../src/collect/index.ts';
import { samplesOf } from '../../src/columns/index.ts';
import {
  count,
  counter,
  delta,
  gauge,
  type Labels,
  type Observation,
  Observations,
} from '../../src/metric/index.ts';
import { rarely } from '../support/rarely.ts';

const level = gauge('level', { unit: 'count', labels: ['of'], help: 'A level.' });
const total = counter('total', { unit: 'count', labels: ['of'], help: 'A total.' });
const more = delta('more', { unit: 'count', labels: ['of'], help: 'An amount.' });
const METRICS = [level, total, more];

interface Known {
  readonly value: number;
  readonly time: number;
  readonly tick: number;
}

/** What a reader of the documentation would expect of each observation: the same, written down slowly. */
class Model {
  readonly #known = new Map<string, Known>();
  #complete = { tick: 0, at: Number.NaN };
  #before = Number.NaN;
  /** Counters that went backwards. */
  resets = 0;

  tick(observed: readonly Observation[], tick: number, at: number, time: number) {
    const samples = observed.map(({ metric, labels, value, time: own = time, seconds, host }) => {
      const key = `${metric.name} ${labels['of']} ${host ?? ''}`;
      const last = this.#known.get(key);
      this.#known.set(key, { value, time: own, tick });
      if (metric.kind === 'counter' && last !== undefined && value < last.value) this.resets += 1;
      const growth =
        metric.kind === 'gauge'
          ? undefined
          : metric.kind === 'delta'
            ? {
                amount: value,
                seconds: seconds ?? (Number.isNaN(this.#before) ? 0 : at - this.#before),
              }
            : last !== undefined &&
                last.tick === this.#complete.tick &&
                value >= last.value &&
                at > this.#complete.at
              ? { amount: value - last.value, seconds: at - this.#complete.at }
              : undefined;
      return {
        name: metric.name,
        of: labels['of'],
        host: host ?? 'web01',
        value,
        time: own,
        growth,
      };
    });
    this.#before = at;
    if (samples.length > 0) this.#complete = { tick, at };
    return samples;
  }
}

const observation = fc.record({
  metric: fc.nat(2),
  of: fc.nat(40),
  value: fc.nat(1000),
  // Mostly of this host and now.
  host: rarely(fc.constant('guest'), 200),
  time: rarely(fc.nat(100), 200),
  seconds: rarely(fc.nat(100), 50),
});
const key = (it: { metric: number; of: number; host?: string | undefined }) =>
  `${it.metric} ${it.of} ${it.host}`;
const collection = fc.record({
  passed: fc.constantFrom(1, 1, 1, 0.5, 7),
  again: fc.boolean(),
  items: fc.uniqueArray(observation, { selector: key, maxLength: 120 }),
  left: fc.nat(150),
  inColumns: fc.boolean(),
});

/** The same observations, as far as a column has what is said of them. */
function inColumns(observed: readonly Observation[], into: Observations) {
  into.clear();
  if (observed.some(({ host, time, seconds }) => (host ?? time ?? seconds) !== undefined)) {
    return observed;
  }
  for (const { metric, value, labels } of observed) {
    into.add(metric as typeof level, count(value), labels as { of: string });
  }
  return into;
}

const isSame = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((it, i) => it === b[i]);

test('samples are those of the same observations, looked at one by one', () => {
  fc.assert(
    fc.property(fc.array(collection, { maxLength: 12 }), (collections) => {
      const table = createTable();
      // There is room for a few more before the table has to grow.
      const crowd = createCollectorSeries(METRICS, table, { collector: 'c', host: 'web01' }, 1e6);
      crowd.gather(
        Array.from({ length: 60 }, (_, of) => level.observe(count(1), { of: `${of}` })),
        [],
      );
      // Another collector's series stand between its own.
      const other = createCollectorSeries(METRICS, table, { collector: 'b', host: 'web01' }, 1e6);
      const series = createCollectorSeries(METRICS, table, { collector: 'a', host: 'web01' }, 1e6);
      const model = new Model();
      const seen = new Observations();
      let ordered: { order: unknown; inOrder: readonly unknown[] } = {
        order: series.readings.order,
        inOrder: [],
      };
      let at = 0;
      let before: (typeof collections)[number]['items'] = [];
      for (const [
        tick,
        { passed, again, items, left, inColumns: columns },
      ] of collections.entries()) {
        at += passed;
        const time = 1_700_000_000 + tick;
        // Mostly the same things in the same order; some have gone.
        const now = again ? before.filter((_, i) => i % 7 !== left % 150) : items;
        before = now;
        const observed = now.map(
          ({ metric, of, value, ...where }): Observation => ({
            metric: METRICS[metric] ?? level,
            labels: { of: `${of}` },
            value: again ? value + tick : value,
            ...where,
          }),
        );
        const errors: Error[] = [];
        series.turn(at, time);
        series.gather(columns ? inColumns(observed, seen) : observed, errors);
        const samples = samplesOf(series.readings).map(({ series, value, time, growth }) => ({
          ...{ name: series.metric.name, of: series.labels['of'], host: series.host },
          ...{ value, time, growth },
        }));
        const { order, ids, length, series: all } = series.readings;
        const inOrder = Array.from(ids.subarray(0, length), (id) => all[id]);
        expect(order === ordered.order).toBe(isSame(inOrder, ordered.inOrder));
        ordered = { order, inOrder };
        if (samples.length > 0) series.complete();
        other.turn(at, time);
        other.gather([level.observe(count(tick), { of: `${tick}` })], errors);
        other.complete();
        expect(errors).toEqual([]);
        expect(samples).toEqual(model.tick(observed, tick + 1, at, time));
        expect(series.resets).toBe(model.resets);
      }
    }),
  );
});

test.each([
  ['while a collection is under way', false],
  ['before anybody looked at the collection', true],
] as const)('what was observed is not what others observe in its place, %s', (_, handedOut) => {
  const table = createTable();
  const series = createCollectorSeries([level], table, { collector: 'a', host: 'web01' }, 1e6);
  series.turn(1, 1);
  series.gather([level.observe(count(5), { of: 'a' })], []);
  const early = handedOut ? series.readings : undefined;
  series.clear();
  const other = createCollectorSeries([level], table, { collector: 'b', host: 'web01' }, 1e6);
  other.turn(2, 2);
  other.gather([level.observe(count(7), { of: 'b' })], []);
  expect(samplesOf(other.readings)).toMatchObject([{ series: { id: 0 }, value: 7 }]);
  expect(samplesOf(early ?? series.readings)).toMatchObject([
    { series: { id: 0, collector: 'a', labels: { of: 'a' } }, value: 5, time: 1 },
  ]);
});

test('a place in the table is given to another when its series has ended', () => {
  const table = createTable();
  const series = createCollectorSeries([level], table, { collector: 'a', host: 'web01' }, 1e6);
  for (let tick = 0; tick < 400; tick += 1) {
    series.turn(tick, tick);
    const errors: Error[] = [];
    series.gather([level.observe(count(1), { of: `${tick}` })], errors);
    series.complete();
    const [sample] = samplesOf(series.readings);
    expect(sample).toMatchObject({ series: { labels: { of: `${tick}` } }, value: 1 });
  }
  expect(series.size).toBeLessThan(100);
  expect(series.size).toBeGreaterThan(30);
  expect(table.series.length).toBeLessThan(100);
  series.clear();
  expect(table.series.every((it) => it === undefined)).toBe(true);
});

test('what is no number is none, also of a series that had one before', () => {
  const table = createTable();
  const series = createCollectorSeries([level], table, { collector: 'a', host: 'web01' }, 1e6);
  // Types are taken out of plugins.
  for (const [tick, text] of ['5', 'null', '"7"', 'true', '1e999', '-1e999'].entries()) {
    const value = JSON.parse(text);
    const errors: Error[] = [];
    series.turn(tick, tick);
    series.gather([{ metric: level, labels: { of: 'a' }, value }], errors);
    series.complete();
    expect(samplesOf(series.readings)).toHaveLength(tick === 0 ? 1 : 0);
    expect(errors.map(({ message }) => message)).toEqual(
      tick === 0 ? [] : [`observed level as ${value}, not a number`],
    );
    series.turn(tick + 0.5, tick);
    series.gather([level.observe(count(5), { of: 'a' })], errors);
    series.complete();
  }
});

test('a series that has ended is not found again by the one before it, where another collector has its place', () => {
  const table = createTable();
  const [a, b] = ['a', 'b'].map((collector) =>
    createCollectorSeries([level], table, { collector, host: 'web01' }, 1e6),
  ) as [CollectorSeries, CollectorSeries];
  const tick = (series: CollectorSeries, of: readonly string[], at: number) => {
    series.turn(at, at);
    series.gather(
      of.map((it) => level.observe(count(at), { of: it })),
      [],
    );
    series.complete();
    return samplesOf(series.readings).map(
      ({ series }) => `${series.collector} ${series.labels['of']}`,
    );
  };
  tick(a, ['x', 'y'], 0);
  for (let at = 1; at <= 61; at += 1) tick(a, ['x'], at);
  tick(b, ['y'], 61);
  expect(tick(a, ['x', 'y'], 62)).toEqual(['a x', 'a y']);
});

test('of who observes what others call as they like, the same name and labels are the same series', () => {
  const table = createTable();
  const series = createCollectorSeries(undefined, table, { collector: 'a', host: 'web01' }, 1e6);
  const observed = (name: string, labels: Labels, value: number): Observation => ({
    metric: { kind: 'counter', name, unit: 'count', labels: Object.keys(labels), help: '' },
    ...{ value, labels },
  });
  for (const [tick, more] of [0, 5].entries()) {
    series.turn(tick, tick);
    series.gather(
      [
        observed('n', { of: 'a' }, 1 + more),
        observed('n', { by: 'a' }, 2),
        observed('m', { of: 'a' }, 3),
      ],
      [],
    );
    series.complete();
  }
  expect(series.size).toBe(3);
  expect(samplesOf(series.readings).map(({ growth }) => growth)).toEqual([
    { amount: 5, seconds: 1 },
    { amount: 0, seconds: 1 },
    { amount: 0, seconds: 1 },
  ]);
});

test("what is of this host is no other one's, though that was expected next", () => {
  const table = createTable();
  const series = createCollectorSeries([level], table, { collector: 'a', host: 'web01' }, 1e6);
  for (const host of ['guest', undefined, 'guest', undefined]) {
    series.turn(1, 1);
    const a = level.observe(count(1), { of: 'a' });
    series.gather(
      [level.observe(count(1), { of: 'x' }), host === undefined ? a : { ...a, host }],
      [],
    );
    series.complete();
    const seen = samplesOf(series.readings).map(({ series }) => series.host);
    expect(seen).toEqual(['web01', host ?? 'web01']);
  }
  expect(series.size).toBe(3);
});
