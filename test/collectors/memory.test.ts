import { kibibytes, ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import memory, { parse } from '../../collectors/memory.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(memory);
describeCollector(memory, { options: { detailed: true }, variant: 'detailed' });

const FIELDS = {
  MemTotal: '1000 kB',
  MemFree: '100 kB',
  MemAvailable: '750 kB',
  Buffers: '50 kB',
  Cached: '300 kB',
  SReclaimable: '150 kB',
  SwapTotal: '400 kB',
  SwapFree: '300 kB',
  SwapCached: '20 kB',
};

/** What is observed, beside the kernel's own fields, when these differ. */
async function observe(fields: Partial<Record<keyof typeof FIELDS, string>> = {}) {
  const lines = Object.entries({ ...FIELDS, ...fields }).map(([name, text]) => `${name}: ${text}`);
  const host = hostWith({ 'proc/meminfo': `${lines.join('\n')}\n`.replace(/^.*: absent\n/gm, '') });
  const run = await collecting(memory)(0, { host });
  return text(run).replace(/^system\.memory\.meminfo.*\n/gm, '');
}

test('parts memory and swap by their use, with nothing left and nothing twice', async () => {
  expect(await observe()).toBe(
    [
      `system.memory.limit{} ${1000 * 1024} bytes gauge`,
      `system.linux.memory.available{} ${750 * 1024} bytes gauge`,
      `system.memory.usage{state="used"} ${400 * 1024} bytes gauge`,
      `system.memory.usage{state="free"} ${100 * 1024} bytes gauge`,
      `system.memory.usage{state="buffered"} ${50 * 1024} bytes gauge`,
      `system.memory.usage{state="cached"} ${300 * 1024} bytes gauge`,
      `system.memory.usage{state="slab_reclaimable"} ${150 * 1024} bytes gauge`,
      'system.memory.utilization{} 0.25 ratio gauge',
      `system.paging.limit{} ${400 * 1024} bytes gauge`,
      `system.paging.usage{state="free"} ${300 * 1024} bytes gauge`,
      `system.paging.usage{state="cached"} ${20 * 1024} bytes gauge`,
      `system.paging.usage{state="used"} ${80 * 1024} bytes gauge`,
      'system.paging.utilization{} 0.25 ratio gauge',
      '',
    ].join('\n'),
  );
});

test('does not guess what is available on a kernel that does not say', async () => {
  const seen = await observe({ MemAvailable: 'absent' });
  expect(seen).not.toMatch(/available|memory\.utilization/);
  expect(seen).toContain('system.memory.usage{state="used"}');
});

test('does not observe what is used where a part is unknown', async () => {
  const seen = await observe({ SReclaimable: 'absent' });
  expect(seen).not.toMatch(/memory\.usage\{state="(used|slab_reclaimable)"\}/);
  expect(seen).toContain('system.memory.usage{state="cached"}');
});

test('a host without swap has no share of it in use', async () => {
  const seen = await observe({ SwapTotal: '0 kB', SwapFree: '0 kB', SwapCached: '0 kB' });
  expect(seen).toContain('system.paging.limit{} 0 bytes gauge');
  expect(seen).not.toContain('system.paging.utilization');
});

test('a malformed line costs its field and what follows from it', async () => {
  const seen = await observe({ MemFree: '1x0 kB' });
  expect(seen).toContain(
    '! ParseError: /proc/meminfo line 2: column 1 of 1 (kB) is "1x0", not a whole number',
  );
  expect(seen.match(/(?<=memory\.usage\{state=")\w+/g)).toEqual([
    'buffered',
    'cached',
    'slab_reclaimable',
  ]);
  expect(seen).toContain('system.memory.utilization{} 0.25 ratio gauge');
});

test('parts that exceed the whole are said, not observed as less than nothing', async () => {
  const seen = await observe({ Cached: '2000 kB', MemAvailable: '1001 kB', SwapFree: '401 kB' });
  expect(seen).not.toMatch(/state="used"|utilization/);
  expect(seen).toContain('Buffers + Cached + SReclaimable is more than MemTotal');
  expect(seen).toContain('! ParseError: /proc/meminfo: MemAvailable is more than MemTotal');
  expect(seen).toContain('! ParseError: /proc/meminfo: SwapFree is more than SwapTotal');
});

test('takes a swap cache that lags behind for no fault', async () => {
  const seen = await observe({ SwapCached: '101 kB' });
  expect(seen).not.toMatch(/!|paging\.usage\{state="used"/);
});

test.each([
  ['MemTotal:  12345', 'MemTotal has no unit kB: "MemTotal:  12345"'],
  ['MemTotal', '"MemTotal" is not "FIELD: NUMBER kB"'],
  [': 5 kB', '": 5 kB" is not "FIELD: NUMBER kB"'],
])('rejects the line "%s"', (line, message) => {
  expect(parse(`${line}\n`)).toEqual([new ParseError(`/proc/meminfo line 1: ${message}`)]);
});

test('leaves out what is counted in pages', () => {
  expect(parse('HugePages_Total:       4\nHugepagesize:       2048 kB\n')).toEqual([
    { field: 'Hugepagesize', size: kibibytes(2048) },
  ]);
});
