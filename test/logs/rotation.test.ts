import { expect, test } from 'vitest';
import { rotatedFiles } from '../../src/logs/rotation.ts';
import { MemoryFiles } from '../support/memory-files.ts';

const LOG = '/var/log/it.log';

/** A log's rotated files, made one after the other; by their names, oldest first. */
async function found(...made: readonly string[]): Promise<readonly string[]> {
  let now = 1_790_000_000_000;
  const files = new MemoryFiles(() => now);
  for (const end of made) {
    now += 60_000;
    files.writing(LOG + end).append('x');
  }
  return (await rotatedFiles(files, [LOG], [])).map(({ path }) => path.slice(LOG.length));
}

test('what was packed in another way before hides nothing that is rotated now', async () => {
  expect(await found('.2.gz', '.1.gz', '.2.zst', '.1.zst')).toEqual(['.2.zst', '.1.zst']);
  expect(await found('.1.zst', '.1.gz')).toEqual(['.1.gz']);
  expect(await found('-20261120.gz', '-20261120.xz')).toEqual(['-20261120.xz']);
});

test('of a file that is just being packed the unpacked one is taken', async () => {
  expect(await found('.1', '.1.gz')).toEqual(['.1']);
  expect(await found('.1.gz', '.1')).toEqual(['.1']);
});

test.each([
  ['unpacked', ['.1', '.2', '.3'], ['.1', '.2', '.3']],
  ['packed', ['.1.gz', '.2.gz', '.3.gz'], ['.1.gz', '.2.gz', '.3.gz']],
  ['packed but for the latest', ['.9.gz', '.10.gz', '.11'], ['.9.gz', '.10.gz', '.11']],
])('what is counted upwards is read so: %s', async (_, made, oldestFirst) => {
  expect(await found(...made)).toEqual(oldestFirst);
});

test.each([
  ['unpacked', ['.3', '.2', '.1']],
  ['packed', ['.10.gz', '.9.gz', '.1.gz']],
  ['packed but for the latest', ['.3.gz', '.2.gz', '.1']],
])('what is counted downwards is read so: %s', async (_, made) => {
  expect(await found(...made)).toEqual(made);
});

test('what packs a file so that it looks written to later does not turn the order round', async () => {
  expect(await found('.1', '.2.gz')).toEqual(['.2.gz', '.1']);
  expect(await found('.3.gz', '.1', '.2.gz')).toEqual(['.3.gz', '.2.gz', '.1']);
});
