import type { CollectContext, Labels } from '../plugin/index.ts';

/** One observation: the metric's name, the value in the metric's unit, and its labels. */
export type Reading = readonly [metric: string, value: number, labels?: Labels];

/** The part of a collection's context that a source needs. */
export interface Asked<O> {
  /** The collector's own, as its schema puts them out. */
  readonly options: O;
  readonly since: CollectContext['since'];
}

/** Answers once per collection. */
export type Ask<O> = (asked: Asked<O>) => Iterable<Reading> | Promise<Iterable<Reading>>;

/** How one collector observes without /proc: made anew for each session, so that it may remember. */
export interface Source<O> {
  /** What it asks for: `reads` in the reference. */
  readonly asks: string;
  open(): Ask<O>;
}

/**
 * The library, loaded when it is first needed and not before: that takes 10 MiB and some
 * milliseconds, and on Linux nobody needs it.
 */
export const library = () => import('systeminformation');

/** What is asked for again only at every so many collections. */
export function seldom<T>(every: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let turn = 0;
  return () => {
    if (turn % every === 0 || answer === undefined) {
      answer = ask();
      // A failure is told to who asked, and asked again by the next.
      answer.catch(() => {
        answer = undefined;
      });
    }
    turn += 1;
    return answer;
  };
}
