import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import paging, { parse } from '../../collectors/paging.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(paging);
describeCollector(paging, { options: { detailed: true }, variant: 'detailed' });

const observe = async (vmstat: string, options = {}) =>
  text(await collecting(paging)(0, { host: hostWith({ 'proc/vmstat': vmstat }), options }));

/** What is observed beside the kernel's own fields. */
const derived = async (vmstat: string) =>
  (await observe(vmstat)).replace(/^system\.linux\.vmstat.*\n/gm, '');

test('names the kernel’s counters by what they mean', async () => {
  const vmstat = [
    'pgpgin 3',
    'pgpgout 5',
    'pswpin 7',
    'pswpout 11',
    'pgfault 1000',
    'pgmajfault 40',
    'pgsteal_kswapd 13',
    'pgsteal_direct 17',
    'pgscan_kswapd 19',
    'pgscan_direct 23',
    'pgscan_direct_throttle 9000',
    'oom_kill 2',
    '',
  ].join('\n');
  expect(await derived(vmstat)).toBe(
    [
      `system.paging.io{direction="in"} ${3 * 1024} bytes counter`,
      'system.paging.swap_pages{direction="in"} 7 count counter',
      `system.paging.io{direction="out"} ${5 * 1024} bytes counter`,
      'system.paging.swap_pages{direction="out"} 11 count counter',
      'system.paging.faults{type="major"} 40 count counter',
      'system.paging.faults{type="minor"} 960 count counter',
      'system.paging.oom_kills{} 2 count counter',
      'system.paging.reclaim{activity="reclaimed",by="kswapd"} 13 count counter',
      'system.paging.reclaim{activity="reclaimed",by="direct"} 17 count counter',
      'system.paging.reclaim{activity="scanned",by="kswapd"} 19 count counter',
      'system.paging.reclaim{activity="scanned",by="direct"} 23 count counter',
      '',
    ].join('\n'),
  );
});

test('adds up the zones of a kernel that reclaims by zone', async () => {
  const vmstat = [
    'pgfault 1',
    'pgscan_kswapd_dma 1',
    'pgscan_kswapd_dma32 20',
    'pgscan_kswapd_normal 300',
    'pgscan_kswapd_movable 4000',
    'pgscan_direct_high 7',
    '',
  ].join('\n');
  expect((await derived(vmstat)).match(/reclaim.*/g)).toEqual([
    'reclaim{activity="scanned",by="kswapd"} 4321 count counter',
    'reclaim{activity="scanned",by="direct"} 7 count counter',
  ]);
});

test('makes no sum of which a part is unknown', async () => {
  const seen = await observe('pgfault 1\npgscan_kswapd_dma 1\npgscan_kswapd_normal 3x\n');
  expect(seen).not.toContain('reclaim');
  expect(seen).toContain('/proc/vmstat line 3: "pgscan_kswapd_normal 3x" is not "NAME NUMBER"');
});

test('a malformed line costs its field and what follows from it', async () => {
  const seen = await observe('pgpgin 3\npgfault 100\npgmajfault -1\n');
  expect(seen).toContain('! ParseError: /proc/vmstat line 3: "pgmajfault -1" is not "NAME NUMBER"');
  expect(seen).not.toContain('paging.faults');
  expect(seen).toContain('system.linux.vmstat{field="pgfault"} 100 count counter');
});

test('more major faults than faults are said, not observed as less than none', async () => {
  const seen = await observe('pgfault 1\npgmajfault 2\n');
  expect(seen).toContain('! ParseError: /proc/vmstat: pgmajfault is more than pgfault');
  expect(seen).not.toContain('type="minor"');
});

test('tells levels from counters, whatever they are called', async () => {
  const vmstat = 'nr_free_pages 5\nnr_dirtied 6\nworkingset_nodes 7\nworkingset_refault_anon 8\n';
  const seen = await observe(`${vmstat}pgfault 9\n`, { detailed: true });
  expect(seen.match(/(?<=system\.linux\.vmstat).*/g)).toEqual([
    '.level{field="nr_free_pages"} 5 count gauge',
    '{field="nr_dirtied"} 6 count counter',
    '.level{field="workingset_nodes"} 7 count gauge',
    '{field="workingset_refault_anon"} 8 count counter',
    '{field="pgfault"} 9 count counter',
  ]);
});

test('rejects a file without the fields every kernel has', async () => {
  expect(await observe('')).toBe('! ParseError: /proc/vmstat has no pgfault\n');
});

test.each([
  ['pgfault', '"pgfault" is not "FIELD NUMBER"'],
  ['pgfault x', 'column 1 of 1 (number) is "x", not a whole number'],
])('rejects the line "%s"', (line, message) => {
  expect(parse(`${line}\n`)).toEqual([new ParseError(`/proc/vmstat line 1: ${message}`)]);
});
