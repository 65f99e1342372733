import { stripVTControlCharacters } from 'node:util';
import { render, Screen, type Surface } from 'cullinan/wire/screen';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BIG, health, type Machine, pointsOf, SMALL } from '../support/machine.ts';
import { point } from '../support/points.ts';

const NOW = 1_795_219_200;
const plain = { colour: false, unicode: true, timeZone: 'UTC' } as const;
const surface = (columns: number, rows: number): Surface => ({ ...plain, columns, rows });

function screenOf(machine: Machine, well = true): Screen {
  const screen = new Screen();
  screen.feed(pointsOf(machine, NOW));
  screen.feedAgent(health(well));
  return screen;
}

const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const linesOf = (screen: Screen, columns = 80, rows = 24): string =>
  text(render(screen, surface(columns, rows)));

/** Cells, counted independently of the screen: the scripts these tests use are wide. */
const cells = (line: string): number =>
  [...line].reduce(
    (sum, char) => sum + (/[\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3🎉]/u.test(char) ? 2 : 1),
    0,
  );

describe.each([
  ['small', SMALL, true],
  ['64-cores', BIG, false],
] as const)('the picture of a host (%s)', (name, machine, well) => {
  test.each([
    [80, 24],
    [120, 40],
    [200, 60],
    [40, 10],
  ])('on %i columns and %i rows', async (columns, rows) => {
    const lines = render(screenOf(machine, well), surface(columns, rows));
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect(cells(line)).toBeLessThanOrEqual(columns);
    await expect(text(lines)).toMatchFileSnapshot(
      `../golden/screen/${name}-${columns}x${rows}.txt`,
    );
  });
});

test('a terminal without Unicode gets the same picture in ASCII', async () => {
  const lines = render(screenOf(SMALL), { ...surface(80, 24), unicode: false });
  expect(text(lines)).toMatch(/^[\x20-\x7e\n]*$/);
  await expect(text(lines)).toMatchFileSnapshot('../golden/screen/small-80x24-ascii.txt');
});

test('colours change nothing but colours', () => {
  const lines = render(screenOf(BIG, false), { ...surface(120, 40), colour: true });
  const bare = lines.map(stripVTControlCharacters);
  const shape = (line: string) => line.replace(/[━╸─█▓▒░·]/g, '=');
  expect(bare.map(shape)).toEqual(render(screenOf(BIG, false), surface(120, 40)).map(shape));
  for (const line of bare) expect(line).not.toMatch(/\p{Cc}/u);
  for (const [y, line] of lines.entries()) {
    if (line !== bare[y]) expect(line.endsWith('\x1b[0m') || /\[0m[^[]*$/.test(line)).toBe(true);
  }
});

test.each([64, 128, 256])('%i cores fit on 80 columns and 24 rows, each in a cell', (cores) => {
  const picture = linesOf(screenOf({ ...BIG, cores, busy: () => 1 }));
  expect(picture.match(/█/g)?.length).toBeGreaterThanOrEqual(cores);
  expect(picture).toContain('Interface');
});

test('of 10,000 interfaces the busiest are shown, by name', () => {
  const links = Array.from({ length: 10_000 }, (_, i) => [`tap${i}`, i, i, 0] as const);
  const picture = linesOf(screenOf({ ...SMALL, links }));
  expect(picture).toContain('Interface 7/10000');
  expect(picture).toMatch(/tap9998 .*\n.*tap9999 /);
});

describe('what is not known', () => {
  test('is a dash, never a 0: before the first rates', () => {
    const screen = new Screen();
    screen.feed([
      point('system.cpu.time', {
        kind: 'counter',
        labels: { cpu: '0', state: 'user' },
        reading: 'value',
      }),
      point('system.disk.utilization', { labels: { device: 'sda' } }),
      point('system.memory.limit', { unit: 'B', value: 2 ** 30 }),
    ]);
    const picture = linesOf(screen);
    expect(picture).toMatch(/CPU .* –\s+user/);
    expect(picture).toMatch(/sda .*–/);
    expect(picture).toMatch(/Mem .* – of 1\.00 GiB/);
  });

  test('is nothing at all before the first point', () => {
    expect(render(new Screen(), surface(80, 24))).toHaveLength(24);
  });

  test('is a dash again when a device has no such number any more', () => {
    const screen = screenOf(SMALL);
    const later = pointsOf({ ...SMALL, disks: [['sda', 0, 0, 0]] }, NOW + 10);
    screen.feed(later);
    expect(linesOf(screen)).toMatch(/sda .*–/);
  });
});

describe('over time', () => {
  test('a device that is gone leaves the screen', () => {
    const screen = screenOf(SMALL);
    const without = { ...SMALL, disks: SMALL.disks.slice(1) };
    screen.feed(pointsOf(without, NOW + 10));
    screen.feed(pointsOf(without, NOW + 20));
    expect(linesOf(screen)).not.toContain('nvme0n1');
    expect(linesOf(screen)).toContain('sda');
  });

  test('a collector that runs more slowly than the others keeps its rows', () => {
    const screen = screenOf(SMALL);
    const isDisk = (name: string) => name.startsWith('system.disk');
    for (let t = 10; t <= 60; t += 10) {
      const batch = pointsOf(SMALL, NOW + t);
      screen.feed(batch.filter(({ name }) => t % 30 === 0 || !isDisk(name.series.metric.name)));
      expect(linesOf(screen)).toContain('nvme0n1');
      expect(linesOf(screen)).not.toContain('no news');
    }
  });

  test('old numbers are not passed off as new ones', () => {
    const screen = screenOf(SMALL);
    for (let t = 10; t <= 60; t += 10) {
      const batch = pointsOf(SMALL, NOW + t);
      screen.feed(batch.filter(({ name }) => !name.series.metric.name.startsWith('system.disk')));
    }
    expect(linesOf(screen)).toContain('no news for 1 min');
  });

  test('points of other hosts are left aside', () => {
    const screen = screenOf(SMALL);
    screen.feed([point('system.cpu.load_average.1m', { host: 'guest', value: 77.77, time: NOW })]);
    expect(linesOf(screen)).not.toContain('77.77');
  });

  test('a collector that recovers is well again', () => {
    const screen = screenOf(SMALL, false);
    expect(linesOf(screen, 120, 40)).toContain('disk failing');
    screen.feedAgent(health(false));
    expect(screen.failing()).toEqual(['disk']);
    const better = health(true).collectors.map((one) => ({
      ...one,
      outcomes: { ...one.outcomes, ok: 8, failed: one.name === 'disk' ? 1 : 0 },
    }));
    screen.feedAgent({ ...health(true), collectors: better });
    expect(screen.failing()).toEqual([]);
  });
});

test('a mount that hangs says so', () => {
  const screen = screenOf(SMALL);
  const labels = { device: 'nas:/', mountpoint: '/mnt/nfs', type: 'nfs', volume: '' };
  screen.feed([point('system.filesystem.responding', { labels, value: 0, time: NOW })]);
  expect(linesOf(screen, 80, 30)).toMatch(/\/mnt\/nfs .* hung/);
});

test('no name can reach the terminal as a command, and every picture has its size', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(
      '日本語日本語日本語日本語日本語日本語',
      '\x1b]0;evil\x07',
      'e\u0301e\u0301',
      '\x9b2J',
      '🎉🎉🎉',
    ),
  );
  fc.assert(
    fc.property(
      name,
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 70 }),
      fc.boolean(),
      (name, columns, rows, unicode) => {
        const machine: Machine = {
          ...SMALL,
          host: name,
          disks: [[name, 1, 1, 1]],
          mounts: [[name, 1, 1, name]],
          links: [[name, 1, 1, 1]],
        };
        const lines = render(screenOf(machine), { ...plain, columns, rows, unicode });
        expect(lines).toHaveLength(rows);
        for (const line of lines) {
          expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
          if (!unicode) expect(line.length).toBeLessThanOrEqual(columns);
        }
      },
    ),
    { numRuns: 200 },
  );
});
