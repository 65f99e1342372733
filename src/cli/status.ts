import type { HandlerStatus } from '../plugin/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { ask, type Snapshot, unbalanced } from '../status/index.ts';
import { EXIT, type Io, UsageError } from './io.ts';
import { load } from './setup.ts';
import { standardSockets } from './sockets.ts';

interface Options {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: boolean;
}

/** `cullinan status`: asks the running agent for its books, and shows that they balance. */
export async function status(io: Io, { config, socket, json }: Options): Promise<number> {
  if (socket === '') throw new UsageError('--socket needs the path of a socket');
  const said = socket ?? load(io, config, {}).status.socket;
  const answer = await first(said === undefined ? standardSockets(io.environment) : [said]);
  if (json) io.out(`${JSON.stringify(answer)}\n`);
  else io.out(rendered(answer));
  const off = answer.handlers.filter((books) => unbalanced(books) !== 0);
  if (off.length === 0) return EXIT.ok;
  for (const books of off) {
    io.err(`cullinan: the books of ${books.name} are off by ${unbalanced(books)} points.\n`);
  }
  return EXIT.failure;
}

/** The first of several sockets where somebody answers. */
async function first(sockets: readonly string[]): Promise<Snapshot> {
  const troubles: string[] = [];
  for (const socket of sockets) {
    try {
      return await ask(socket);
    } catch (error) {
      troubles.push(trouble(socket, error));
    }
  }
  throw new Foreseen(
    `no agent answers.\n${troubles.map((line) => `  ${line}\n`).join('')}` +
      'Start one with "cullinan run", or say where it listens: cullinan status --socket <path>',
  );
}

function trouble(socket: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return `${socket}: there is no such socket`;
    case 'ECONNREFUSED':
      return `${socket}: the agent that made it has ended`;
    case 'EACCES':
      return `${socket}: you may not ask; become a member of the socket's group, or root`;
    default:
      return error instanceof Foreseen ? error.message : `${socket}: ${String(error)}`;
  }
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

function spanned(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const at = Math.max(
    0,
    units.findIndex(([size]) => seconds >= size),
  );
  let left = Math.floor(seconds);
  return units
    .slice(at, at + 2)
    .map(([size, name]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return `${count} ${name}`;
    })
    .join(' ');
}
