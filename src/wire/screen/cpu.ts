/** CPU time: all together in one long bar, and each core in a bar or, where there are many, a cell. */
import { bar, busyStyle, level, type Part } from './bars.ts';
import type { Row } from './model.ts';
import { type Abilities, type Line, pad, type Span, type Style, span } from './text.ts';
import { percent } from './units.ts';

interface Share {
  readonly title: string;
  readonly style: Style;
  readonly states: readonly string[];
}

/** The kernel's states by what they mean to people. guest is in user already, guest_nice in nice. */
const SHARES: readonly Share[] = [
  { title: 'user', style: 'green', states: ['user', 'nice'] },
  { title: 'sys', style: 'cyan', states: ['system', 'irq', 'softirq'] },
  { title: 'iowait', style: 'yellow', states: ['iowait'] },
  { title: 'steal', style: 'red', states: ['steal'] },
];
const STATES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

interface Usage {
  /** Of all the time there was, by {@link SHARES}. */
  readonly parts: readonly Part[];
  /** Time in which the CPU ran something; waiting for the disk is idle. */
  readonly busy: number;
}

/** Shares of what the states add up to: a tick's seconds and the kernel's differ by a jiffy or two. */
function usageOf(row: Row | undefined): Usage | undefined {
  if (row === undefined) return undefined;
  let all = 0;
  for (const state of STATES) all += row.numbers.get(state) ?? 0;
  if (all <= 0) return undefined;
  const parts = SHARES.map(({ style, states }) => {
    let seconds = 0;
    for (const state of states) seconds += row.numbers.get(state) ?? 0;
    return { ratio: seconds / all, style };
  });
  const busy = parts.reduce((sum, { ratio }, i) => (i === 2 ? sum : sum + ratio), 0);
  return { parts, busy };
}

/** Cells of labels before a bar, and of the percentage behind it. */
export const LABEL = 5;
export const FIGURE = 6;

/** How long the long bars are, so that figures behind them find room. */
export function longBar(width: number): number {
  const side = width >= 110 ? 58 : width >= 69 ? 42 : 22;
  return Math.max(4, Math.min(60, width - LABEL - FIGURE - side));
}

const figure = (usage: Usage | undefined): Span =>
  span(pad(percent(usage?.busy), FIGURE, 'right'), usage === undefined ? 'dim' : 'bold');

/** One long bar; behind it each share, which is also the legend of the colours. */
function longLine(label: Span, row: Row | undefined, width: number, abilities: Abilities): Line {
  const usage = usageOf(row);
  const cells = longBar(width);
  const line: Span[] = [label, ...bar(usage?.parts ?? [], cells, abilities), figure(usage)];
  let left = width - LABEL - FIGURE - cells;
  for (const [i, { title, style }] of SHARES.entries()) {
    const needs = 2 + title.length + 5;
    left -= needs;
    if (left < 0) break;
    const ratio = usage?.parts[i]?.ratio;
    const quiet = ratio === undefined || ratio < 0.005;
    line.push(span(`  ${title}`, quiet ? 'dim' : style));
    line.push(span(pad(percent(ratio), 5, 'right'), quiet ? 'dim' : 'plain'));
  }
  return line;
}

export const cpuLine = (row: Row | undefined, width: number, abilities: Abilities): Line =>
  longLine(span(pad('CPU', LABEL), 'heading'), row, width, abilities);

const CELL_GAP = 3;
const SMALLEST_BAR = 5;
const ROOMY_BAR = 12;
const CELL_FIGURE = 5;
const GROUP = 8;

const byNumber = (a: Row, b: Row): number => Number(a.name) - Number(b.name);
const digitsOf = (cores: readonly Row[]): number =>
  Math.max(3, ...cores.map(({ name }) => name.length));

function mostColumns(cores: readonly Row[], width: number, barCells: number): number {
  const cell = digitsOf(cores) + 1 + barCells + CELL_FIGURE + CELL_GAP;
  return Math.max(1, Math.floor((width + CELL_GAP) / cell));
}

const groupsPerLine = (width: number): number =>
  Math.max(1, Math.floor((width - LABEL + 1) / (GROUP + 1)));

/** Rows that are useful to show these cores in, ascending: as cells, and as bars. */
export function coreHeights(cores: readonly Row[], width: number): readonly number[] {
  const count = cores.length;
  if (count < 2) return [];
  const asCells = Math.ceil(count / (groupsPerLine(width) * GROUP));
  const tight = Math.ceil(count / mostColumns(cores, width, SMALLEST_BAR));
  const roomy = mostColumns(cores, width, ROOMY_BAR);
  const airy = Math.ceil(count / Math.min(roomy, Math.ceil(count / 4)));
  return [...new Set([asCells, tight, airy])].filter((height) => height >= asCells);
}

/** Each core, in at most `height` lines. */
export function coreLines(
  unsorted: readonly Row[],
  width: number,
  height: number,
  abilities: Abilities,
): readonly Line[] {
  const cores = unsorted.toSorted(byNumber);
  if (height >= cores.length) {
    const label = ({ name }: Row) => span(pad(`${name} `, LABEL, 'right'), 'dim');
    return cores.map((core) => longLine(label(core), core, width, abilities));
  }
  const columns = Math.ceil(cores.length / height);
  return columns <= mostColumns(cores, width, SMALLEST_BAR)
    ? gridLines(cores, width, columns, abilities)
    : cellLines(cores, width, abilities);
}

/** Short bars beside each other, numbered downwards. */
function gridLines(
  cores: readonly Row[],
  width: number,
  columns: number,
  abilities: Abilities,
): readonly Line[] {
  const height = Math.ceil(cores.length / columns);
  const digits = digitsOf(cores);
  const cell = Math.floor((width + CELL_GAP) / columns) - CELL_GAP;
  const cells = Math.min(longBar(width), cell - digits - 1 - CELL_FIGURE);
  const lines: Line[] = [];
  for (let y = 0; y < height; y += 1) {
    const line: Span[] = [];
    for (let i = y; i < cores.length; i += height) {
      const core = cores[i];
      const usage = usageOf(core);
      if (line.length > 0) line.push(span(' '.repeat(CELL_GAP)));
      line.push(span(`${pad(core?.name ?? '', digits, 'right')} `, 'dim'));
      line.push(...bar(usage?.parts ?? [], cells, abilities));
      const style = usage === undefined || usage.busy < 0.005 ? 'dim' : 'plain';
      line.push(span(pad(percent(usage?.busy), CELL_FIGURE, 'right'), style));
    }
    lines.push(line);
  }
  return lines;
}

/** One cell per core in groups of eight; each line begins with its first core's number. */
function cellLines(cores: readonly Row[], width: number, abilities: Abilities): readonly Line[] {
  const perLine = groupsPerLine(width) * GROUP;
  const lines: Line[] = [];
  for (let from = 0; from < cores.length; from += perLine) {
    const line: Span[] = [span(pad(`${cores[from]?.name ?? ''} `, LABEL, 'right'), 'dim')];
    for (const [i, core] of cores.slice(from, from + perLine).entries()) {
      if (i > 0 && i % GROUP === 0) line.push(span(' '));
      line.push(level(usageOf(core)?.busy, abilities));
    }
    lines.push(line);
  }
  return lines;
}

/** How a load of so many threads per core is to be seen. */
export function loadStyle(load: number, cores: number): Style {
  if (cores === 0) return 'plain';
  const style = busyStyle(load / cores, 0.7, 1);
  return style === 'green' ? 'plain' : style;
}
