import { expect, test } from 'vitest';
import { picture, type View } from '../../src/cli/top-picture.ts';
import type { Snapshot } from '../../src/status/index.ts';
import { idleAgent } from '../support/collector.ts';

const PLAIN = { colour: false, unicode: true };
const VIEW: View = {
  ...{ collectors: 'time', handlers: 'rate', reversed: false, paused: false },
  ...{ columns: 100, rows: 24, keys: false },
};

/** An agent after so many seconds. */
const after = (seconds: number): Snapshot => ({
  ...idleAgent,
  ...{ version: '1.2.3', host: 'web01', pid: 4711, uptime: seconds },
  collectors: ['cpu', 'disk', 'load'].map((name, i) => ({
    name,
    outcomes: { ok: seconds, partial: 0, failed: i, 'timed-out': 0, 'no-data': 0, skipped: 0 },
    ...{ seconds: (seconds * (i + 1)) / 100, series: 30 - 10 * i, refused: 0 },
  })),
  handlers: ['one', 'two'].map((name, i) => ({
    ...{ name, type: 'graphite', observed: 100 * seconds, delivered: 10 * i * seconds },
    ...{ queued: 50 - i, spooled: 0, resent: 0, failures: 3 - i, connected: i === 1 },
    dropped: {
      ...{ overflow: 7, expired: 0, 'spool-full': 0, damaged: 0, 'held-back': 0 },
      ...{ unsendable: 0, shutdown: 0, reload: 0 },
    },
  })),
});

const READINGS = { before: after(10), now: after(20), seconds: 10 };
const shown = (view: Partial<View>) => picture(READINGS, { ...VIEW, ...view }, PLAIN);
const firsts = (view: Partial<View>) =>
  shown(view).flatMap((line) => /^ (cpu|disk|load|one|two)\b/.exec(line)?.[1] ?? []);

test('an agent on one screen', async () => {
  await expect(`${shown({}).join('\n')}\n`).toMatchFileSnapshot('../golden/cli/top.txt');
});

test('what is greatest comes first, or last', () => {
  expect(firsts({})).toEqual(['two', 'one', 'load', 'disk', 'cpu']);
  expect(firsts({ collectors: 'series', handlers: 'failures' })).toEqual([
    ...['one', 'two', 'cpu', 'disk', 'load'],
  ]);
  expect(firsts({ collectors: 'errors', reversed: true }).slice(2)).toEqual([
    'cpu',
    'disk',
    'load',
  ]);
});

test.each([
  [40, 10],
  [80, 24],
  [200, 6],
  [10, 3],
])('fits %i × %i', (columns, rows) => {
  const lines = shown({ columns, rows, keys: true });
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  expect(lines.length).toBeLessThanOrEqual(rows);
});

test('on a small screen those stay that are sorted first', () => {
  expect(firsts({ rows: 9 })).toEqual(['two', 'load', 'disk']);
});

test('what a host calls itself does nothing to the terminal', () => {
  const now = { ...after(20), host: '\x1b[2J', problem: '\x1b]0;x\x07' };
  expect(picture({ ...READINGS, now }, VIEW, PLAIN).join('')).not.toContain('\x1b');
});
