import type { Labels, Metric } from '../metric/index.ts';
import type { Dialect, Naming } from '../naming/index.ts';
import { code, table } from './markdown.ts';

/** A golden file: what a plugin observed in its test. */
export interface Golden {
  /** Where it is, seen from the page that shows it. */
  readonly link: string;
  readonly text: string;
}

/** A line of it. */
export interface Seen {
  readonly metric: string;
  readonly labels: Labels;
  readonly value: string;
  readonly unit: string;
  readonly kind: string;
}

/** As src/conformance writes it: `name{label="text",…} value unit kind`. */
export function seen(line: string): Seen | undefined {
  const [, metric, given = '', value = '', unit = '', kind = ''] =
    /^(\S+?)\{(.*)\} (\S+) (\w+) (\w+)$/.exec(line) ?? [];
  if (metric === undefined) return undefined;
  const pairs = [...given.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)];
  const labels = Object.fromEntries(
    pairs.map(([, label = '', text = '']) => [label, JSON.parse(text) as string]),
  );
  return { metric, labels, value, unit, kind };
}

/** The observations of the last moment that a golden file is about. */
function last({ text }: Golden): readonly Seen[] {
  const moments = text.split(/^# .*\n/m).filter((moment) => moment !== '');
  return (moments.at(-1) ?? '').split('\n').flatMap((line) => seen(line) ?? []);
}

/** The golden file with the most metrics in it: that says most. None, where no host has any. */
export function richest(golden: readonly Golden[]): Golden | undefined {
  const metrics = (one: Golden): number => new Set(last(one).map(({ metric }) => metric)).size;
  const some = golden.filter((one) => metrics(one) > 0);
  return some.sort((a, b) => metrics(b) - metrics(a))[0];
}

const NAMING: Naming = {
  ...{ prefix: undefined, host: 'web01', ownHost: '', suffix: '' },
  ...{ tags: false, labels: {}, counters: 'raw' },
};

/** The dialects that name whatever there is; otel is what it is called inside. */
const COLUMNS = [
  ['Diamond', 'diamond'],
  ['collectd', 'collectd'],
  ['Prometheus', 'prometheus'],
  ['Ganglia', 'ganglia'],
] as const;

/** Series of one metric that are shown, and rows. */
const OF_A_METRIC = 3;
const MOST_ROWS = 60;

/**
 * What a plugin observed in its test, and what each is called in each dialect. Where there is no golden file,
 * any value stands for a label.
 */
export function observedTable(
  metrics: readonly Metric[],
  golden: Golden | undefined,
  dialects: ReadonlyMap<string, Dialect>,
): string {
  const columns = COLUMNS.flatMap(([title, name]) => {
    const dialect = dialects.get(name);
    return dialect === undefined ? [] : [{ title, dialect }];
  });
  const rows = (golden === undefined ? standIns(metrics) : examples(last(golden))).slice(
    0,
    MOST_ROWS,
  );
  return table(
    ['Observed', ...(golden === undefined ? [] : ['Value']), ...columns.map(({ title }) => title)],
    rows.flatMap(({ metric: name, labels, value }) => {
      const metric = metrics.find((it) => it.name === name);
      if (metric === undefined) return [];
      const series = { id: 0, metric, collector: '', host: '', labels };
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
      const cells = columns.map(({ dialect }) =>
        dialect
          .spell(series, NAMING)
          .map(({ path }) => code(spelled(path)))
          .join('<br>'),
      );
      return [
        [
          code(spelled(pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`)),
          ...(golden === undefined ? [] : [value]),
          ...cells,
        ],
      ];
    }),
  );
}

/** Some series of each metric. */
function examples(all: readonly Seen[]): readonly Seen[] {
  const counts = new Map<string, number>();
  return all.filter(({ metric }) => {
    const n = (counts.get(metric) ?? 0) + 1;
    counts.set(metric, n);
    return n <= OF_A_METRIC;
  });
}

/** A value that is left as it is by every dialect, in the place of any. */
const standIns = (metrics: readonly Metric[]): readonly Seen[] =>
  metrics.map(({ name, labels, unit, kind }) => ({
    ...{ metric: name, unit, kind },
    labels: Object.fromEntries(labels.map((label) => [label, `qqq${label}`])),
    value: '',
  }));

const spelled = (text: string): string => text.replace(/qqq([a-z_]+?)(?=[^a-z_]|$)/g, '<$1>');
