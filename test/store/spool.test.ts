import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSpool, type Spool, type SpoolLoss } from '../../src/store/index.ts';
import { points } from '../support/delivery.ts';
import { noMounting, smallDisk } from '../support/disk.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'cullinan-spool-'));

interface Opened {
  readonly spool: Spool;
  readonly lost: Record<SpoolLoss, number>;
  readonly unread: unknown[];
  now: number;
}

async function opened(
  path: string,
  limits: { bytes?: number; age?: number } = {},
): Promise<Opened> {
  const lost = { 'spool-full': 0, expired: 0, damaged: 0 };
  const it = { now: 1e12, lost, unread: [] as unknown[] };
  const spool = await openSpool({
    folder: path,
    bytes: limits.bytes ?? 1e6,
    age: limits.age,
    now: () => it.now,
    unread: (error) => it.unread.push(error),
    lost: (why, number) => {
      lost[why] += number;
    },
  });
  onTestFinished(() => spool.close());
  return Object.assign(it, { spool });
}

const values = async (spool: Spool): Promise<number[]> => {
  const all: number[] = [];
  for (let next = await spool.take(); next !== undefined; next = await spool.take()) {
    all.push(...next.points.map(({ value }) => value));
    await next.done();
  }
  return all;
};
const files = (path: string) => readdirSync(path).filter((name) => name !== 'lock');

describe('what is stored', () => {
  test('comes back oldest first, in this process and in the next', async () => {
    const path = folder();
    const before = await opened(path);
    for (let i = 0; i < 40; i += 10) await before.spool.append(points(i, i + 10), 0);
    const first = await before.spool.take();
    expect(first?.points.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await first?.done();
    expect(before.spool.points).toBe(30);
    await before.spool.close();
    const { spool } = await opened(path);
    expect(spool.found).toBe(30);
    expect(await values(spool)).toEqual(Array.from({ length: 30 }, (_, i) => i + 10));
    expect(spool.points).toBe(0);
    expect(files(path)).toEqual([]);
    expect(spool.bytes).toBe(0);
  });

  test('and was not settled when the process was killed, comes back', async () => {
    const path = folder();
    const { spool } = await opened(path);
    await spool.append(points(0, 10), 0);
    await spool.append(points(10, 20), 0);
    await (await spool.take())?.done();
    await spool.take();
    const copy = folder();
    cpSync(path, copy, { recursive: true, filter: (from) => !from.endsWith('lock') });
    expect(await values((await opened(copy)).spool)).toEqual(points(10, 20).map((p) => p.value));
  });

  test('and failed, is the first to be given out again', async () => {
    const { spool } = await opened(folder());
    await spool.append(points(0, 2), 0);
    await spool.append(points(2, 4), 0);
    (await spool.take())?.failed();
    expect(spool.points).toBe(4);
    expect(await values(spool)).toEqual([0, 1, 2, 3]);
  });

  test('and was delivered before, is known as such, and not counted', async () => {
    const path = folder();
    const { spool } = await opened(path);
    await spool.append(points(0, 5), 7);
    expect(spool.points).toBe(0);
    await spool.close();
    const next = await opened(path);
    expect(next.spool.found).toBe(0);
    expect((await next.spool.take())?.deliveries).toBe(7);
  });
});

describe('a bound', () => {
  test('of bytes costs the oldest, and is never passed', async () => {
    const path = folder();
    const { spool, lost } = await opened(path, { bytes: 8000 });
    for (let i = 0; i < 1000; i += 10) {
      await spool.append(points(i, i + 10), 0);
      const onDisk = files(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
      expect(onDisk).toBe(spool.bytes);
      expect(onDisk).toBeLessThanOrEqual(8000);
      expect(spool.points + lost['spool-full']).toBe(i + 10);
    }
    const left = await values(spool);
    expect(left.at(-1)).toBe(999);
    expect(left).toEqual(Array.from({ length: left.length }, (_, i) => 1000 - left.length + i));
  });

  test('of bytes that not even one batch keeps is an error, and nothing is stored', async () => {
    const { spool } = await opened(folder(), { bytes: 100 });
    await expect(spool.append(points(0, 100), 0)).rejects.toThrow('the spool');
    expect(spool.points).toBe(0);
  });

  test('of age costs what is older, also in the next process', async () => {
    const path = folder();
    const it = await opened(path, { age: 60_000 });
    await it.spool.append(points(0, 10), 0);
    it.now += 50_000;
    await it.spool.append(points(10, 20), 0);
    it.now += 20_000;
    expect(await values(it.spool)).toEqual(points(10, 20).map((p) => p.value));
    expect(it.lost.expired).toBe(10);
  });

  test('that bites what is being delivered counts it once', async () => {
    const { spool, lost } = await opened(folder(), { bytes: 4000 });
    await spool.append(points(0, 10), 0);
    const out = await spool.take();
    for (let i = 10; i < 500; i += 10) await spool.append(points(i, i + 10), 0);
    expect(spool.points + lost['spool-full']).toBe(500);
    out?.failed();
    expect(spool.points + lost['spool-full']).toBe(500);
    expect((await values(spool)).length + lost['spool-full']).toBe(500);
  });
});

describe('damage', () => {
  const stored = async () => {
    const path = folder();
    const { spool } = await opened(path);
    for (let i = 0; i < 50; i += 10) await spool.append(points(i, i + 10), 0);
    await spool.close();
    const file = join(path, files(path)[0] ?? '');
    return { path, file, bytes: readFileSync(file) };
  };

  test('a turned bit costs at most its own record, wherever it is', async () => {
    const { file, path, bytes } = await stored();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const rotten = Buffer.from(bytes);
        rotten[bit >> 3] = (rotten[bit >> 3] as number) ^ (1 << (bit & 7));
        writeFileSync(file, rotten);
        const { spool, lost } = await opened(path);
        const { found } = spool;
        const all = await values(spool);
        expect(all.length).toBeGreaterThanOrEqual(40);
        expect(all).toEqual([...all].sort((a, b) => a - b));
        // A turned state makes a batch one that was delivered before, which nobody counts.
        const again = found === 40 && all.length === 50;
        expect(again || found - lost.damaged === all.length).toBe(true);
        await spool.close();
      }),
      { numRuns: 150 },
    );
  });

  test('a file cut at any byte has what was whole', async () => {
    const { file, path, bytes } = await stored();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), async (length) => {
        writeFileSync(file, bytes.subarray(0, length));
        const { spool, lost } = await opened(path);
        const { found } = spool;
        const all = await values(spool);
        expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i));
        expect(all.length % 10).toBe(0);
        expect(found).toBe(all.length + lost.damaged);
        await spool.close();
      }),
      { numRuns: 100 },
    );
  });

  test('a file that cannot be read now is left where it is, and costs no other', async () => {
    const { path } = await stored();
    mkdirSync(join(path, '000000000000.jsonl.gz'));
    const { spool, lost, unread } = await opened(path);
    expect(unread).toHaveLength(1);
    expect(await values(spool)).toHaveLength(50);
    expect(lost.damaged).toBe(0);
    expect(files(path)).toEqual(['000000000000.jsonl.gz']);
  });

  test('a folder that somebody deletes costs what was in it, counted, and is made again', async () => {
    const path = folder();
    const { spool, lost } = await opened(path);
    await spool.append(points(0, 10), 0);
    rmSync(path, { recursive: true });
    await spool.append(points(10, 20), 0);
    expect(lost.damaged).toBe(10);
    expect(spool.points).toBe(10);
    expect(files(path)).toHaveLength(1);
    expect(await values(spool)).toEqual(points(10, 20).map(({ value }) => value));
  });

  test('other files in the folder are left alone', async () => {
    const path = folder();
    writeFileSync(join(path, 'notes.txt'), 'mine');
    writeFileSync(join(path, '000000000001.jsonl.gz'), 'not ours');
    const { spool } = await opened(path);
    await spool.append(points(0, 3), 0);
    expect(await values(spool)).toEqual([0, 1, 2]);
    expect(readFileSync(join(path, 'notes.txt'), 'utf8')).toBe('mine');
  });
});

const cannot = noMounting();
describe.runIf(cannot === undefined)(
  `a disk${cannot === undefined ? '' : ` (left out: ${cannot})`}`,
  () => {
    test('that is full refuses, keeps what it has, and takes again when there is room', async () => {
      using disk = smallDisk('128k');
      const path = join(disk.path, 'spool');
      const { spool } = await opened(path);
      await spool.append(points(0, 10), 0);
      disk.fill();
      let stored = 10;
      for (let tries = 0; tries < 200; tries += 1) {
        try {
          await spool.append(points(stored, stored + 10), 0);
          stored += 10;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENOSPC' });
          break;
        }
      }
      expect(spool.points).toBe(stored);
      disk.free();
      await spool.append(points(stored, stored + 10), 0);
      expect(await values(spool)).toEqual(Array.from({ length: stored + 10 }, (_, i) => i));
    });

    test('that is read-only gives out what it has, and refuses more', async () => {
      using disk = smallDisk('128k');
      const path = join(disk.path, 'spool');
      const { spool } = await opened(path);
      await spool.append(points(0, 10), 0);
      await spool.append(points(10, 20), 0);
      await spool.close();
      const again = await opened(path);
      disk.readOnly();
      await expect(again.spool.append(points(20, 30), 0)).rejects.toMatchObject({ code: 'EROFS' });
      expect(await values(again.spool)).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(again.spool.points).toBe(0);
    });
  },
);
