/** What the tables of disks, filesystems and interfaces show, and what counts as worth a colour. */
import { bar, busyStyle } from './bars.ts';
import type { Row } from './model.ts';
import type { Column, TableSpec } from './table.ts';
import { type Span, type Style, safeName, span } from './text.ts';
import { amount, bitrate, latency, linkSpeed, percent, size, throughput } from './units.ts';

/** A number; dim where it is absent or nothing happens. */
const quiet = (text: string, value: number | undefined, style: Style = 'plain'): Span =>
  span(text, value === undefined || value === 0 ? 'dim' : style);

/** The sum of what is there; absent if nothing is. */
function sum(row: Row, ...columns: readonly string[]): number | undefined {
  let total: number | undefined;
  for (const column of columns) {
    const value = row.numbers.get(column);
    if (value !== undefined) total = (total ?? 0) + value;
  }
  return total;
}

function numeric(
  facts: Pick<Column, 'title' | 'width' | 'rank'>,
  show: (value: number | undefined) => string,
  ...columns: readonly string[]
): Column {
  return {
    ...facts,
    cell: (row) => {
      const value = sum(row, ...columns);
      return quiet(show(value), value);
    },
  };
}

/** A number that should be 0. */
function trouble(
  facts: Pick<Column, 'title' | 'width' | 'rank'>,
  ...columns: readonly string[]
): Column {
  return {
    ...facts,
    cell: (row) => {
      const value = sum(row, ...columns);
      return quiet(amount(value), value, 'alarm');
    },
  };
}

/** A bar and its figure of a ratio that is bad when it nears 1. */
function usage(
  titles: { readonly bar: string; readonly figure: string },
  ranks: { readonly bar: number; readonly figure: number },
  ratioOf: (row: Row) => number | undefined,
): readonly Column[] {
  return [
    {
      title: titles.bar,
      width: 6,
      stretches: 32,
      align: 'left',
      rank: ranks.bar,
      cell(row, cells, abilities) {
        const ratio = ratioOf(row) ?? 0;
        return bar([{ ratio, style: busyStyle(ratio) }], cells, abilities);
      },
    },
    {
      title: titles.figure,
      width: 4,
      rank: ranks.figure,
      cell(row) {
        const ratio = ratioOf(row);
        const alarming = ratio !== undefined && ratio >= 0.7;
        return quiet(percent(ratio), ratio, alarming ? busyStyle(ratio) : 'plain');
      },
    },
  ];
}

const utilization = (row: Row) => row.numbers.get('utilization');

export const DISKS: TableSpec = {
  title: 'Disk',
  columns: [
    numeric({ title: 'read', width: 10, rank: 2 }, throughput, 'io read'),
    numeric({ title: 'write', width: 10, rank: 3 }, throughput, 'io write'),
    numeric({ title: 'iops', width: 5, rank: 5 }, amount, 'operations read', 'operations write'),
    numeric({ title: 'await', width: 7, rank: 6 }, latency, 'await all'),
    ...usage({ bar: 'busy', figure: '' }, { bar: 4, figure: 1 }, utilization),
  ],
  weight: (row) => (utilization(row) ?? 0) + (sum(row, 'io read', 'io write') ?? 0) / 2 ** 40,
};

/** As df counts: of what is not reserved for root, so that 100% is full for everybody else. */
function usedRatio(row: Row): number | undefined {
  const used = row.numbers.get('used');
  const free = row.numbers.get('free');
  if (used === undefined || free === undefined || used + free === 0) return undefined;
  return used / (used + free);
}

const hung = (row: Row): boolean => row.numbers.get('responding') === 0;

export const FILESYSTEMS: TableSpec = {
  title: 'Filesystem',
  columns: [
    ...usage({ bar: 'used', figure: '' }, { bar: 3, figure: 1 }, usedRatio),
    {
      title: 'free',
      width: 8,
      rank: 2,
      cell: (row) =>
        hung(row) ? span('hung', 'alarm') : quiet(size(row.numbers.get('free')), usedRatio(row)),
    },
    numeric({ title: 'size', width: 8, rank: 4 }, size, 'limit'),
    {
      title: 'inodes',
      width: 6,
      rank: 5,
      cell(row) {
        const ratio = row.numbers.get('inodes');
        const alarming = ratio !== undefined && ratio >= 0.7;
        return quiet(percent(ratio), ratio, alarming ? busyStyle(ratio) : 'plain');
      },
    },
    {
      title: 'type',
      width: 7,
      align: 'left',
      rank: 6,
      cell: ({ labels }) => span(safeName(labels['type'] ?? ''), 'dim'),
    },
  ],
  weight: (row) => (hung(row) ? 2 : (usedRatio(row) ?? 0)),
};

export const INTERFACES: TableSpec = {
  title: 'Interface',
  columns: [
    numeric({ title: 'receive', width: 11, rank: 1 }, bitrate, 'io receive'),
    numeric({ title: 'transmit', width: 11, rank: 2 }, bitrate, 'io transmit'),
    numeric({ title: 'pkts in', width: 7, rank: 5 }, amount, 'packets receive'),
    numeric({ title: 'out', width: 6, rank: 6 }, amount, 'packets transmit'),
    trouble({ title: 'err/s', width: 5, rank: 3 }, 'errors receive', 'errors transmit'),
    trouble({ title: 'drop/s', width: 6, rank: 4 }, 'dropped receive', 'dropped transmit'),
    {
      title: 'link',
      width: 10,
      rank: 7,
      cell({ numbers }) {
        if (numbers.get('up') === 0) return span('down', 'dim');
        const speed = numbers.get('speed');
        if (speed !== undefined) return span(linkSpeed(speed));
        return numbers.get('up') === 1 ? span('up') : span('–', 'dim');
      },
    },
  ],
  weight: (row) =>
    (sum(row, 'io receive', 'io transmit') ?? 0) + (row.numbers.get('up') === 1 ? 1 : 0),
};
