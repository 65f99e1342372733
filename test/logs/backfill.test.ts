import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cullHeld } from '../../src/logs/cull.ts';
import type { Found } from '../../src/logs/index.ts';
import { count, delta, type Line, type Parsing } from '../../src/plugin/index.ts';
import { MemoryFiles, watched } from '../support/memory-files.ts';

const LOG = '/var/log/it.log';
const START = 1_790_000_000;
const INTERVAL = 60;

const seen = delta('test.seen', { unit: 'count', labels: ['word'], help: 'Lines by word.' });

/** Lines of a second and a word: `1790000000 a`. */
function dated(): Parsing {
  let words = new Map<string, number>();
  return {
    parse({ text }: Line) {
      const word = text.split(' ')[1] ?? '';
      words.set(word, (words.get(word) ?? 0) + 1);
      return true;
    },
    timeOf: ({ text }: Line) => Number(text.split(' ')[0]) || undefined,
    *report() {
      const counted = words;
      words = new Map();
      for (const [word, times] of counted) yield seen.observe(count(times), { word });
    },
  };
}

interface Written {
  readonly gap: number;
  readonly word: string;
}

/** A log, rotated in between, and packed; and what each interval has of each word. */
function written(lines: readonly Written[], rotations: ReadonlySet<number>, packs: boolean) {
  let now = START * 1000;
  const files = new MemoryFiles(() => now);
  const expected = new Map<string, number>();
  let log = files.writing(LOG);
  let time = START;
  let rotated = 0;
  for (const [i, { gap, word }] of lines.entries()) {
    if (rotations.has(i) && i > 0) {
      rotated += 1;
      const to = `${LOG}-2026010${rotated}`;
      files.move(LOG, to);
      if (packs) files.compress(to);
      log = files.writing(LOG);
    }
    time += gap;
    now = time * 1000 + 5 * i;
    log.append(`${time} ${word} ${i}\n`);
    const key = `${(Math.floor(time / INTERVAL) + 1) * INTERVAL} ${word}`;
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  return { files, expected, end: time };
}

const line = fc.record({
  gap: fc.constantFrom(0, 0, 1, 7, 59, 60, 200),
  word: fc.constantFrom('a', 'b', 'c', 'some-longer-word'.repeat(20)),
});

test('a long past comes in parts, each line once, and each interval once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 80 }),
      fc.uniqueArray(fc.nat(79), { maxLength: 3 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 6 }),
      // At which operation each run dies, or which time of sending fails.
      fc.array(fc.record({ dies: fc.integer({ min: 1, max: 90 }), fails: fc.nat(4) }), {
        maxLength: 6,
      }),
      async (lines, rotations, packs, most, troubles) => {
        const { files, expected, end } = written(lines, new Set(rotations), packs);
        let now = (end + 3600) * 1000;
        const clock = {
          now: () => {
            now += 1;
            return now;
          },
          monotonic: () => now,
          boottime: () => now,
          after: (ms: number, then: () => void) => {
            now += ms;
            queueMicrotask(then);
            return { cancel() {} };
          },
        };
        const delivered = new Map<string, number>();
        const run = async ({ dies, fails }: { readonly dies: number; readonly fails: number }) => {
          let operations = 0;
          let sent = 0;
          const dying = watched(files, () => {
            operations += 1;
            if (operations >= dies) throw new Error('died');
          });
          const send = async (found: readonly Found[]) => {
            sent += 1;
            if (sent === fails) throw new Error('not sent');
            // What is held at once is bounded: an interval has four words at most.
            const held = found.reduce((sum, { observations }) => sum + observations.length, 0);
            expect(held).toBeLessThan(most + 8);
            for (const { time, observations } of found) {
              for (const { labels, value } of observations) {
                const key = `${time} ${labels['word']}`;
                expect(delivered.get(key) ?? value, key).toBe(value);
                delivered.set(key, value);
              }
            }
          };
          await cullHeld({
            ...{ log: LOG, parser: 'dated', parsing: dated(), folder: '/state', files: dying },
            ...{
              clock,
              send,
              most,
              first: { from: 'since', since: START - 1, interval: INTERVAL },
            },
          }).catch((error: unknown) => {
            if (!/died|not sent/.test(String(error))) throw error;
          });
        };
        for (const trouble of troubles) await run(trouble);
        await run({ dies: Number.POSITIVE_INFINITY, fails: -1 });
        expect(Object.fromEntries(delivered)).toEqual(Object.fromEntries(expected));
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 1500) },
  );
});
