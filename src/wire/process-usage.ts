/** What processes use together: their levels added up, and what they have used over time. Pure. */
import type { Io, Stat, Status } from './process.ts';

/** One process at one moment. What could not be told of it is `undefined`. */
export interface Usage {
  readonly stat: Stat;
  readonly status: Status;
  readonly io: Io | undefined;
  /** Open descriptors. */
  readonly files: number | undefined;
  /** KiB. */
  readonly pss: number | undefined;
}

/** The levels of some processes together; NaN where one of them does not have the figure. */
export interface Sums {
  members: number;
  threads: number;
  files: number;
  /** Memory in KiB. */
  rss: number;
  virtual: number;
  swap: number;
  pss: number;
  /** The earliest start, in ticks since boot; infinite without a process. */
  oldest: number;
  /** 0 where the I/O, or the switches, of each of them are known, else NaN. */
  io: number;
  switches: number;
}

/** The sums of no process at all. */
export const NO_SUMS: Readonly<Sums> = {
  ...{ members: 0, threads: 0, files: 0 },
  ...{ rss: 0, virtual: 0, swap: 0, pss: 0 },
  ...{ oldest: Number.POSITIVE_INFINITY, io: 0, switches: 0 },
};

/** Adds a process to the sums of others. */
export function addUsage(sums: Sums, { stat, status, io, files, pss }: Usage): void {
  const { threads, resident, virtual = 0, swapped = Number.NaN, voluntary } = status;
  sums.members += 1;
  sums.threads += threads;
  sums.files += files ?? Number.NaN;
  sums.oldest = Math.min(sums.oldest, stat.started);
  if (io === undefined) sums.io = Number.NaN;
  if (voluntary === undefined) sums.switches = Number.NaN;
  // Kernel threads and zombies have no memory, and no smaps_rollup that could be read.
  if (resident === undefined) return;
  sums.rss += resident;
  sums.virtual += virtual;
  sums.swap += swapped;
  sums.pss += pss ?? Number.NaN;
}

const NAMES = [
  ...(['user', 'system', 'minorFaults', 'majorFaults'] as const),
  ...(['read', 'written', 'voluntary', 'involuntary'] as const),
];

/** What a process has used since its start: ticks, faults, bytes, switches. NaN is not known. */
export type Used = Record<(typeof NAMES)[number], number>;

/** Of a process that has just begun. */
export const NOTHING_USED: Readonly<Used> = {
  ...{ user: 0, system: 0, minorFaults: 0, majorFaults: 0 },
  ...{ read: 0, written: 0, voluntary: 0, involuntary: 0 },
};

/** What a process has used. */
export function usedBy({ stat, status, io }: Usage): Readonly<Used> {
  const { user, system, minorFaults, majorFaults } = stat;
  const { voluntary = Number.NaN, involuntary = Number.NaN } = status;
  const { read = Number.NaN, written = Number.NaN } = io ?? {};
  return { user, system, minorFaults, majorFaults, read, written, voluntary, involuntary };
}

/** Adds to totals what a process has used between two moments; what is not known of one adds nothing. */
export function addGrowth(totals: Used, before: Readonly<Used>, now: Readonly<Used>): void {
  for (const name of NAMES) {
    const grown = now[name] - before[name];
    if (grown > 0) totals[name] += grown;
  }
}
