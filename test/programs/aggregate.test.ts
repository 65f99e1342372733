import { expect, test } from 'vitest';
import { StatsdAggregates } from '../../src/programs/aggregate.ts';
import type { Reading } from '../../src/wire/readings/reading.ts';
import type { StatsdEvent } from '../../src/wire/readings/statsd.ts';

const event = (type: StatsdEvent['type'], name: string, more: Partial<StatsdEvent> = {}) => ({
  ...{ name, type, labels: {}, value: 1, member: '', relative: false, times: 1 },
  ...more,
});

function flushed(it: StatsdAggregates): readonly (readonly [name: string, value: number])[] {
  const found: Reading[] = [];
  it.flush((reading) => void found.push(reading));
  return found.map(({ name, value }) => [name, value]);
}

test('of one set ten thousand members are told apart', () => {
  const it = new StatsdAggregates(10, []);
  for (let i = 0; i < 10_001; i += 1) it.add(event('set', 'users', { member: `${i}` }));
  expect(flushed(it)).toEqual([['users', 10_000]]);
  it.add(event('set', 'users', { member: 'one' }));
  expect(flushed(it)).toEqual([['users', 1]]);
});

test('names beyond the bound are left out, and counted once', () => {
  const it = new StatsdAggregates(2, []);
  for (const name of ['a', 'b', 'c', 'c', 'a']) it.add(event('counter', name));
  expect(flushed(it)).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  expect([it.refusals(), it.refusals()]).toEqual([2, 0]);
});

test('what nobody mentions is told for thirty flushes more, and then forgotten', () => {
  const it = new StatsdAggregates(1, []);
  it.add(event('gauge', 'level', { value: 7 }));
  for (let i = 0; i < 31; i += 1) expect(flushed(it)).toEqual([['level', 7]]);
  expect(flushed(it)).toEqual([]);
  // There is room for another.
  it.add(event('gauge', 'other', { value: 8 }));
  expect(flushed(it)).toEqual([['other', 8]]);
});
