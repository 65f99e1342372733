import type { Kind, Labels, Metric, Series } from '../../src/metric/index.ts';
import type { Naming } from '../../src/naming/index.ts';

export const NAMING: Naming = {
  prefix: undefined,
  host: 'web01',
  suffix: '',
  tags: false,
  labels: {},
  counters: 'raw',
};

/** A series of a metric whose labels are declared in the order they are given in. */
export function series(name: string, labels: Labels = {}, kind: Kind = 'gauge', id = 0): Series {
  const metric: Metric = { kind, name, unit: 'count', labels: Object.keys(labels), help: '' };
  return { id, metric, collector: 'test', host: 'web01.example.net', labels };
}
