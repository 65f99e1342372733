import { expect, test } from 'vitest';
import { createLog, Level, Recent } from '../../src/log/index.ts';
import { SimulatedClock } from '../support/clock.ts';

const levelled = () => {
  const clock = new SimulatedClock();
  const log = createLog({ level: 'info', format: 'text', write: () => {} });
  return { clock, log, level: new Level(log, clock) };
};

test('another level holds for a while, and goes back by itself', async () => {
  const { clock, log, level } = levelled();
  level.wish('debug', 600);
  expect(level.now).toEqual({ level: 'debug', configured: 'info', seconds: 600 });
  await clock.advance(599_000);
  expect(log.level).toBe('debug');
  await clock.advance(1000);
  expect(log.level).toBe('info');
  expect(level.now).toEqual({ level: 'info', configured: 'info', seconds: undefined });
});

test('a reload meanwhile says to what it goes back', async () => {
  const { clock, log, level } = levelled();
  level.wish('debug', 600);
  level.configure('warn');
  expect(log.level).toBe('debug');
  await clock.advance(600_000);
  expect(log.level).toBe('warn');
});

test('a second wish takes the place of the first', async () => {
  const { clock, log, level } = levelled();
  level.wish('debug', 10);
  level.wish('error', 60);
  await clock.advance(30_000);
  expect(log.level).toBe('error');
  level.end();
  expect([log.level, clock.pending]).toEqual(['info', 0]);
});

test('the last lines are remembered, in number and size bounded', () => {
  const recent = new Recent();
  for (let n = 0; n < 2000; n += 1) recent.add(`line ${n}`);
  expect([recent.lines.length, recent.lines.at(-1)]).toEqual([500, 'line 1999']);
  for (let n = 0; n < 100; n += 1) recent.add('x'.repeat(1_000_000));
  expect(recent.lines.join('').length).toBeLessThanOrEqual(128 * 1024);
});
