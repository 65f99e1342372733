import { uptime } from 'node:os';
import type { Clock } from './clock.ts';

/** The machine's own clocks. `boottime` has the resolution of /proc/uptime, 10 ms. */
export const systemClock: Clock = {
  now: Date.now,
  // Not performance.now(): it is the same clock, and loads a room full of what measures Node itself.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  boottime: () => uptime() * 1000,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
