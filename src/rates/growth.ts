import type { Growth } from '../metric/index.ts';

/**
 * How much a counter grew between two readings.
 *
 * A counter that went backwards was reset, by a reboot or a re-created interface. What it counted
 * before the reset is unknown, so that interval has no growth: not zero, which would draw a dip, and
 * not a guess that it wrapped, which would draw a spike.
 *
 * @param seconds between the two, on the monotonic clock.
 * @returns `undefined` where there is no growth to speak of.
 *
 * @example
 * growth(100, 400, 12); // { amount: 300, seconds: 12 }
 * growth(400, 5, 10); // undefined: the counter was reset
 */
export function growth(before: number, after: number, seconds: number): Growth | undefined {
  // Written so that a reading that is not there, which is NaN, has no growth either.
  return seconds > 0 && after >= before ? { amount: after - before, seconds } : undefined;
}
