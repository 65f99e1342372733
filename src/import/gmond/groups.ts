import { GANGLIA_GROUPS } from '../../wire/ganglia/groups.ts';
import type { Draft } from '../draft.ts';
import { expression } from '../patterns.ts';
import type { Section } from './section.ts';

/** gmond's own metrics, by what observes them here. */
// biome-ignore format: lists of words
const METRICS: Readonly<Record<string, readonly string[]>> = {
  cpu: ['cpu_num', 'cpu_user', 'cpu_nice', 'cpu_system', 'cpu_idle', 'cpu_wio', 'cpu_intr', 'cpu_sintr', 'cpu_steal'],
  load: ['load_one', 'load_five', 'load_fifteen', 'proc_run', 'proc_total'],
  memory: [
    'mem_total', 'mem_free', 'mem_shared', 'mem_buffers', 'mem_cached', 'mem_available', 'mem_slab',
    'mem_sreclaimable', 'swap_total', 'swap_free',
  ],
  network: ['bytes_in', 'bytes_out', 'pkts_in', 'pkts_out'],
  filesystem: ['disk_total', 'disk_free', 'part_max_used'],
  uptime: ['boottime'],
  host: ['machine_type', 'os_name', 'os_release'],
};
const collectorOf = (metric: string): string | undefined =>
  Object.entries(METRICS).find(([, names]) => names.includes(metric))?.[0];

/** What the handler makes itself goes with what it is made of. */
const needed = (name: string, metrics: ReadonlySet<string>): boolean =>
  metrics.has(name) ||
  /^(machine_type|os_|part_)/.test(name) ||
  (name.startsWith('disk_') && metrics.has('part_max_used'));

/** Software that gmond's modules tell of, and collectors do. */
const SERVICES = /^(?:activemq|apache|chrony|conntrack|nfs|nginx|ntpd|rabbitmq|redis|smart)(?=_)/;

const notHere = (metric: string): string => {
  const [collector] = SERVICES.exec(metric) ?? [];
  return collector === undefined
    ? `cullinan has no metric ${metric}: docs/dialects/ganglia.md`
    : `the collector ${collector} tells of it, under names of its own: cullinan describe ${collector}`;
};
/** What Ganglia's web calls a metric, unless gmond is told otherwise. */
const titleOf = (metric: string): string | undefined =>
  new Map(Object.entries(GANGLIA_GROUPS)).get(metric)?.title;

/** Of the protocol itself: the handler makes them. */
const MADE = ['heartbeat', 'location'];

/** What gmond collects and sends. */
export interface Groups {
  readonly metrics: ReadonlySet<string>;
  readonly sent: { metrics: string[]; timeThreshold: string; valueThreshold?: number }[];
  /** Seconds between two looks at each metric. */
  readonly every: ReadonlyMap<string, number>;
}

/** Carries `collection_group`s over: which collectors there are, and how often. */
export function collectionGroups(draft: Draft, top: Section): Groups {
  const metrics = new Set<string>();
  const every = new Map<string, number>();
  const sent: Groups['sent'] = [];
  for (const group of top.sections('collection_group')) {
    draft.carry(group.lines('collect_once', 'collect_every', 'time_threshold', 'name'));
    const time = group.number('time_threshold') ?? 3600;
    const seconds = group.number('collect_every');
    const byThreshold = new Map<number | undefined, string[]>();
    for (const metric of group.sections('metric')) {
      const names = namesOf(metric);
      draft.carry(metric.lines('value_threshold'));
      const usual = names.every((name) => metric.text('title') === titleOf(name));
      metric.expect('title', usual, 'titles are those of gmond’s own configuration');
      for (const name of names) {
        metrics.add(name);
        if (seconds !== undefined) every.set(name, Math.min(seconds, every.get(name) ?? seconds));
        const threshold = metric.number('value_threshold');
        byThreshold.set(threshold, [...(byThreshold.get(threshold) ?? []), name]);
      }
    }
    for (const [threshold, names] of byThreshold) {
      const own = names.filter((name) => !MADE.includes(name));
      if (own.length === 0) continue;
      const valueThreshold = threshold === undefined ? {} : { valueThreshold: threshold };
      sent.push({ metrics: own, timeThreshold: `${Math.max(1, time)}s`, ...valueThreshold });
    }
  }
  draft.set(['collectors', 'default', 'enabled'], false);
  draft.note(
    ['collectors', 'default'],
    'Only what gmond collected. `agent: { enabled: true }` has cullinan tell of itself, too.',
  );
  const intervals = new Map<string, number>();
  for (const name of metrics) {
    const collector = collectorOf(name);
    if (collector === undefined) continue;
    draft.set(['collectors', collector, 'enabled'], true);
    const seconds = every.get(name);
    if (seconds === undefined || seconds <= 0) continue;
    intervals.set(collector, Math.min(seconds, intervals.get(collector) ?? seconds));
  }
  const least = Math.min(20, ...intervals.values());
  draft.set(['interval'], `${least}s`);
  for (const [collector, seconds] of intervals) {
    if (seconds !== least) draft.set(['collectors', collector, 'interval'], `${seconds}s`);
  }
  return { metrics, sent, every };
}

/** What a metric's section names: one, or with `name_match` all that its expression fits. */
function namesOf(metric: Section): string[] {
  const { draft } = metric;
  const name = metric.text('name');
  if (name !== undefined) {
    const known = collectorOf(name) !== undefined || MADE.includes(name);
    metric.expect('name', known, notHere(name));
    return known ? [name] : [];
  }
  const source = expression(metric.text('name_match') ?? '');
  if (source === undefined) {
    metric.leave('this is no regular expression that can be carried over', 'name_match');
    return [];
  }
  const pattern = new RegExp(`^(?:${source})$`, 'u');
  const found = Object.values(METRICS)
    .flat()
    .filter((each) => pattern.test(each));
  if (found.length > 0) draft.carry(metric.lines('name_match'));
  else draft.leave(metric.lines('name_match'), notHere(source));
  return found;
}

/** What the collectors observe and gmond did not send. */
export const unsent = (draft: Draft, { metrics }: Groups): string[] =>
  Object.entries(METRICS)
    .filter(([collector]) => draft.has(['collectors', collector]))
    .flatMap(([, names]) => names.filter((name) => !needed(name, metrics)));
