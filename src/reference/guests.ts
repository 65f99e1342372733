import type { Labels, Metric } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from '../naming/index.ts';
import { code, table } from './markdown.ts';
import { labelled } from './pages.ts';

const NAMING: Naming = {
  ...{ prefix: undefined, host: 'host', suffix: '', tags: false, labels: {}, counters: 'raw' },
};

/** A dialect's column. */
interface Column {
  readonly title: string;
  readonly dialect: string;
  /** Options with which it has all that it can have of guests. */
  readonly options?: object;
  /** What it has by itself; without it only the generic rule knows the metric. */
  readonly of: (name: Spelling) => string | undefined;
}

const behind = (beginning: string) => (name: Spelling) =>
  name.path.startsWith(beginning) ? name.path.slice(beginning.length) : undefined;

const COLUMNS: readonly Column[] = [
  { title: 'Diamond', dialect: 'diamond', of: behind('instances.qqqguest.libvirt-kvm.') },
  {
    title: 'collectd',
    dialect: 'collectd',
    options: {
      virt: {
        extraStats: [
          ...['cpu_util', 'disk', 'domain_state', 'memory', 'pcpu', 'perf', 'vcpu'],
          ...['disk_allocation', 'disk_capacity', 'disk_physical'],
        ],
      },
    },
    of: behind('qqqguest.virt.'),
  },
  {
    title: 'Prometheus',
    dialect: 'prometheus',
    of: (name) => behind('libvirt_domain_')(name)?.replace(/\{.*/, ''),
  },
  {
    title: 'Salt',
    dialect: 'salt',
    of: (name) => (name.precision === undefined ? undefined : behind('virt.')(name)),
  },
  {
    title: 'Ceilometer',
    dialect: 'ceilometer',
    options: { others: false },
    of: ({ meter }) => meter?.name,
  },
];

/** The values that tell apart what a metric is called. */
const WORDS: readonly (readonly [metric: RegExp, label: string, values: readonly string[]])[] = [
  [/^guest\.networks?\./, 'direction', ['receive', 'transmit']],
  [/^guest\.memory\.swap$/, 'direction', ['in', 'out']],
  [/^guest\.disks?\.io$/, 'direction', ['read', 'write']],
  [/^guest\.disks?\./, 'direction', ['read', 'write', 'flush']],
  [/^guest\.vcpu\.count$/, 'which', ['current', 'maximum']],
  [/^guest\.cpu\.mode/, 'mode', ['user', 'system']],
  [/^guest\.memory\.faults$/, 'type', ['major', 'minor']],
  [
    /^guest\.perf$/,
    'event',
    ['cpu_cycles', 'instructions', 'cache_references', 'cache_misses', 'qqqevent'],
  ],
];

/** The labels that stand for one row each, and those that anything may stand for. */
function rowsOf(metric: Metric): readonly Labels[] {
  const usual = Object.fromEntries(metric.labels.map((label) => [label, `qqq${label}`]));
  const [, label = '', values = []] = WORDS.find(([is]) => is.test(metric.name)) ?? [];
  if (!metric.labels.includes(label)) return [usual];
  return values.map((value) => ({ ...usual, [label]: value }));
}

/**
 * What each metric of guests is called in the dialects that have names of their own for them, as a table. A cell
 * is empty where only the dialect's generic rule knows the metric.
 */
export function guestsTable(
  metrics: readonly Metric[],
  dialects: ReadonlyMap<string, Dialect>,
): string {
  const columns = COLUMNS.flatMap((column) => {
    const plain = dialects.get(column.dialect);
    if (plain === undefined) return [];
    const chosen = plain.options?.parse(column.options ?? {});
    return [{ ...column, spell: plain.configured?.(chosen).spell ?? plain.spell }];
  });
  const guests = metrics.filter(({ labels }) => labels.includes('guest'));
  const rows = guests.flatMap((metric) =>
    rowsOf(metric).map((labels) => {
      const series = { id: 0, metric, collector: '', host: '', labels };
      const words = Object.entries(labels).filter(([, value]) => !value.startsWith('qqq'));
      const cells = columns.map(({ spell, of }) =>
        spell(series, NAMING)
          .flatMap((name) => of(name) ?? [])
          .map((name) => code(name.replace(/qqq([a-z]+)/g, '<$1>')))
          .join(', '),
      );
      return [code(metric.name + labelled(Object.fromEntries(words))), ...cells];
    }),
  );
  return table(['Inner metric', ...columns.map(({ title }) => title)], rows);
}
