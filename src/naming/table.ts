import type { Series } from '../metric/index.ts';

/** Finds what a dialect has for a series; `undefined` where it has nothing. */
export type Table<T> = (series: Series) => T | undefined;

/**
 * Makes a dialect's table.
 *
 * @param rows by inner name, or by inner name and a label's value, `system.disk.io{direction=read}`, which
 *   goes first.
 */
export function tableOf<T>(rows: Iterable<readonly [key: string, rows: T]>): Table<T> {
  const table = new Map(rows);
  // Most metrics have none of these, and need no text made for each of their labels.
  const labelled = new Set<string>();
  for (const key of table.keys()) {
    const brace = key.indexOf('{');
    if (brace >= 0) labelled.add(key.slice(0, brace));
  }
  return ({ metric, labels }) => {
    if (labelled.has(metric.name)) {
      for (const label of metric.labels) {
        const found = table.get(`${metric.name}{${label}=${labels[label]}}`);
        if (found !== undefined) return found;
      }
    }
    return table.get(metric.name);
  };
}
