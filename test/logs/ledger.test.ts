import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEntries, type Entry, encodeEntry } from '../../src/logs/entries.ts';
import { liveFiles } from '../../src/logs/files.ts';
import { Ledger } from '../../src/logs/ledger.ts';
import { Foreseen } from '../../src/plugin/index.ts';
import { scratch } from '../support/agent.ts';

const entry = (time: number, value = 1): Entry => ({
  time,
  findings: [
    {
      reader: 'web regex',
      news: true,
      observations: [{ metric: 'requests', value, labels: { status: '200' }, seconds: 10 }],
      left: new Map([['/var/log/it.log', { at: time * 1000, positions: [] }]]),
    },
  ],
});

/** As the first process does, or the next one: who was killed holds nothing any more. */
async function opened(folder: string): Promise<Ledger> {
  const ledger = new Ledger(folder, liveFiles, async () => ({ release: async () => {} }));
  await ledger.open(true);
  return ledger;
}

test('what was not struck out is there for whoever comes next, as it was', async () => {
  const folder = scratch();
  const ledger = await opened(folder);
  for (const time of [10, 20, 30]) await ledger.append(entry(time));
  ledger.strike(2);
  await ledger.written();
  const next = await opened(folder);
  expect(next.next()).toMatchObject({ id: 1, entry: { time: 10 } });
  next.handedOut(1);
  const { findings } = next.next()?.entry ?? entry(0);
  expect(findings[0]?.observations).toEqual(entry(30).findings[0]?.observations);
  next.handedOut(3);
  expect(next.next()).toBe(undefined);
  expect(next.time).toBe(30);
  expect(next.places('web regex').get('/var/log/it.log')).toEqual({ at: 30_000, positions: [] });
  expect(next.places('another')).toEqual(new Map());
});

test('a line that was being written does not count, and is not written behind', async () => {
  const folder = scratch();
  const ledger = await opened(folder);
  await ledger.append(entry(10));
  appendFileSync(join(folder, 'ledger'), encodeEntry(2, entry(20)).slice(0, -5));
  const next = await opened(folder);
  expect(next.time).toBe(10);
  await next.append(entry(30));
  const last = await opened(folder);
  expect(last.time).toBe(30);
  last.handedOut(1);
  expect(last.next()).toMatchObject({ id: 2, entry: { time: 30 } });
});

test('it stays small', async () => {
  const folder = scratch();
  const ledger = await opened(folder);
  for (let i = 1; i <= 400; i += 1) {
    await ledger.append(entry(i));
    ledger.handedOut(i);
    if (i > 3) ledger.strike(i - 3);
  }
  await ledger.written();
  const before = readFileSync(join(folder, 'ledger')).length;
  const large = entry(1000);
  const [finding] = large.findings;
  const labels = { status: 'x'.repeat(500_000) };
  const findings = finding
    ? [{ ...finding, observations: [{ metric: 'a', value: 1, labels }] }]
    : [];
  for (let i = 401; i <= 410; i += 1) {
    await ledger.append({ time: i, findings });
    ledger.handedOut(i);
    ledger.strike(i);
  }
  await ledger.written();
  expect(readFileSync(join(folder, 'ledger')).length).toBeLessThan(before + 2_500_000);
  const next = await opened(folder);
  expect(next.time).toBe(410);
  expect(next.next()?.id).toBe(398);
});

test('what waits for too long is in memory only', async () => {
  const folder = scratch();
  const ledger = await opened(folder);
  for (let i = 1; i <= 400; i += 1) {
    await ledger.append(entry(i));
    ledger.handedOut(i);
  }
  await ledger.written();
  const next = await opened(folder);
  expect(next.next()?.id).toBe(41);
});

test('one that is none is not begun anew over', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'ledger'), 'nonsense\n');
  await expect(opened(folder)).rejects.toThrow(
    /ledger: this is no ledger of logs: line 1: "nonsense" is no entry\. .* Remove the file/,
  );
});

test('damaged bytes are refused, or ended early, and nothing else', () => {
  const text = `{"version":1,"last":0,"left":[]}\n${encodeEntry(1, entry(10))}${encodeEntry(2, entry(20))}`;
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, byte, end) => {
      const damaged = Buffer.from(bytes.subarray(0, end));
      if (at < damaged.length) damaged[at] = byte;
      try {
        decodeEntries(damaged.toString());
      } catch (error) {
        expect(error).toBeInstanceOf(Foreseen);
      }
    }),
    { numRuns: 3000 },
  );
});
