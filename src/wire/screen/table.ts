/** Tables that leave out their less important columns, and their less busy rows, to fit. */
import type { Row } from './model.ts';
import { type Abilities, type Line, pad, type Span, safeName, span, widthOf } from './text.ts';

export interface Column {
  readonly title: string;
  /** Cells; of a `stretches` column the fewest. */
  readonly width: number;
  /** Takes what space is left, up to so many cells. */
  readonly stretches?: number;
  readonly align?: 'left' | 'right';
  /** 1 is the last to be left out. */
  readonly rank: number;
  cell(row: Row, cells: number, abilities: Abilities): Span | Line;
}

export interface TableSpec {
  /** What a row is; stands above the names. */
  readonly title: string;
  readonly columns: readonly Column[];
  /** Which rows stay when there is no room for all: the greatest. */
  weight(row: Row): number;
  /** In which order they stand; by name where absent. */
  order?(a: Row, b: Row): number;
}

const GAP = 2;
const LONGEST_NAME = 24;
const BY_NAME = new Intl.Collator('en', { numeric: true });

/** A heading and up to `height - 1` rows, by name, each at most `width` cells. */
export function table(
  spec: TableSpec,
  rows: readonly Row[],
  {
    width,
    height,
    note,
    abilities,
  }: {
    readonly width: number;
    readonly height: number;
    /** Stands in the heading's place of the columns. */
    readonly note: string | undefined;
    readonly abilities: Abilities;
  },
): Line[] {
  const shown = choose(spec, rows, height - 1);
  const names = shown.map(({ name }) => safeName(name));
  const title =
    shown.length < rows.length ? `${spec.title} ${shown.length}/${rows.length}` : spec.title;
  const longest = names.reduce((most, name) => Math.max(most, widthOf(name)), title.length);
  const least = Math.min(longest, Math.max(LONGEST_NAME, title.length), Math.floor(width / 2.5));
  const columns = chooseColumns(spec.columns, width - least);
  let left = width - least - columns.reduce((sum, { width }) => sum + GAP + width, 0);
  const widths = columns.map(({ width, stretches }) => {
    if (stretches === undefined) return width;
    const more = Math.min(left, stretches - width);
    left -= more;
    return width + more;
  });
  // A long name is worth more than blanks at the end of the line.
  const nameWidth = Math.min(longest, least + left);

  const heading: Span[] = [span(pad(title, nameWidth), 'heading')];
  if (note !== undefined) heading.push(span(`  ${note}`, 'yellow'));
  else {
    columns.forEach(({ title, align }, i) => {
      heading.push(span(`  ${pad(title, widths[i] ?? 0, align ?? 'right')}`, 'dim'));
    });
  }
  const lines: Line[] = [heading];
  shown.forEach((row, i) => {
    const line: Span[] = [span(pad(names[i] ?? '', nameWidth))];
    columns.forEach(({ cell, align }, j) => {
      const cells = widths[j] ?? 0;
      const content = cell(row, cells, abilities);
      if ('text' in content) {
        line.push(span(`  ${pad(content.text, cells, align ?? 'right')}`, content.style));
      } else line.push(span('  '), ...content);
    });
    lines.push(line);
  });
  return lines;
}

/** Who is shown is a matter of weight, where they stand one of names: rows do not jump about. */
function choose(
  { weight, order = byName }: TableSpec,
  rows: readonly Row[],
  most: number,
): readonly Row[] {
  const chosen =
    rows.length <= most ? [...rows] : rows.toSorted((a, b) => weight(b) - weight(a)).slice(0, most);
  return chosen.sort(order);
}

const byName = (a: Row, b: Row): number => BY_NAME.compare(a.name, b.name);

function chooseColumns(columns: readonly Column[], width: number): readonly Column[] {
  let left = width;
  const kept = new Set<Column>();
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    left -= GAP + column.width;
    if (left < 0) break;
    kept.add(column);
  }
  return columns.filter((column) => kept.has(column));
}
