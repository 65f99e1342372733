import { ParseError } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import disk, { parse } from '../../collectors/disk.ts';
import { collecting, describeCollector, line, type Run, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';
import { oddLines } from '../support/odd-lines.ts';

describeCollector(disk);

const SDA = '   8       0 sda 100 1 2000 300 50 2 4000 500 3 600 800';
const collectFrom = (...lines: string[]) => ({
  host: hostWith({ 'proc/diskstats': `${lines.join('\n')}\n` }),
});
const namesIn = ({ observations }: Run) => [
  ...new Set(observations.map(({ labels }) => labels['device'])),
];

test('a line that makes no sense costs its own disk, and is told of', async () => {
  const run = await collecting(disk)(
    0,
    collectFrom(SDA.replace('sda', 'sdb').replace('300', 'x'), SDA),
  );
  expect(namesIn(run)).toEqual(['sda']);
  expect(run.errors).toEqual([expect.any(ParseError)]);
  expect(String(run.errors[0])).toContain('/proc/diskstats line 1');
});

describe('the columns', () => {
  test('are 11 on old kernels, 15 with discards, 17 with flushes', async () => {
    const discards = '9 8 7000 60';
    const flushes = '5 40';
    const directions = async (more: string) =>
      new Set(
        (await collecting(disk)(0, collectFrom(`${SDA}${more}`))).observations.map(
          ({ labels }) => labels['direction'],
        ),
      );
    const none = undefined;
    expect(await directions('')).toEqual(new Set(['read', 'write', none]));
    expect(await directions(` ${discards}`)).toEqual(new Set(['read', 'write', 'discard', none]));
    expect(await directions(` ${discards} ${flushes}`)).toEqual(
      new Set(['read', 'write', 'discard', 'flush', none]),
    );
  });

  test('count sectors of 512 bytes and milliseconds', async () => {
    const seen = text(await collecting(disk)(0, collectFrom(`${SDA} 9 8 7000 60 5 40`)));
    expect(seen).toContain('system.disk.io{device="sda",direction="read"} 1024000 bytes');
    expect(seen).toContain('system.disk.io{device="sda",direction="discard"} 3584000 bytes');
    expect(seen).toContain('system.disk.operation_time{device="sda",direction="flush"} 0.04 s');
    expect(seen).toContain('system.disk.weighted_io_time{device="sda"} 0.8 seconds counter');
  });

  test('of partitions before 2.6.25 are four, and mean something else', () => {
    expect(parse('   8       1 sda1 35486 38030 38030 38030\n')).toEqual([]);
  });
});

test.each([
  ['a word among numbers', '8 0 sdb 1 2 x3', 'column 3 of 17 (readSectors) is "x3"'],
  ['a line cut short', '8 0 sdb 1 2 3', 'column 4 of 17 (readTime) is missing'],
  ['a line without a name', '8 0', '"8 0" does not begin with MAJOR MINOR NAME'],
])('%s costs one device, and says where', (_, bad, message) => {
  const [sda, error, sdc] = parse(`${SDA}\n${bad}\n${SDA.replace('sda', 'sdc')}\n`);
  expect(sda).toMatchObject({ name: 'sda' });
  expect(sdc).toMatchObject({ name: 'sdc' });
  expect(error).toBeInstanceOf(ParseError);
  expect((error as ParseError).message).toContain(`/proc/diskstats line 2: ${message}`);
});

describe('what is reported', () => {
  const named = (name: string) => SDA.replace('sda', name);

  test('by default: disks, partitions, arrays and volumes, but nothing in memory or in a file', async () => {
    const disks = ['sda', 'sda1', 'vdb', 'xvda1', 'nvme0n1', 'nvme0n1p2', 'md0', 'dm-0', 'mmcblk0'];
    const others = ['loop0', 'ram0', 'zram0', 'fd0', 'sr0', 'nbd0'];
    const run = await collecting(disk)(0, collectFrom(...[...disks, ...others].map(named)));
    expect(namesIn(run)).toEqual(disks);
  });

  test('is what was chosen', async () => {
    const given = { ...collectFrom(named('sda'), named('sda1'), named('loop0')), options: {} };
    given.options = { devices: { include: ['sd[a-z]', 'loop*'], exclude: [] } };
    expect(namesIn(await collecting(disk)(0, given))).toEqual(['sda', 'loop0']);
  });

  test('has the device names of the kernel, whatever is in them', async () => {
    const odd = ['cciss/c0d0', 'a"b\'.c', 'caf\xc3\xa9', '\xff'];
    const run = await collecting(disk)(0, collectFrom(...odd.map(named)));
    expect(namesIn(run)).toEqual(['cciss/c0d0', 'a"b\'.c', 'café', '\\xff']);
  });

  test('is each device once, even if the kernel lists it twice', async () => {
    const [once, twice] = [collectFrom(SDA), collectFrom(SDA, SDA)];
    expect(text(await collecting(disk)(0, twice))).toBe(text(await collecting(disk)(0, once)));
  });
});

/** A device with these reads, sectors and times, and no writes. */
const reading = (reads: number, sectors: number, time: number, pending = 0, name = 'sda') =>
  `8 0 ${name} ${reads} 0 ${sectors} ${time} 0 0 0 0 ${pending} ${time} ${time * 2}`;
const DERIVED = /utilization|queue_length|requests|await|request_size|service_time/;
const derived = ({ observations }: Run) =>
  observations.filter(({ metric }) => DERIVED.test(metric.name)).map(line);

describe('over an interval', () => {
  test('means are over its requests, and shares over its seconds', async () => {
    const collect = collecting(disk);
    const first = await collect(0, collectFrom('8 0 sda 100 0 1000 200 100 0 1000 300 0 500 600'));
    expect(derived(first)).toEqual([]);
    // 10 reads of 4 KiB in 50 ms, 30 writes of 8 KiB in 450 ms, 4 s busy, in 10 s.
    const later = await collect(
      10,
      collectFrom('8 0 sda 110 0 1080 250 130 0 1480 750 9 4500 5600'),
    );
    expect(derived(later)).toEqual([
      'system.disk.utilization{device="sda"} 0.4 ratio gauge',
      'system.disk.queue_length{device="sda"} 0.5 count gauge',
      'system.disk.requests{device="sda"} 40 count delta',
      'system.disk.await{device="sda",direction="read"} 0.005 seconds gauge',
      'system.disk.await{device="sda",direction="write"} 0.015 seconds gauge',
      'system.disk.await{device="sda",direction="all"} 0.0125 seconds gauge',
      'system.disk.request_size{device="sda"} 7168 bytes gauge',
      'system.disk.service_time{device="sda"} 0.1 seconds gauge',
    ]);
  });

  test('without requests there is no mean', async () => {
    const collect = collecting(disk);
    await collect(0, collectFrom(reading(5, 40, 20)));
    expect(derived(await collect(10, collectFrom(reading(5, 40, 20))))).toEqual([
      'system.disk.utilization{device="sda"} 0 ratio gauge',
      'system.disk.queue_length{device="sda"} 0 count gauge',
      'system.disk.requests{device="sda"} 0 count delta',
    ]);
  });

  test('requests in progress may become fewer: that is no reset', async () => {
    const collect = collecting(disk);
    await collect(0, collectFrom(reading(5, 40, 20, 9)));
    expect(derived(await collect(10, collectFrom(reading(6, 48, 21, 1))))).not.toEqual([]);
  });

  test.each([
    ['was reset', [reading(5, 40, 20)], [reading(4, 48, 21)]],
    ['appeared', [], [reading(4, 48, 21)]],
    ['was malformed before', ['8 0 sda x'], [reading(4, 48, 21)]],
  ])('nothing is derived for a device that %s', async (_, before, now) => {
    const collect = collecting(disk);
    const other = reading(1, 8, 1, 0, 'sdb');
    await collect(0, collectFrom(other, ...before));
    const run = await collect(10, collectFrom(other, ...now));
    expect(new Set(namesIn(run))).toEqual(new Set(['sda', 'sdb']));
    expect(derived(run).filter((observed) => observed.includes('"sda"'))).toEqual([]);
    expect(derived(run).filter((observed) => observed.includes('"sdb"'))).toHaveLength(3);
  });

  test('nor for one that was away', async () => {
    const collect = collecting(disk);
    await collect(0, collectFrom(reading(5, 40, 20)));
    expect((await collect(10, collectFrom(reading(1, 8, 1, 0, 'sdb')))).observations).not.toEqual(
      [],
    );
    expect(derived(await collect(20, collectFrom(reading(6, 48, 21))))).toEqual([]);
    expect(derived(await collect(30, collectFrom(reading(7, 56, 22))))).not.toEqual([]);
  });
});

test('whatever the file holds, each line is a device, nothing, or an error that says where', () => {
  const table = oddLines(
    '8 0 sda 35486 3 1517946 27652 24211 47010 1012368 45552 0 26908 77440 0 0 0 0 1422 4235',
    '259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11',
  );
  let seen = 0;
  fc.assert(
    fc.property(table, (text) => {
      for (const device of parse(text)) {
        if (device instanceof Error)
          expect(device.message).toMatch(/^\/proc\/diskstats line \d+: /);
        else {
          const sound = (n: number | undefined) =>
            n === undefined || (n >= 0 && Number.isFinite(n));
          expect(Object.values(device.counters).every(sound)).toBe(true);
          seen += 1;
        }
      }
    }),
  );
  expect(seen).toBeGreaterThan(50);
});
