import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createSchedule,
  type Disturbance,
  type Job,
  type JobResult,
  stagger,
} from '../../src/schedule/index.ts';
import { SimulatedClock } from '../support/clock.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1, 12, 0, 3);

interface Run {
  readonly time: number;
  readonly at: number;
}

function scheduleOn(clock: SimulatedClock) {
  const disturbances: Disturbance[] = [];
  let wakes = 0;
  const schedule = createSchedule({
    clock,
    disturbed: (disturbance) => disturbances.push(disturbance),
    afterWake: () => {
      wakes += 1;
    },
  });
  return { schedule, disturbances, wakes: () => wakes };
}

function recorder(
  clock: SimulatedClock,
  job: Partial<Job> = {},
  work: (run: Run) => JobResult | Promise<JobResult> = () => 'fine',
) {
  const runs: Run[] = [];
  const skips: { time: number; why: string }[] = [];
  const made: Job = {
    name: 'job',
    interval: 10_000,
    offset: 0,
    run: ({ time }) => {
      const run = { time, at: clock.now() };
      runs.push(run);
      return work(run);
    },
    skipped: ({ time }, why) => skips.push({ time, why }),
    ...job,
  };
  return { job: made, runs, skips };
}

describe('ticks', () => {
  test('are multiples of the interval, one each, over a week', () => {
    const clock = new SimulatedClock(START);
    const { schedule, disturbances, wakes } = scheduleOn(clock);
    const { job, runs } = recorder(clock);
    schedule.add(job);
    schedule.start();
    clock.advance(7 * DAY);
    expect(runs).toHaveLength(7 * 8640 + 1);
    for (const [i, { time, at }] of runs.entries()) {
      expect(time).toBe(Date.UTC(2026, 0, 1, 12) / 1000 + i * 10);
      if (i > 0) expect(at - time * 1000).toBeLessThan(5);
    }
    expect(wakes()).toBe(runs.length);
    expect(disturbances).toEqual([]);
  });

  test('the tick under way runs at once when the schedule starts', () => {
    const clock = new SimulatedClock(START);
    const { schedule } = scheduleOn(clock);
    const { job, runs } = recorder(clock);
    schedule.add(job);
    schedule.start();
    expect(runs).toEqual([{ time: START / 1000 - 3, at: START }]);
  });

  test('each job has its own interval, and jobs due together share a wake-up', () => {
    const clock = new SimulatedClock(START);
    const { schedule, wakes } = scheduleOn(clock);
    const fast = recorder(clock, { name: 'fast', interval: 1000 });
    const slow = recorder(clock, { name: 'slow', interval: 30_000 });
    schedule.add(fast.job);
    schedule.add(slow.job);
    schedule.start();
    clock.advance(60_500);
    expect(fast.runs).toHaveLength(61);
    expect(slow.runs.map(({ time }) => time % 60)).toEqual([0, 30, 0]);
    expect(wakes()).toBe(61);
  });

  test('stagger moves the execution and never the stamp', () => {
    const clock = new SimulatedClock(START);
    const { schedule } = scheduleOn(clock);
    const { job, runs } = recorder(clock, { offset: 730 });
    schedule.add(job);
    schedule.start();
    clock.advance(DAY);
    for (const { time, at } of runs.slice(1)) {
      expect(time % 10).toBe(0);
      expect(at - time * 1000).toBeGreaterThanOrEqual(730);
      expect(at - time * 1000).toBeLessThan(735);
    }
    expect(new Set(runs.map(({ time }) => time)).size).toBe(runs.length);
  });

  test('any interval, offset and start gives every tick exactly once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 120_000 }),
        fc.nat(1000),
        fc.nat(DAY),
        (interval, window, start) => {
          const offset = Math.min(window, Math.floor(interval / 10));
          const clock = new SimulatedClock(START + start);
          const { schedule } = scheduleOn(clock);
          const { job, runs } = recorder(clock, { interval, offset });
          schedule.add(job);
          schedule.start();
          clock.advance(50 * interval);
          for (let i = 1; i < runs.length; i += 1) {
            const step = ((runs[i] as Run).time - (runs[i - 1] as Run).time) * 1000;
            expect(step).toBeCloseTo(interval, 3);
          }
          expect(runs.length).toBeGreaterThanOrEqual(50);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a job added while running waits for its tick; a removed one ends at once', () => {
    const clock = new SimulatedClock(START);
    const { schedule } = scheduleOn(clock);
    const { job, runs } = recorder(clock);
    schedule.start();
    clock.advance(5000);
    schedule.add(job);
    clock.advance(20_000);
    schedule.remove(job.name);
    clock.advance(60_000);
    expect(runs.map(({ time }) => time % 60)).toEqual([10, 20]);
    expect(clock.pending).toBe(0);
  });
});

describe('a slow job', () => {
  test('leaves out the ticks it is still busy at, and delays nobody', async () => {
    const clock = new SimulatedClock(START);
    const { schedule } = scheduleOn(clock);
    const hung = recorder(clock, { name: 'hung' }, () => new Promise<JobResult>(() => {}));
    const slow = recorder(
      clock,
      { name: 'slow' },
      () => new Promise<JobResult>((resolve) => clock.after(25_000, () => resolve('fine'))),
    );
    const other = recorder(clock, { name: 'other' });
    for (const { job } of [hung, slow, other]) schedule.add(job);
    schedule.start();
    await clock.run(100_000);
    expect(hung.runs).toHaveLength(1);
    expect(hung.skips).toHaveLength(10);
    expect(slow.runs.map(({ time }) => time % 100)).toEqual([0, 30, 60, 90]);
    expect(other.runs).toHaveLength(11);
    for (const { time, at } of other.runs.slice(1)) expect(at - time * 1000).toBeLessThan(5);
  });
});

describe('a failing job', () => {
  test('rests 1, 2, 4 … at most 32 ticks, and is back at every tick once it works', () => {
    const clock = new SimulatedClock(START);
    const { schedule } = scheduleOn(clock);
    let broken = true;
    const { job, runs, skips } = recorder(clock, {}, () => (broken ? 'failed' : 'fine'));
    schedule.add(job);
    schedule.start();
    clock.advance(DAY);
    const gaps = runs.map(({ time }, i) => (i === 0 ? 0 : (time - (runs[i - 1] as Run).time) / 10));
    expect(gaps.slice(1, 8)).toEqual([2, 3, 5, 9, 17, 33, 33]);
    expect(runs.length + skips.length).toBe(8641);
    broken = false;
    clock.advance(33 * 10_000);
    const before = runs.length;
    clock.advance(100_000);
    expect(runs.length - before).toBe(10);
  });
});

describe('disturbed time', () => {
  function running() {
    const clock = new SimulatedClock(START);
    const made = scheduleOn(clock);
    const record = recorder(clock);
    const other = recorder(clock, { name: 'other' });
    made.schedule.add(record.job);
    made.schedule.add(other.job);
    made.schedule.start();
    clock.advance(60_000);
    return { clock, ...made, ...record };
  }

  test('a stall costs the ticks that passed; the one under way is run, and it is said once', () => {
    const { clock, runs, disturbances } = running();
    const last = runs.at(-1)?.time ?? 0;
    clock.stall(47_000);
    clock.advance(20_000);
    expect(runs.filter(({ time }) => time > last).map(({ time }) => time - last)).toEqual([50, 60]);
    expect(disturbances).toEqual([{ kind: 'late', seconds: 40, missed: 4 }]);
  });

  test('a step forward goes on at once with the tick the clock now shows', () => {
    const { clock, runs, disturbances } = running();
    const last = runs.at(-1)?.time ?? 0;
    clock.step(3_600_000);
    clock.advance(30_000);
    expect(runs.filter(({ time }) => time > last).map(({ time }) => time - last)).toEqual([
      3610, 3620, 3630,
    ]);
    expect(disturbances).toEqual([{ kind: 'clock-step', seconds: 3600 }]);
  });

  test('a large step back goes on within an interval; nobody waits for the clock to catch up', () => {
    const { clock, runs, disturbances } = running();
    const last = runs.at(-1)?.time ?? 0;
    const count = runs.length;
    clock.step(-3_600_000);
    clock.advance(100_000);
    expect(runs.length - count).toBeGreaterThanOrEqual(9);
    expect(runs[count]?.time).toBeLessThan(last - 3500);
    expect(disturbances).toEqual([{ kind: 'clock-step', seconds: -3600 }]);
  });

  test('a small step back never gives one tick two runs', () => {
    const { clock, runs, disturbances } = running();
    clock.step(-6000);
    clock.advance(100_000);
    const times = runs.map(({ time }) => time);
    expect(new Set(times).size).toBe(times.length);
    expect(disturbances).toEqual([{ kind: 'clock-step', seconds: -6 }]);
  });

  test('a suspend is told from a clock step', () => {
    const { clock, runs, disturbances } = running();
    const last = runs.at(-1)?.time ?? 0;
    clock.suspend(8 * 3_600_000);
    clock.advance(20_000);
    expect(runs.filter(({ time }) => time > last)[0]?.time).toBe(last + 8 * 3600 + 10);
    expect(disturbances).toEqual([{ kind: 'suspend', seconds: 8 * 3600 }]);
  });

  test('slewing is no step', () => {
    const { clock, disturbances } = running();
    for (let i = 0; i < 1000; i += 1) {
      clock.step(5);
      clock.advance(10_000);
    }
    expect(disturbances).toEqual([]);
  });

  test('with long intervals a step is still noticed within a minute', () => {
    const clock = new SimulatedClock(START);
    const { schedule, disturbances } = scheduleOn(clock);
    schedule.add(recorder(clock, { interval: 3_600_000 }).job);
    schedule.start();
    clock.advance(10_000);
    clock.step(1_800_000);
    clock.advance(60_000);
    expect(disturbances).toEqual([{ kind: 'clock-step', seconds: 1800 }]);
  });

  test('whatever happens to time, every stamp is a multiple and nothing wakes in a busy loop', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -DAY, max: DAY }) }),
      fc.record({ kind: fc.constant('suspend' as const), ms: fc.nat(DAY) }),
      fc.record({ kind: fc.constant('stall' as const), ms: fc.nat(100_000) }),
      fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(600_000) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const clock = new SimulatedClock(START);
        const { schedule, wakes } = scheduleOn(clock);
        const { job, runs } = recorder(clock, { offset: 300 });
        schedule.add(job);
        schedule.start();
        for (const { kind, ms } of events) clock[kind](ms);
        const passed = clock.monotonic();
        clock.advance(25_000);
        for (const { time } of runs) expect(time % 10).toBe(0);
        expect(wakes()).toBeLessThanOrEqual(passed / 10_000 + 2 * events.length + 6);
        expect(runs.at(-1)?.at).toBeGreaterThan(clock.now() - 15_000);
      }),
      { numRuns: 200 },
    );
  });
});

describe('stagger', () => {
  test('is stable, within its window, and spreads a fleet evenly', () => {
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i += 1) {
      const offset = stagger(1000, `web${i}.example.net`);
      expect(offset).toBe(stagger(1000, `web${i}.example.net`));
      expect(offset).toBeGreaterThanOrEqual(0);
      expect(offset).toBeLessThan(1000);
      const bucket = Math.floor(offset / 100);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const hosts of buckets) expect(hosts).toBeGreaterThan(850);
    for (const hosts of buckets) expect(hosts).toBeLessThan(1150);
  });

  test('is nothing without a window', () => {
    expect(stagger(0, 'web1')).toBe(0);
  });
});
