import type { Clock } from '../clock/index.ts';

/** What a promise settles with, or nothing once so many milliseconds are over. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  clock: Pick<Clock, 'after'>,
): Promise<T | undefined> {
  let timer: ReturnType<Clock['after']> | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = clock.after(ms, () => resolve(undefined));
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    timer?.cancel();
  }
}
