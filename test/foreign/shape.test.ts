import { describe, expect, test } from 'vitest';
import { pluginsIn } from '../../src/foreign/shape.ts';
import { defineCollector, defineHandler, gauge, z } from '../../src/plugin/index.ts';

const options = z.strictObject({});
const level = gauge('own.level', { unit: 'count', labels: ['of'], help: 'A level.' });
const collector = defineCollector({
  ...{ name: 'own', summary: 'Own.', source: 'nothing', options, metrics: { level } },
  *collect() {},
});
const handler = defineHandler({
  ...{ name: 'own', summary: 'Own.', options, dialect: 'otel', counters: 'raw' },
  ...{ idempotent: true, acknowledged: false },
  open: async () => ({ write: async () => {}, close: () => {} }),
});
const taken = (it: object) => pluginsIn({ default: it }, 'plugin', '/own.ts');
const withMetric = (more: object) => ({ ...collector, metrics: { level: { ...level, ...more } } });

describe('a plugin whose types nobody has checked', () => {
  test('is taken as it is where they hold', () => {
    expect(taken(collector)).toEqual([{ kind: 'collector', it: collector }]);
    expect(taken([handler, withMetric({ labels: [] })])).toHaveLength(2);
  });

  test.each([
    [{ name: '' }, /has a metric level without a name/],
    [{ unit: 'parsecs' }, /has a metric level in "parsecs", which is no unit\. There are bytes, /],
    [{ unit: undefined }, /which is no unit/],
    [{ unit: 'constructor' }, /which is no unit/],
    [{ help: undefined }, /without help/],
    [{ labels: ['of', 'of'] }, /whose labels are not names, each of them once/],
    [{ labels: [3] }, /whose labels are not names/],
    [{ labels: [''] }, /whose labels are not names/],
    [{ labels: 'of' }, /that gauge\(\), counter\(\) or delta\(\) did not make/],
  ])('is refused in a sentence: a metric with %j', (more, said) => {
    expect(() => taken(withMetric(more))).toThrow(said);
  });

  test('is refused in a sentence: a handler that wants something else of counters', () => {
    expect(() => taken({ ...handler, counters: 'sometimes' })).toThrow(
      'the handler that it exports needs counters: one of raw, rates, deltas',
    );
  });
});
