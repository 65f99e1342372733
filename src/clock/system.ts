import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from './clock.ts';

/** The machine's own clocks. `boottime` has the resolution of /proc/uptime, 10 ms. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  boottime: () => uptime() * 1000,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
