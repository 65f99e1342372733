import type { Labels, Series } from '../metric/index.ts';
import type { Dialect, Naming, Spelling } from './dialect.ts';
import { anyOf, type Selector } from './select.ts';

/** One change to what a handler sends. */
export interface Relabel {
  /** Patterns of which one must fit; all series where absent. */
  readonly match?: readonly string[] | undefined;
  readonly drop: boolean;
  /** How the path is rewritten. */
  readonly rename?: Replacement | undefined;
  /** The same in the values of labels, by label. */
  readonly replace: Readonly<Record<string, Replacement>>;
  /** Labels to set; '' takes one away. */
  readonly labels: Labels;
  readonly scale: number;
}

export interface Replacement {
  /** A regular expression; every match of it is replaced. */
  readonly from: string;
  /** `$1` stands for the first group. */
  readonly to: string;
}

/** What one handler is sent. */
export interface Route {
  /** Patterns of which one must fit; `undefined` is everything. */
  readonly only: readonly string[] | undefined;
  /** Patterns of which none may. */
  readonly except: readonly string[];
  readonly relabel: readonly Relabel[];
  /** Whether one of several peers takes a path; `undefined` is all of them. */
  readonly accepts?: ((path: string) => boolean) | undefined;
}

/**
 * A dialect that spells only what is wanted, as it is wanted. All of it is decided once per series,
 * with its names, and costs nothing afterwards. Every pattern sees a series as it was observed, under
 * the names it has without any rule; the rules that fit apply in their order.
 */
export function route(dialect: Dialect, { only, except, relabel, accepts }: Route): Dialect {
  if (only === undefined && except.length === 0 && relabel.length === 0 && accepts === undefined) {
    return dialect;
  }
  const wanted = only === undefined ? () => true : anyOf(only);
  const unwanted = anyOf(except);
  const rules = relabel.map((rule) => ({ rule, fits: fitting(rule.match) }));

  function* spell(series: Series, naming: Naming): Generator<Spelling> {
    const whole = dialect.spell(series, naming);
    const below = dialect.spell(series, { ...naming, prefix: '', host: '', suffix: '' });
    for (const [i, spelling] of whole.entries()) {
      const { metric, collector, labels } = series;
      const names = [metric.name, spelling.path, below[i]?.path ?? spelling.path];
      const subject = { names, collector, labels: { ...naming.labels, ...labels } };
      if (!wanted(subject) || unwanted(subject)) continue;
      const fit = rules.flatMap(({ rule, fits }) => (fits(subject) ? [rule] : []));
      if (fit.some(({ drop }) => drop)) continue;
      const name = rewritten(relabelled(spelling, i, naming, fit), fit);
      if (accepts?.(name.path) ?? true) yield name;
    }
  }

  /** Labels may stand in a path: a series with others is spelled anew. */
  function relabelled(
    spelling: Spelling,
    i: number,
    naming: Naming,
    fit: readonly Relabel[],
  ): Spelling {
    const { series } = spelling;
    const labels = fit.reduce(changed, series.labels);
    if (labels === series.labels) return spelling;
    const named = { ...naming, labels: { ...naming.labels, ...labels } };
    return (
      dialect.spell({ ...series, labels }, named)[i] ?? {
        ...spelling,
        series: { ...series, labels },
      }
    );
  }

  // By name: a dialect may be loaded when it is first asked, and has nothing to copy until then.
  const { name, summary } = dialect;
  return {
    ...{ name, summary },
    spell: (series, naming) => [...spell(series, naming)],
    wholeOf: (series) => dialect.wholeOf?.(series),
  };
}

const fitting = (match: readonly string[] | undefined): Selector =>
  match === undefined ? () => true : anyOf(match);

function changed(labels: Labels, { labels: set, replace }: Relabel): Labels {
  if (Object.keys(set).length === 0 && Object.keys(replace).length === 0) return labels;
  const now = new Map(Object.entries(labels));
  for (const [label, { from, to }] of Object.entries(replace)) {
    const value = now.get(label);
    if (value !== undefined) now.set(label, replaced(value, { from, to }));
  }
  for (const [label, value] of Object.entries(set)) {
    if (value === '') now.delete(label);
    else now.set(label, value);
  }
  return Object.fromEntries(now);
}

function rewritten(spelling: Spelling, fit: readonly Relabel[]): Spelling {
  let { path, scale, offset } = spelling;
  for (const rule of fit) {
    if (rule.rename !== undefined) path = replaced(path, rule.rename);
    scale *= rule.scale;
    offset *= rule.scale;
  }
  return { ...spelling, path: path.replace(UNSAFE, '_') || spelling.path, scale, offset };
}

const replaced = (text: string, { from, to }: Replacement): string =>
  text.replace(new RegExp(from, 'gu'), to);

/** What ends a path, or a line, in most formats. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const UNSAFE = /[\s\u0000-\u001f\u007f]/gu;
