import { expect, test } from 'vitest';
import { Follow } from '../../src/logs/follow.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { counting } from '../support/parser.ts';

/** A line that is counted, long or short. */
const line = (n: number, bytes = 10): string =>
  `l${n.toString(36).padStart(6, '0')} ${'x'.repeat(bytes)}.\n`;

test('a log with much new is read on in turns, and keeps no other from being read', async () => {
  let now = 1_790_000_000_000;
  const files = new MemoryFiles(() => now);
  const clock = {
    ...{ now: () => now, monotonic: () => now, boottime: () => now },
    after: () => ({ cancel() {} }),
  };
  files
    .writing('/log/a-large.log')
    .append(Array.from({ length: 20 }, (_, n) => line(n, 100_000)).join(''));
  files.writing('/log/b-small.log').append(line(100));
  files.writing('/log/c-small.log').append(line(200));
  let pieces = 0;
  const follow = new Follow({
    ...{ path: '/log/*.log', parsing: counting(), from: 'start', places: new Map(), clock, files },
    // There is time for two pieces at each look.
    paused: () => {
      pieces += 1;
      return pieces > 3;
    },
  });
  const look = async () => {
    now += 10_000;
    pieces = 0;
    const { observations, cut, absent } = await follow.look();
    expect(absent).toBe(false);
    return { cut, lines: observations.map(({ labels }) => labels['line'] ?? '') };
  };
  const first = await look();
  expect(first.cut).toBe(true);
  expect(first.lines).not.toContain('l00002s');
  const second = await look();
  expect(second.lines).toContain('l00002s');
  const all = [...first.lines, ...second.lines];
  for (let looks = 0, cut = true; cut; looks += 1) {
    expect(looks).toBeLessThan(20);
    const next = await look();
    all.push(...next.lines);
    cut = next.cut;
  }
  expect(all).toHaveLength(22);
  expect(new Set(all).size).toBe(22);
  expect(await look()).toEqual({ cut: false, lines: [] });
});
