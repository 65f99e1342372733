/**
 * The files of one process in /proc/<pid> (Linux, fs/proc/array.c, base.c, task_mmu.c; proc(5)).
 * Each decoder answers `undefined` where the text is not as the kernel prints it.
 */

/** What /proc/<pid>/stat says of a whole process, its threads and those that have ended included. */
export interface Stat {
  /** The first 15 bytes of the program's name, or what the process calls itself; one character per byte. */
  readonly command: string;
  /** `R`, `S`, `D`, `Z` and others: proc(5). */
  readonly state: string;
  /** Ticks since boot: with the number, the identity of a process. */
  readonly started: number;
  /** Ticks. */
  readonly user: number;
  readonly system: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
}

/** Where the fields stand, counted from the one after the name, which is the third in proc(5). */
const MINFLT = 7;
const MAJFLT = 9;
const UTIME = 11;
const STIME = 12;
const STARTTIME = 19;

/** Reads a stat file. The name may hold blanks and brackets, so it ends at the last one. */
export function decodeStat(text: string): Stat | undefined {
  // Cut short, its last number would be another one.
  if (!text.endsWith('\n')) return undefined;
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ', STARTTIME + 1);
  const stat = {
    command: text.slice(open + 1, close),
    state: fields[0] ?? '',
    started: whole(fields[STARTTIME]),
    user: whole(fields[UTIME]),
    system: whole(fields[STIME]),
    minorFaults: whole(fields[MINFLT]),
    majorFaults: whole(fields[MAJFLT]),
  };
  const { started, user, system, minorFaults, majorFaults } = stat;
  return Number.isNaN(started + user + system + minorFaults + majorFaults) ? undefined : stat;
}

/** What /proc/<pid>/status says. Kernel threads and zombies have no memory, and no lines about it. */
export interface Status {
  readonly threads: number;
  /** KiB; `undefined` of a process without memory of its own. */
  readonly resident: number | undefined;
  readonly virtual: number | undefined;
  /** KiB, since 2.6.34. */
  readonly swapped: number | undefined;
  /** Of the first thread alone. */
  readonly voluntary: number | undefined;
  readonly involuntary: number | undefined;
}

const STATUS =
  /^(Threads|VmSize|VmRSS|VmSwap|voluntary_ctxt_switches|nonvoluntary_ctxt_switches):\s*(\d{1,20})(?: kB)?\n/gm;

/** Reads a status file. */
export function decodeStatus(text: string): Status | undefined {
  const found: Record<string, number> = {};
  for (const [, name = '', number] of text.matchAll(STATUS)) found[name] = Number(number);
  const { Threads: threads, VmRSS: resident, VmSize: virtual, VmSwap: swapped } = found;
  if (threads === undefined) return undefined;
  return {
    threads,
    resident,
    virtual,
    swapped,
    voluntary: found['voluntary_ctxt_switches'],
    involuntary: found['nonvoluntary_ctxt_switches'],
  };
}

/** Bytes that /proc/<pid>/io says a process caused storage to read and write. */
export interface Io {
  readonly read: number;
  readonly written: number;
}

const IO = /^read_bytes: (\d{1,20})\nwrite_bytes: (\d{1,20})\n/m;

/** Reads an io file. */
export function decodeIo(text: string): Io | undefined {
  const match = IO.exec(text);
  return match === null ? undefined : { read: Number(match[1]), written: Number(match[2]) };
}

const PSS = /^Pss:\s*(\d{1,20}) kB\n/m;

/** The proportional set size in a smaps_rollup file, in KiB: shared pages divided by who shares them. */
export function decodePss(text: string): number | undefined {
  const match = PSS.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** The paths in a cgroup file, one for each hierarchy: `0::/system.slice/nginx.service`. */
export const decodeCgroups = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => /^\d+:[^:]*:(\/.*)$/.exec(line)?.[1] ?? []);

/** A command line as a person would write it: its words are separated by NUL. */
export const decodeCommandLine = (text: string): string =>
  text.replace(/\0+$/, '').replaceAll('\0', ' ');

const whole = (text = ''): number => (/^\d{1,20}$/.test(text) ? Number(text) : Number.NaN);
