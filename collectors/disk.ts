/**
 * What each disk, partition, array and mapped volume has read and written, and how busy it was.
 *
 * Source  /proc/diskstats (Linux, block/genhd.c; Documentation/admin-guide/iostats.rst): major,
 *         minor, name, then 11 columns, 15 since 4.18 (discards), 17 since 5.5 (flushes).
 * Units   Sectors of 512 bytes, whatever the device's own, and milliseconds become bytes and
 *         seconds. The milliseconds wrap at 32 bits (49 days of them), which is a reset like others.
 * Access  World-readable.
 */
import {
  bytes,
  columns,
  count,
  counter,
  defineCollector,
  delta,
  type Growths,
  gauge,
  milliseconds,
  nameOf,
  ParseError,
  parseLines,
  ratio,
  selection,
  z,
} from 'cullinan/plugin';

// Left out: loop devices (snaps and images: their I/O is counted again on the disk that holds the
// file), memory (ram, zram: see the memory collector's paging), empty drives (fd, sr), and the
// sixteen nbd devices that the module creates at once. Partitions stay: their counters are their
// own, and Diamond's users have them.
const NOT_DISKS = ['loop*', 'ram*', 'zram*', 'fd*', 'sr*', 'nbd*'];

const options = z.strictObject({
  devices: selection({ exclude: NOT_DISKS }).describe(
    'Disks and partitions to report, by their kernel names.',
  ),
});

const labels = ['device', 'direction'] as const;
const each = { unit: 'count', labels } as const;
const level = { unit: 'count', labels: ['device'] } as const;
const busy = { unit: 'seconds', labels: ['device'] } as const;
const metrics = {
  operations: counter('system.disk.operations', {
    ...each,
    help: 'Requests completed; flushes are counted for whole disks only.',
  }),
  operationTime: counter('system.disk.operation_time', {
    unit: 'seconds',
    labels,
    help: 'Time that all requests together took, waiting included.',
  }),
  merged: counter('system.disk.merged', { ...each, help: 'Requests merged into a neighbour.' }),
  io: counter('system.disk.io', { unit: 'bytes', labels, help: 'Bytes moved or discarded.' }),
  ioTime: counter('system.disk.io_time', { ...busy, help: 'Time with a request in progress.' }),
  weightedIoTime: counter('system.disk.weighted_io_time', {
    ...busy,
    help: 'Time with a request in progress, times the requests in progress.',
  }),
  pending: gauge('system.disk.pending_operations', { ...level, help: 'Requests in progress.' }),
  utilization: gauge('system.disk.utilization', {
    unit: 'ratio',
    labels: ['device'],
    help: 'Share of the interval with a request in progress; SSDs and arrays take many at once.',
  }),
  queueLength: gauge('system.disk.queue_length', {
    ...level,
    help: 'Requests in progress, on average over the interval.',
  }),
  requests: delta('system.disk.requests', {
    ...level,
    help: 'Reads and writes completed in the interval.',
  }),
  await: gauge('system.disk.await', {
    unit: 'seconds',
    labels,
    help: 'Mean time of a request completed in the interval, waiting included.',
  }),
  requestSize: gauge('system.disk.request_size', {
    unit: 'bytes',
    labels: ['device'],
    help: 'Mean size of the reads and writes completed in the interval.',
  }),
  serviceTime: gauge('system.disk.service_time', {
    ...busy,
    help: 'Busy time per read or write completed in the interval.',
  }),
};

// biome-ignore format: laid out as the kernel's documentation groups them
const readCounters = columns(
  [
    'reads', 'readsMerged', 'readSectors', 'readTime',
    'writes', 'writesMerged', 'writeSectors', 'writeTime',
    'pending', 'ioTime', 'weightedIoTime',
  ],
  ['discards', 'discardsMerged', 'discardSectors', 'discardTime', 'flushes', 'flushTime'],
);
type Counters = ReturnType<typeof readCounters>;

/** The columns of each direction: requests, their time, merged, sectors. */
const DIRECTIONS = [
  ['read', 'reads', 'readTime', 'readsMerged', 'readSectors'],
  ['write', 'writes', 'writeTime', 'writesMerged', 'writeSectors'],
  ['discard', 'discards', 'discardTime', 'discardsMerged', 'discardSectors'],
  ['flush', 'flushes', 'flushTime'],
] as const;

interface Device {
  readonly name: string;
  readonly counters: Counters;
}

const NUMBERS_AND_NAME = /^ *\d+ +\d+ ([^ ]+)/;
/** Before 2.6.25 a partition had four columns, counted before merging: nothing like a disk's. */
const OLD_PARTITION = /^ *\d+ +\d+ [^ ]+(?: +\d+){4}$/;
const SECTOR = 512;
const sectors = (n: number) => bytes(n * SECTOR);

/** The chosen devices of /proc/diskstats; a bad line costs its own device. */
export function parse(text: string, chosen = (_name: string) => true): (Device | ParseError)[] {
  // Read in pieces, the file shows a device twice if another appears ahead of it meanwhile.
  const seen = new Set<string>();
  return parseLines('/proc/diskstats', text, (line): Device | undefined => {
    const match = NUMBERS_AND_NAME.exec(line);
    if (match === null) {
      throw new ParseError(`"${line.slice(0, 80)}" does not begin with MAJOR MINOR NAME`);
    }
    const name = nameOf(match[1] as string);
    if (!chosen(name) || seen.has(name) || OLD_PARTITION.test(line)) return undefined;
    const counters = readCounters(line, match[0].length);
    seen.add(name);
    return { name, counters };
  });
}

export default defineCollector({
  name: 'disk',
  summary: 'What each disk and partition has read and written, and how busy it was.',
  source: '/proc/diskstats',
  options,
  metrics,
  open: () => {
    const known = new Map<string, Where>();
    return {
      *collect({ host, options, since }) {
        const disks = parse(host.proc.read('diskstats'), options.devices);
        // What has gone is forgotten now and then; labels are made for each device once.
        if (known.size > 2 * disks.length) known.clear();
        for (const disk of disks) {
          if (disk instanceof Error) {
            yield disk;
            continue;
          }
          const { name, counters } = disk;
          const where = known.get(name) ?? createWhere(name);
          known.set(name, where);
          yield* observe(where, counters);
          yield* derive(where, since(name, counters, GROWING));
        }
      },
      close: () => known.clear(),
    };
  },
});

const createWhere = (device: string) => ({
  device: { device },
  read: { device, direction: 'read' },
  write: { device, direction: 'write' },
  discard: { device, direction: 'discard' },
  flush: { device, direction: 'flush' },
  all: { device, direction: 'all' },
});
type Where = ReturnType<typeof createWhere>;

function* observe(where: Where, now: Counters) {
  for (const [direction, requests, time, merged, moved] of DIRECTIONS) {
    const done = now[requests];
    const took = now[time];
    if (done === undefined || took === undefined) continue;
    yield metrics.operations.observe(count(done), where[direction]);
    yield metrics.operationTime.observe(milliseconds(took), where[direction]);
    if (merged === undefined) continue;
    yield metrics.merged.observe(count(now[merged] ?? 0), where[direction]);
    yield metrics.io.observe(sectors(now[moved] ?? 0), where[direction]);
  }
  yield metrics.ioTime.observe(milliseconds(now.ioTime), where.device);
  yield metrics.weightedIoTime.observe(milliseconds(now.weightedIoTime), where.device);
  yield metrics.pending.observe(count(now.pending), where.device);
}

/** What means and shares are made of. */
const GROWING = [
  ...(['reads', 'readTime', 'readSectors', 'writes', 'writeTime', 'writeSectors'] as const),
  ...(['ioTime', 'weightedIoTime'] as const),
];

function* derive(where: Where, grown: Growths<(typeof GROWING)[number]> | undefined) {
  if (grown === undefined) return;
  const requests = grown.reads + grown.writes;
  const time = grown.readTime + grown.writeTime;
  const interval = grown.seconds * 1000;
  yield metrics.utilization.observe(ratio(grown.ioTime / interval), where.device);
  yield metrics.queueLength.observe(count(grown.weightedIoTime / interval), where.device);
  yield metrics.requests.observe(count(requests), where.device);
  // Without requests there is no mean: 0/0 is no number.
  if (grown.reads > 0) yield mean(where.read, grown.readTime / grown.reads);
  if (grown.writes > 0) yield mean(where.write, grown.writeTime / grown.writes);
  if (requests === 0) return;
  yield mean(where.all, time / requests);
  const moved = sectors(grown.readSectors + grown.writeSectors);
  yield metrics.requestSize.observe(bytes(moved / requests), where.device);
  yield metrics.serviceTime.observe(milliseconds(grown.ioTime / requests), where.device);
}

const mean = (where: Where['all'], ms: number) => metrics.await.observe(milliseconds(ms), where);
