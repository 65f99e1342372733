import type { Clock, Timer } from '../clock/index.ts';

/** One scheduled instant. */
export interface Tick {
  /** Seconds since the Unix epoch, a multiple of the job's interval: the stamp of everything it yields. */
  readonly time: number;
}

/** What the schedule asks of a job. */
export interface Job {
  readonly name: string;
  /** Milliseconds; ticks are its multiples on the wall clock. */
  readonly interval: number;
  /** Milliseconds from the tick to the execution; moves the execution only, never the stamp. */
  readonly offset: number;
  /**
   * Does the work of one tick: `failed` makes the schedule back off. A promise keeps the job busy
   * until it settles; it must not reject.
   */
  run(tick: Tick): JobResult | Promise<JobResult>;
  /** A tick passed without a run. */
  skipped(tick: Tick, why: 'busy' | 'backing-off'): void;
}

export type JobResult = 'fine' | 'failed';

/** What happened to time itself. */
export type Disturbance =
  | { readonly kind: 'clock-step'; readonly seconds: number }
  | { readonly kind: 'suspend'; readonly seconds: number }
  | { readonly kind: 'late'; readonly seconds: number; readonly missed: number };

export interface ScheduleOptions {
  readonly clock: Clock;
  /** Told once per disturbance, however many jobs it hits. */
  readonly disturbed: (disturbance: Disturbance) => void;
  /**
   * Called after every wake-up that ran something, when all synchronous work of it is done.
   *
   * @param lateness milliseconds by which the wake-up came later than it was due.
   */
  readonly afterWake: (lateness: number) => void;
}

export interface Schedule {
  /**
   * Adds a job. One that is there at the start is run at once, for the tick under way; one that
   * comes later waits for its next tick, because its predecessor may have run the one under way.
   */
  add(job: Job): void;
  /** Removes a job by name; a run under way is left to end by itself. */
  remove(name: string): void;
  start(): void;
  stop(): void;
}

interface Planned {
  readonly job: Job;
  /** The tick to run next, in milliseconds since the Unix epoch. */
  next: number;
  busy: boolean;
  failures: number;
  /** Ticks still to be left out because of failures. */
  rest: number;
}

/** A wall clock that strays further than this from the other clocks was set by somebody. */
const STEP = 500;
/** The machine slept if the boot clock gained more than this on the monotonic clock. */
const SUSPEND = 1000;
/** Executions later than this are late: somebody kept the process from running. */
const LATE = 1000;
/** Never sleeps longer, so that a clock step is noticed within a minute whatever the intervals. */
const LONGEST_SLEEP = 60_000;
/** A failing job leaves out 1, 2, 4, … ticks, and at most this many. */
const LONGEST_REST = 32;

/**
 * Runs jobs on ticks that are multiples of their interval on the wall clock.
 *
 * One timer wakes for whatever is due next and runs all of it, so that a host wakes once per tick.
 * A tick that passed unseen is not made up for: after a stall only the tick under way is run. A job
 * still busy at its next tick leaves that tick out. When the wall clock is set or the machine was
 * suspended, every job is planned anew from the clock as it is.
 */
export function createSchedule({ clock, disturbed, afterWake }: ScheduleOptions): Schedule {
  const planned = new Map<string, Planned>();
  let timer: Timer | undefined;
  let running = false;
  let wall = clock.now();
  let monotonic = clock.monotonic();
  /** Time asleep since boot: the boot clock counts it, the monotonic one does not. */
  let asleep = clock.boottime() - monotonic;

  const currentTick = (job: Job, now: number): number =>
    Math.floor((now - job.offset) / job.interval) * job.interval;

  /** @returns whether time itself was disturbed, and every job planned anew. */
  function lookAtTheClocks(): boolean {
    const wallGain = clock.now() - wall;
    const monotonicGain = clock.monotonic() - monotonic;
    wall += wallGain;
    monotonic += monotonicGain;
    // The boot clock is a file to read; a machine that slept shows on the wall clock as well.
    if (Math.abs(wallGain - monotonicGain) <= STEP) return false;
    const slept = clock.boottime() - monotonic - asleep;
    asleep += slept;
    const suspended = slept > SUSPEND;
    const stepped = wallGain - monotonicGain - (suspended ? slept : 0);
    if (suspended) disturbed({ kind: 'suspend', seconds: slept / 1000 });
    if (Math.abs(stepped) > STEP) disturbed({ kind: 'clock-step', seconds: stepped / 1000 });
    else if (!suspended) return false;
    for (const entry of planned.values()) {
      const tick = currentTick(entry.job, wall);
      // After a step forward or a sleep the tick under way has not been run. After a small step
      // back the planned tick still comes soon, and the ticks before it have been sent already;
      // after a large one nobody should wait until the clock gets there again.
      if (tick >= entry.next) entry.next = tick;
      else if (entry.next - wall > 2 * entry.job.interval) entry.next = tick + entry.job.interval;
    }
    return true;
  }

  function execute(entry: Planned, time: number): void {
    const seconds = time / 1000;
    // What is floored is whole to V8, too, and then needs no object for each sample that has it.
    const tick = { time: time % 1000 === 0 ? Math.floor(seconds) : seconds };
    entry.next = time + entry.job.interval;
    if (entry.busy) {
      entry.job.skipped(tick, 'busy');
    } else if (entry.rest > 0) {
      entry.rest -= 1;
      entry.job.skipped(tick, 'backing-off');
    } else {
      const result = entry.job.run(tick);
      if (typeof result === 'string') settle(entry, result);
      else void busyUntil(entry, result);
    }
  }

  async function busyUntil(entry: Planned, result: Promise<JobResult>): Promise<void> {
    entry.busy = true;
    const outcome = await result;
    entry.busy = false;
    settle(entry, outcome);
  }

  function settle(entry: Planned, result: JobResult): void {
    entry.failures = result === 'failed' ? entry.failures + 1 : 0;
    entry.rest =
      entry.failures === 0 ? 0 : Math.min(2 ** Math.min(entry.failures - 1, 10), LONGEST_REST);
  }

  function wake(): void {
    const replanned = lookAtTheClocks();
    const now = wall;
    let ran = false;
    let latest = 0;
    let missed = 0;
    for (const entry of [...planned.values()]) {
      const due = entry.next + entry.job.offset;
      if (now < due || !planned.has(entry.job.name)) continue;
      const tick = currentTick(entry.job, now);
      latest = Math.max(latest, now - due);
      missed = Math.max(missed, (tick - entry.next) / entry.job.interval);
      execute(entry, tick);
      ran = true;
    }
    if (latest > LATE && !replanned) disturbed({ kind: 'late', seconds: latest / 1000, missed });
    if (ran) afterWake(latest);
  }

  function sleep(): void {
    timer?.cancel();
    timer = undefined;
    if (!running || planned.size === 0) return;
    let due = Number.POSITIVE_INFINITY;
    for (const { job, next } of planned.values()) due = Math.min(due, next + job.offset);
    // Timers may fire a little early; the extra millisecond saves a second wake-up.
    const wait = Math.min(Math.max(due - clock.now(), 0) + 1, LONGEST_SLEEP);
    timer = clock.after(wait, () => {
      // Whatever happens in a tick, the next one comes.
      try {
        wake();
      } finally {
        sleep();
      }
    });
  }

  /** Runs the tick that is under way, so that a start does not wait for the next one. */
  function begin(entry: Planned, now: number): void {
    execute(entry, Math.floor(now / entry.job.interval) * entry.job.interval);
  }

  return {
    add(job) {
      const entry = { job, next: 0, busy: false, failures: 0, rest: 0 };
      planned.set(job.name, entry);
      if (!running) return;
      entry.next = currentTick(job, clock.now()) + job.interval;
      sleep();
    },
    remove(name) {
      planned.delete(name);
      sleep();
    },
    start() {
      running = true;
      wall = clock.now();
      monotonic = clock.monotonic();
      asleep = clock.boottime() - monotonic;
      for (const entry of planned.values()) begin(entry, wall);
      if (planned.size > 0) afterWake(0);
      sleep();
    },
    stop() {
      running = false;
      timer?.cancel();
      timer = undefined;
    },
  };
}
