import type { Labels, Metric, Observation, Series } from '../metric/index.ts';

/** A series, and what the collect room remembers of it between two collections. */
export interface Entry extends Series {
  readonly key: string;
  /** The collection that saw it last, and the one before that. */
  seen: number;
  before: number;
  /** A counter's last reading; `at` in seconds on the monotonic clock. */
  value: number;
  at: number;
  /** The entry that followed this one in the last collection: the guess for the next. */
  next: Entry | undefined;
}

/** Hands out the ids of series, small and dense, so that tables beside the series stay small. */
export interface Ids {
  take(): number;
  giveBack(id: number): void;
}

/** Makes the ids of one agent; every collector's series share them. */
export function createIds(): Ids {
  const free: number[] = [];
  let next = 0;
  return {
    take() {
      const id = free.pop();
      if (id !== undefined) return id;
      next += 1;
      return next - 1;
    },
    giveBack: (id) => void free.push(id),
  };
}

/** Whether an observation belongs to a series. */
export function isOf(entry: Entry, { metric, labels, host }: Observation, own: string): boolean {
  if (entry.metric !== metric || entry.host !== (host ?? own)) return false;
  return entry.labels === labels || sameLabels(metric, entry.labels, labels);
}

function sameLabels({ labels: names }: Metric, a: Labels, b: Labels): boolean {
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    if (a[name] !== b[name]) return false;
  }
  return true;
}

/** The text that identifies a series; control characters separate, because labels cannot be trusted not to. */
export function keyOf({ metric, labels, host }: Observation, own: string): string {
  let key = `${metric.name}\x01${host ?? own}`;
  for (const name of metric.labels) key += `\x02${labels[name]}`;
  return key;
}
