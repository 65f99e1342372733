/**
 * A host on one screen, drawn from points under their inner names. Pure: it knows no terminal; the
 * same points give the same picture.
 */
import { coreHeights, coreLines, cpuLine } from './screen/cpu.ts';
import { type Block, stack, wantedRows } from './screen/layout.ts';
import {
  agentLine,
  hasSwap,
  memoryLine,
  problemLine,
  swapLine,
  titleLine,
} from './screen/lines.ts';
import type { Screen, Section } from './screen/model.ts';
import { type TableSpec, table } from './screen/table.ts';
import { DISKS, FILESYSTEMS, INTERFACES } from './screen/tables.ts';
import { type Abilities, fill, type Line, paint, span } from './screen/text.ts';
import { age } from './screen/units.ts';

export { type AgentHealth, Screen } from './screen/model.ts';

export interface Surface extends Abilities {
  readonly columns: number;
  readonly rows: number;
  /** IANA name of the zone in which the time is shown; the process's own where absent. */
  readonly timeZone?: string;
}

/** From this width on, tables may stand beside each other; from the second, they always do. */
const TWO_COLUMNS = 112;
const ALWAYS_TWO = 150;
const ROWS_FOR_TWO = 16;
const GUTTER = 4;

/**
 * The picture, line by line: at most `rows` lines, each at most `columns` cells wide. What does not
 * fit is left out, the least important first: columns of tables, idle rows, air, whole tables.
 */
export function render(screen: Screen, surface: Surface): string[] {
  const { columns, rows } = surface;
  // A line that ends in the last cell makes some terminals scroll.
  const width = Math.max(0, columns - 2);
  const problem = screen.agent?.problem;
  const top = [
    fixed(1, [titleLine(screen, width, surface.timeZone)]),
    cpuBlock(screen, width, surface),
    memoryBlock(screen, width, surface),
  ];
  const footer: Line[] = [
    ...(problem !== undefined && rows > 8 ? [problemLine(problem)] : []),
    ...(rows > 1 ? [agentLine(screen, width)] : []),
  ];
  const body = rows - footer.length;
  const lines = tables(screen, top, width, body, surface);
  while (lines.length < body) lines.push([]);
  return [...lines, ...footer].map((line) => paint([span(' '), ...line], columns, surface));
}

function tables(
  screen: Screen,
  top: readonly Block[],
  width: number,
  rows: number,
  surface: Surface,
): Line[] {
  const blocksAt = (cells: number) => ({
    disks: tableBlock(screen, 'disks', DISKS, 5, cells, surface),
    filesystems: tableBlock(screen, 'filesystems', FILESYSTEMS, 4, cells, surface),
    interfaces: tableBlock(screen, 'interfaces', INTERFACES, 6, cells, surface),
  });
  const one = blocksAt(width);
  const column = [...top, one.disks, one.filesystems, one.interfaces];
  const fits = wantedRows(column) + column.length <= rows;
  if (rows < ROWS_FOR_TWO || width < TWO_COLUMNS || (width < ALWAYS_TWO && fits)) {
    return [...stack(column, rows)];
  }

  const half = Math.floor((width - GUTTER) / 2);
  const two = blocksAt(half);
  const left = [two.disks, two.interfaces];
  const right = [two.filesystems];
  const below = Math.max(wantedRows(left) + 1, wantedRows(right));
  // Many cores would else take the room of the tables' first rows.
  const lower = Math.min(below, Math.floor(rows / 2));
  const upper = stack(top, Math.max(3, Math.min(rows - lower - 1, wantedRows(top) + 2)));
  const height = rows - upper.length - 1;
  return [...upper, [], ...beside(stack(left, height), stack(right, height), half)];
}

function beside(left: readonly Line[], right: readonly Line[], width: number): Line[] {
  const lines: Line[] = [];
  for (let y = 0; y < Math.max(left.length, right.length); y += 1) {
    const gutter = span(' '.repeat(GUTTER));
    lines.push([...fill(left[y] ?? [], width), gutter, ...(right[y] ?? [])]);
  }
  return lines;
}

const fixed = (rank: number, lines: readonly Line[]): Block => ({
  rank,
  heights: lines.length === 0 ? [] : [lines.length],
  lines: () => lines,
});

function cpuBlock(screen: Screen, width: number, surface: Surface): Block {
  const cores = screen.rows('cores');
  // However many cores there are, most of the screen is for the rest.
  const most = Math.max(6, Math.floor(surface.rows * 0.4));
  const useful = coreHeights(cores, width).map((height) => height + 1);
  const heights = [1, ...useful.filter((height) => height <= most)];
  const silent = silence(screen, 'cpu');
  return {
    rank: 2,
    heights,
    lines(height) {
      const total = cpuLine(screen.row('cpu'), width, surface);
      const first = silent === undefined ? total : [span('CPU  ', 'heading'), silent];
      return height === 1 ? [first] : [first, ...coreLines(cores, width, height - 1, surface)];
    },
  };
}

function memoryBlock(screen: Screen, width: number, abilities: Abilities): Block {
  const swap = screen.row('swap');
  const silent = silence(screen, 'memory');
  const memory =
    silent === undefined
      ? memoryLine(screen.row('memory'), width, abilities)
      : [span('Mem  ', 'heading'), silent];
  const lines = hasSwap(swap) ? [memory, swapLine(swap, width, abilities)] : [memory];
  return { rank: 3, heights: lines.map((_, i) => i + 1), lines: () => lines };
}

function tableBlock(
  screen: Screen,
  section: Section,
  spec: TableSpec,
  rank: number,
  width: number,
  abilities: Abilities,
): Block {
  const rows = screen.rows(section);
  const note = silence(screen, section)?.text;
  return {
    rank,
    heights: rows.map((_, i) => i + 2),
    lines: (height) => table(spec, rows, { width, height, note, abilities }),
  };
}

/** Old numbers are not passed off as new ones. */
function silence(screen: Screen, section: Section) {
  const seconds = screen.silence(section);
  return seconds === undefined ? undefined : span(`no news for ${age(seconds)}`, 'yellow');
}
