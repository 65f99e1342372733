import type { Metric } from '../plugin/index.ts';
import { metrics } from './metrics.ts';

const made = new Map<string, ReadonlyMap<Metric, Metric>>();

/**
 * The metrics of guests with the labels that a configuration adds to them; the same objects each time. Empty
 * where it adds none.
 */
export function labelledBy(labels: Readonly<Record<string, string>>): ReadonlyMap<Metric, Metric> {
  const more = Object.keys(labels);
  if (more.length === 0) return new Map();
  const key = more.join(' ');
  const known = made.get(key);
  if (known !== undefined) return known;
  const guests = Object.values<Metric>(metrics).filter(({ labels }) => labels.includes('guest'));
  const all = new Map(
    guests.map((metric) => [metric, { ...metric, labels: [...metric.labels, ...more] }]),
  );
  made.set(key, all);
  return all;
}
