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
  type Chosen,
  columns,
  count,
  counter,
  defineCollector,
  delta,
  eachLine,
  type Growths,
  gauge,
  milliseconds,
  nameOf,
  Observations,
  ParseError,
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
const directed = { unit: 'count', labels } as const;
const level = { unit: 'count', labels: ['device'] } as const;
const busy = { unit: 'seconds', labels: ['device'] } as const;
const metrics = {
  operations: counter('system.disk.operations', {
    ...directed,
    help: 'Requests completed; flushes are counted for whole disks only.',
  }),
  operationTime: counter('system.disk.operation_time', {
    unit: 'seconds',
    labels,
    help: 'Time that all requests together took, waiting included.',
  }),
  merged: counter('system.disk.merged', { ...directed, help: 'Requests merged into a neighbour.' }),
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

interface Device {
  readonly name: string;
  readonly counters: Counters;
}

/** Looked for without a match being made, which would be four objects for every line. */
const NUMBERS = /^ *\d+ +\d+ (?! |$)/y;
/** Before 2.6.25 a partition had four columns, counted before merging: nothing like a disk's. */
const OLD_PARTITION = /^ *\d+ +\d+ [^ ]+(?: +\d+){4}$/;
const SECTOR = 512;
const sectors = (n: number) => bytes(n * SECTOR);

/** The chosen devices of /proc/diskstats; a bad line costs its own device. */
export const parse = (text: string, chosen?: Chosen): (Device | ParseError)[] => [
  ...each(text, chosen),
];

/** @param into where the counters of each device go: they hold until the next. */
function each(text: string, chosen: Chosen = () => true, into?: Counters) {
  return eachLine('/proc/diskstats', text, (line): Device | undefined => {
    NUMBERS.lastIndex = 0;
    if (!NUMBERS.test(line)) {
      throw new ParseError(`"${line.slice(0, 80)}" does not begin with MAJOR MINOR NAME`);
    }
    const start = NUMBERS.lastIndex;
    const blank = line.indexOf(' ', start);
    const end = blank < 0 ? line.length : blank;
    const name = nameOf(line.slice(start, end));
    if (!chosen(name)) return undefined;
    try {
      return { name, counters: readCounters(line, end, into) };
    } catch (error) {
      if (OLD_PARTITION.test(line)) return undefined;
      throw error;
    }
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
    const row = readCounters.row();
    const seen = new Observations();
    let turn = 0;
    return {
      collect({ host, options, since }) {
        seen.clear();
        turn += 1;
        let disks = 0;
        for (const disk of each(host.proc.read('diskstats'), options.devices, row)) {
          disks += 1;
          if (disk instanceof Error) {
            seen.fail(disk);
            continue;
          }
          const { name, counters } = disk;
          let where = known.get(name);
          if (where === undefined) {
            where = createWhere(name);
            known.set(name, where);
          }
          // Read in pieces, the file shows a device twice if another appears ahead of it meanwhile.
          if (where.seen === turn) continue;
          where.seen = turn;
          observe(seen, where, counters);
          derive(seen, where, since(name, counters, GROWING));
        }
        // What has gone is forgotten now and then; labels are made for each device once.
        if (known.size > 2 * disks) known.clear();
        return seen;
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
  /** The collection that last saw it. */
  seen: 0,
});
type Where = ReturnType<typeof createWhere>;

function observe(seen: Observations, where: Where, now: Counters) {
  observeDirection(seen, where.read, now.reads, now.readTime, now.readsMerged, now.readSectors);
  observeDirection(
    seen,
    where.write,
    now.writes,
    now.writeTime,
    now.writesMerged,
    now.writeSectors,
  );
  const { discards, discardTime, discardsMerged, discardSectors } = now;
  observeDirection(seen, where.discard, discards, discardTime, discardsMerged, discardSectors);
  observeDirection(seen, where.flush, now.flushes, now.flushTime);
  seen.add(metrics.ioTime, milliseconds(now.ioTime), where.device);
  seen.add(metrics.weightedIoTime, milliseconds(now.weightedIoTime), where.device);
  seen.add(metrics.pending, count(now.pending), where.device);
}

function observeDirection(
  seen: Observations,
  where: Where['all'],
  requests: number | undefined,
  time: number | undefined,
  merged?: number,
  moved?: number,
) {
  if (requests === undefined || time === undefined) return;
  seen.add(metrics.operations, count(requests), where);
  seen.add(metrics.operationTime, milliseconds(time), where);
  if (merged === undefined) return;
  seen.add(metrics.merged, count(merged), where);
  seen.add(metrics.io, sectors(moved ?? 0), where);
}

/** What means and shares are made of. */
const GROWING = [
  ...(['reads', 'readTime', 'readSectors', 'writes', 'writeTime', 'writeSectors'] as const),
  ...(['ioTime', 'weightedIoTime'] as const),
];

function derive(
  seen: Observations,
  where: Where,
  grown: Growths<(typeof GROWING)[number]> | undefined,
) {
  if (grown === undefined) return;
  const requests = grown.reads + grown.writes;
  const time = grown.readTime + grown.writeTime;
  const interval = grown.seconds * 1000;
  seen.add(metrics.utilization, ratio(grown.ioTime / interval), where.device);
  seen.add(metrics.queueLength, count(grown.weightedIoTime / interval), where.device);
  seen.add(metrics.requests, count(requests), where.device);
  // Without requests there is no mean: 0/0 is no number.
  if (grown.reads > 0) mean(seen, where.read, grown.readTime / grown.reads);
  if (grown.writes > 0) mean(seen, where.write, grown.writeTime / grown.writes);
  if (requests === 0) return;
  mean(seen, where.all, time / requests);
  const moved = sectors(grown.readSectors + grown.writeSectors);
  seen.add(metrics.requestSize, bytes(moved / requests), where.device);
  seen.add(metrics.serviceTime, milliseconds(grown.ioTime / requests), where.device);
}

const mean = (seen: Observations, where: Where['all'], ms: number) =>
  seen.add(metrics.await, milliseconds(ms), where);
