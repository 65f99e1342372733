import type { Series } from '../metric/index.ts';
import { levels, segment, tagName, tagValue } from '../wire/segment.ts';
import type { Naming, Spelling } from './dialect.ts';

/** The host's level or levels: as the hostname method spells the own one, one level for any other. */
const hostLevels = (series: Series, naming: Naming): string =>
  isOwn(series, naming) ? levels(naming.host) : segment(series.host);

const isOwn = (series: Series, naming: Naming): boolean =>
  naming.ownHost === undefined || series.host === naming.ownHost;

function tags(series: Series, naming: Naming): string {
  const values = new Map<string, string>();
  const tag = (name: string, value: string) => {
    if (value !== '') values.set(tagName(name), tagValue(value));
  };
  for (const [name, value] of Object.entries(naming.labels)) tag(name, value);
  tag('host', isOwn(series, naming) ? naming.host : series.host);
  for (const name of series.metric.labels) tag(name, series.labels[name] ?? '');
  // Carbon sorts them; a relay that hashes the line as it stands must see the same order.
  return [...values]
    .map(([name, value]) => `;${name}=${value}`)
    .sort()
    .join('');
}

/**
 * The whole path of a series: `prefix.host.suffix.rest`, with parts that are empty left out; with
 * Graphite tags `prefix.suffix.rest;host=…;device=…`, where only a prefix that was asked for appears.
 *
 * @param rest the dialect's own levels, ready to be sent.
 * @param defaultPrefix the prefix where the naming leaves it to the dialect.
 */
export function place(rest: string, series: Series, naming: Naming, defaultPrefix: string): string {
  const parts = naming.tags
    ? [levels(naming.prefix ?? ''), levels(naming.suffix), rest]
    : [
        levels(naming.prefix ?? defaultPrefix),
        hostLevels(series, naming),
        levels(naming.suffix),
        rest,
      ];
  const path = parts.filter((part) => part !== '').join('.');
  return naming.tags ? path + tags(series, naming) : path;
}

/**
 * The generic rule, for every metric that a dialect's table does not list: the inner name's dots are
 * levels, then follow the values of the labels in the order they were declared, empty ones left out
 * (with tags: the inner name alone). Nothing is scaled or rounded. Counters, and deltas with them, are
 * sent as they stand or per second, as `naming.counters` says.
 */
export function generic(
  series: Series,
  naming: Naming,
  defaultPrefix: string,
): readonly Spelling[] {
  const { metric, labels } = series;
  let rest = levels(metric.name);
  if (!naming.tags) {
    for (const label of metric.labels) {
      const value = labels[label] ?? '';
      if (value !== '') rest += `.${segment(value)}`;
    }
  }
  return [
    {
      series,
      path: place(rest, series, naming, defaultPrefix),
      reading: metric.kind === 'gauge' || naming.counters === 'raw' ? 'value' : 'rate',
      precision: undefined,
      scale: 1,
      offset: 0,
    },
  ];
}
