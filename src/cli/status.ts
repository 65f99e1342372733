import type { HandlerStatus } from '../plugin/index.ts';
import { ask, type Snapshot, unbalanced } from '../status/index.ts';
import { type Asking, askFirst, socketsOf } from './asking.ts';
import { EXIT, type Io } from './io.ts';
import { spanned } from './spanned.ts';

interface Options extends Asking {
  readonly json?: boolean;
}

/** `cullinan status`: asks the running agent for its books, and shows that they balance. */
export async function status(io: Io, { json, ...asking }: Options): Promise<number> {
  const answer = await askFirst(socketsOf(io, asking), ask);
  if (json) io.out(`${JSON.stringify(answer)}\n`);
  else io.out(rendered(answer));
  const off = answer.handlers.filter((books) => unbalanced(books) !== 0);
  if (off.length === 0) return EXIT.ok;
  for (const books of off) {
    io.err(`cullinan: the books of ${books.name} are off by ${unbalanced(books)} points.\n`);
  }
  return EXIT.failure;
}

const COLUMNS = ['handler', 'observed', 'delivered', 'queued', 'spooled', 'dropped'] as const;

function rendered({ version, host, pid, uptime, handlers, collectors, ...more }: Snapshot): string {
  const rows = [[...COLUMNS, 'connected'], ...handlers.map(row)];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((cells) => (cells[i] ?? '').length)));
  const table = rows.map((cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  );
  const failing = collectors.filter(({ outcomes }) => outcomes.failed + outcomes['timed-out'] > 0);
  const series = collectors.reduce((sum, it) => sum + it.series, 0);
  const mebibytes = (more.residentMemory / 1024 ** 2).toFixed(0);
  return [
    `cullinan ${version} on ${host}, process ${pid}, for ${spanned(uptime)}`,
    `${series} series from ${collectors.length} collectors; ${mebibytes} MiB, ${(more.cpu.user + more.cpu.system).toFixed(1)} s of CPU`,
    ...(more.problem === undefined ? [] : [`Latest problem: ${more.problem}`]),
    '',
    ...table.map((cells) => cells.join('  ').trimEnd()),
    '',
    ...handlers.flatMap(dropped),
    ...failing.map(
      ({ name, outcomes }) =>
        `collector ${name}: ${outcomes.failed} failed, ${outcomes['timed-out']} timed out`,
    ),
    'observed = delivered + queued + spooled + dropped',
    '',
  ].join('\n');
}

function row(books: HandlerStatus): string[] {
  const { name, observed, delivered, queued, spooled, connected } = books;
  const lost = Object.values(books.dropped).reduce((sum, points) => sum + points, 0);
  return [
    name,
    ...[observed, delivered, queued, spooled, lost].map(String),
    connected ? 'yes' : 'no',
  ];
}

function dropped({ name, dropped: by }: HandlerStatus): string[] {
  const reasons = Object.entries(by).flatMap(([why, n]) => (n > 0 ? [`${n} ${why}`] : []));
  return reasons.length === 0 ? [] : [`dropped by ${name}: ${reasons.join(', ')}`];
}
