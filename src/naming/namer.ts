import type { Point, Sample, Series } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';

/** A dialect at work for one handler: renders the names of a series once and reuses them. */
export interface Namer {
  names(series: Series): readonly Spelling[];
  /**
   * Appends a point for every name of the sample's series that has a number. A rate or a growth has none
   * at a counter's first reading and after a reset; what is not finite is never sent.
   *
   * @returns how many points it appended.
   */
  points(sample: Sample, into: Point[]): number;
}

interface Entry {
  readonly series: Series;
  readonly names: readonly Spelling[];
}

/** The number that a reading gives; NaN where there is none. */
function reading({ reading }: Spelling, { value, growth }: Sample): number {
  switch (reading) {
    case 'value':
      return value;
    case 'growth':
      return growth === undefined ? Number.NaN : growth.amount;
    case 'rate':
      return growth === undefined ? Number.NaN : growth.amount / growth.seconds;
  }
}

/**
 * @param naming must not change afterwards: names are kept for as long as their series lives.
 */
export function createNamer(dialect: Dialect, naming: Naming): Namer {
  // By the series' id: a series that ended makes room when its id is given to another.
  const entries: (Entry | undefined)[] = [];
  const labelled = Object.keys(naming.labels).length > 0;

  function names(series: Series): readonly Spelling[] {
    const entry = entries[series.id];
    if (entry !== undefined && entry.series === series) return entry.names;
    const spelled = dialect.spell(series, naming);
    const names = labelled ? spelled.map((name) => withLabels(name, naming.labels)) : spelled;
    entries[series.id] = { series, names };
    return names;
  }

  return {
    names,
    points(sample, into) {
      let appended = 0;
      for (const name of names(sample.series)) {
        const value = reading(name, sample) * name.scale + name.offset;
        if (!Number.isFinite(value)) continue;
        into.push({ name, value, time: sample.time });
        appended += 1;
      }
      return appended;
    },
  };
}

/** What the series itself says wins over the configuration. */
const withLabels = (name: Spelling, labels: Naming['labels']): Spelling => ({
  ...name,
  labels: { ...labels, ...name.series.labels },
});
