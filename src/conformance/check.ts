import { Foreseen } from '../plugin/index.ts';

/** One thing that a plugin has to bear. */
export interface Check {
  /** What it does then, in words: `has no data where the host has none`. */
  readonly name: string;
  /** @throws {@link Unfit} if it does something else; anything else that is thrown came out of the plugin. */
  run(): Promise<void>;
}

/** What a plugin does, and should not. */
export class Unfit extends Foreseen {
  override readonly name: string = 'Unfit';
}

/** From 0 up to, but not including, a number: the same ones each time. */
export function chance(): (below: number) => number {
  let seed = 20_261_121;
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

/** At most so many places in something of a length, none more regular than it is. */
export function* placesIn(length: number, most: number): Generator<number> {
  const step = Math.max(1, length / most);
  for (let at = 0; at < length; at += step) yield Math.floor(at);
}

/** Waits for something, for at most so many milliseconds. @param Kind what it is then. */
export async function inTime<T>(
  promise: Promise<T>,
  ms: number,
  what: string,
  Kind: typeof Unfit = Unfit,
): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    late = setTimeout(
      () => reject(new Kind(`${what} did not come back within ${ms / 1000} s`)),
      ms,
    );
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(late);
  }
}
