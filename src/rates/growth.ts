import type { Growth } from '../metric/index.ts';

/** A counter as it stood at one moment. */
export interface Reading {
  readonly value: number;
  /** Seconds on the monotonic clock. */
  readonly at: number;
}

/**
 * How much a counter grew between two readings.
 *
 * A counter that went backwards was reset, by a reboot or a re-created interface. What it counted
 * before the reset is unknown, so that interval has no growth: not zero, which would draw a dip, and
 * not a guess that it wrapped, which would draw a spike.
 *
 * @returns `undefined` where there is no growth to speak of.
 *
 * @example
 * growth({ value: 100, at: 0 }, { value: 400, at: 12 }); // { amount: 300, seconds: 12 }
 * growth({ value: 400, at: 12 }, { value: 5, at: 22 }); // undefined: the counter was reset
 */
export function growth(before: Reading, after: Reading): Growth | undefined {
  const seconds = after.at - before.at;
  if (seconds <= 0 || after.value < before.value) return undefined;
  return { amount: after.value - before.value, seconds };
}
