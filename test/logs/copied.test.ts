import { expect, test } from 'vitest';
import { cullHeld } from '../../src/logs/cull.ts';
import { SimulatedClock } from '../support/clock.ts';
import { MemoryFiles, watched } from '../support/memory-files.ts';
import { counting } from '../support/parser.ts';

const LOG = '/var/log/it.log';
/** More operations than any run has. */
const MOST = 100;
/** So many operations are tried between a line and a copy that has it. */
const APART = 3;

const lines = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, i) => `l${String(from + i).padStart(6, '0')} is one.\n`,
  ).join('');

/**
 * A log that is written to before one operation of a run, copied before another, and truncated and written to
 * before a third.
 *
 * @returns how often each line was counted, and whether there were so many operations.
 */
async function counted(before: string, filled: number, copied: number, truncated: number) {
  const clock = new SimulatedClock(1_790_000_000_000);
  const files = new MemoryFiles(clock.now);
  const found = new Map<string, number>();
  const log = files.writing(LOG);
  const run = async (operation?: (n: number) => void) => {
    let n = 0;
    clock.advance(60_000);
    const { lost } = await cullHeld({
      ...{ log: LOG, parser: 'counting', folder: '/state', parsing: counting(), clock },
      files: watched(files, () => {
        n += 1;
        operation?.(n);
      }),
      first: { from: 'start', interval: undefined },
      async send(all) {
        for (const { labels, value } of all.flatMap(({ observations }) => observations)) {
          const line = labels['line'] ?? '';
          found.set(line, (found.get(line) ?? 0) + value);
        }
      },
    });
    expect(lost).toEqual([]);
    return n;
  };
  log.append(before);
  await run();
  const operations = await run((n) => {
    if (n === filled) log.append(lines(100, 103));
    if (n === copied) files.copy(LOG, `${LOG}.1`);
    if (n !== truncated) return;
    files.truncate(LOG);
    log.append(lines(200, 202));
  });
  await run();
  return { found, over: operations < truncated };
}

test.each([
  ['empty', '', 0],
  ['short', lines(0, 2), 2],
  ['long', lines(0, 90), 90],
])(
  'a log that was %s is counted once, whenever it is copied and truncated',
  async (_, before, n) => {
    const all = [...Array(n).keys(), 100, 101, 102, 200, 201];
    const expected = all.map((i) => [`l${String(i).padStart(6, '0')}`, 1]);
    let tried = 0;
    for (let filled = 1; filled < MOST; filled += 1) {
      for (let copied = filled; copied < filled + APART; copied += 1) {
        for (let truncated = copied; truncated < MOST; truncated += 1) {
          const { found, over } = await counted(before, filled, copied, truncated);
          if (over) break;
          tried += 1;
          expect(
            [...found].sort(),
            `filled at ${filled}, copied at ${copied}, truncated at ${truncated}`,
          ).toEqual(expected);
        }
      }
    }
    expect(tried).toBeGreaterThan(100);
  },
);
