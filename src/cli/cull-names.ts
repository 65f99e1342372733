import { sep } from 'node:path';
import { type Found, isJournal, journalName } from '../logs/index.ts';
import type { Name, Observation, Point, Series } from '../metric/index.ts';
import type { Counters } from '../plugin/index.ts';
import { levels, segment } from '../wire/segment.ts';

/** How logster names what a parser found: `prefix`, the name and `suffix`, joined. */
export interface Affixes {
  readonly prefix: string;
  readonly suffix: string;
  /** Between prefix, name and suffix: a dot, or `_` where logster has one. */
  readonly separator: string;
}

/** Labels that take the place of the metric's own name, as logster's parsers that name metrics by lines. */
const NAME = 'name';

/** What a series is called between prefix and suffix: its name, then the values of its other labels. */
function bareName({ metric, labels }: Pick<Observation, 'metric' | 'labels'>): string {
  const own = labels[NAME];
  const words = [levels(own === undefined || own === '' ? metric.name : own)];
  for (const label of metric.labels) {
    const value = label === NAME ? '' : (labels[label] ?? '');
    if (value !== '') words.push(segment(value));
  }
  return words.join('.');
}

/**
 * A level for each of several logs that no other of them has: its name, and before that as many of its folders as
 * it takes; all that it was named by where they differ in nothing else (`mail` and `mail.log`, `journal:unit=ssh`
 * and `journal:identifier=ssh`). Two that were called alike would send two points of one name, of which Graphite
 * keeps one. Only those meet that differ in nothing but `.`, `/` and `_`.
 *
 * @param logs whole paths, or what stands for the journal.
 */
export function toldApart(logs: readonly string[]): ReadonlyMap<string, string> {
  const parts = new Map(
    logs.map((log) => [
      log,
      isJournal(log) ? [journalName(log)] : log.replace(/\.log$/, '').split(sep),
    ]),
  );
  const deepest = Math.max(...[...parts.values()].map(({ length }) => length));
  for (let depth = 1; depth <= deepest; depth += 1) {
    const called = new Map(
      [...parts].map(([log, its]) => [log, segment(its.slice(-depth).join(sep))]),
    );
    if (new Set(called.values()).size === called.size) return called;
  }
  return new Map(logs.map((log) => [log, segment(log)]));
}

/** Makes points of what parsers found, under logster's names. A series has one name for the whole run. */
export class CullNames {
  readonly #affixes: Affixes;
  readonly #counters: Counters;
  readonly #host: string;
  readonly #names = new Map<string, Name>();

  constructor(affixes: Affixes, counters: Counters, host: string) {
    const { prefix, suffix } = affixes;
    this.#affixes = { ...affixes, prefix: levels(prefix), suffix: levels(suffix) };
    this.#counters = counters;
    this.#host = host;
  }

  /** @param where the file's own level, where there are several. */
  points(found: readonly Found[], where: string): readonly Point[] {
    return found.flatMap(({ time, seconds, observations }) =>
      observations.map((observation) => {
        const name = this.#name(observation, where);
        const { value } = observation;
        const read = name.reading === 'rate' ? value / seconds : value;
        return { name, value: read, time: Math.floor(observation.time ?? time) };
      }),
    );
  }

  #name(observation: Observation, where: string): Name {
    const { prefix, suffix, separator } = this.#affixes;
    const path = [prefix, where, bareName(observation), suffix]
      .filter((part) => part !== '')
      .join(separator);
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    const series: Series = {
      ...{ id: this.#names.size, metric: observation.metric, labels: observation.labels },
      ...{ collector: 'logs', host: observation.host ?? this.#host },
    };
    const name = { series, path, reading: this.#reading(observation), precision: undefined };
    this.#names.set(path, name);
    return name;
  }

  /** What was counted goes as its output wants it of a counter; everything else as it stands. */
  #reading({ metric }: Observation): Name['reading'] {
    if (metric.kind === 'gauge' || this.#counters === 'raw') return 'value';
    return this.#counters === 'rates' ? 'rate' : 'growth';
  }
}
