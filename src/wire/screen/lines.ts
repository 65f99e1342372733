/** The lines around the tables: the title, memory, and how the agent itself is doing. */
import { bar, type Part } from './bars.ts';
import { FIGURE, LABEL, loadStyle, longBar } from './cpu.ts';
import type { AgentHealth, Row, Screen } from './model.ts';
import { type Abilities, type Line, lineWidth, pad, type Span, safeName, span } from './text.ts';
import { age, amount, latency, percent, size } from './units.ts';

/** A part of a line; the greater its rank, the sooner it is left out. */
interface Ranked {
  readonly rank: number;
  readonly line: Line;
}

/** As many parts as fit beside `right`, which stands at the end. */
function spread(parts: readonly Ranked[], right: Line, width: number): Line {
  const GAP = 3;
  let left = width - lineWidth(right);
  const kept = new Set<Ranked>();
  for (const part of parts.toSorted((a, b) => a.rank - b.rank)) {
    const needs = lineWidth(part.line) + GAP;
    if (needs > left && kept.size > 0) break;
    left -= needs;
    kept.add(part);
  }
  const line: Span[] = [];
  for (const part of parts) {
    if (kept.has(part)) line.push(...part.line, span(' '.repeat(GAP)));
  }
  return [...line, span(' '.repeat(Math.max(0, left))), ...right];
}

/** Which host, for how long it has been up, its load, and the time of what is shown. */
export function titleLine(screen: Screen, width: number, timeZone: string | undefined): Line {
  const cores = screen.rows('cores').length;
  const load: Span[] = [span('load', 'dim')];
  for (const column of ['1m', '5m', '15m']) {
    const value = screen.row('load')?.numbers.get(column);
    load.push(
      value === undefined
        ? span(' –', 'dim')
        : span(` ${value.toFixed(2)}`, loadStyle(value, cores)),
    );
  }
  const onCores = cores > 0 ? [span(`${cores} ${cores === 1 ? 'core' : 'cores'}`, 'dim')] : [];
  const uptime = age(screen.row('uptime')?.numbers.get('seconds'));
  return spread(
    [
      { rank: 0, line: [span(safeName(screen.host ?? ''), 'bold')] },
      { rank: 2, line: [span('up ', 'dim'), span(uptime)] },
      { rank: 1, line: load },
      { rank: 3, line: onCores },
    ].filter(({ line }) => line.length > 0),
    [span(clockTime(screen.time, timeZone))],
    width,
  );
}

const clockTime = (time: number, timeZone: string | undefined): string =>
  new Date(time * 1000).toLocaleTimeString('en-GB', { timeZone });

/** A bar, its percentage, and as many figures as pad, the most important first. */
function levelLine(
  label: string,
  parts: readonly Part[],
  used: number | undefined,
  figures: readonly Line[],
  width: number,
  abilities: Abilities,
): Line {
  const cells = longBar(width);
  const line: Span[] = [
    span(pad(label, LABEL), 'heading'),
    ...bar(parts, cells, abilities),
    span(pad(percent(used), FIGURE, 'right'), used === undefined ? 'dim' : 'bold'),
  ];
  let left = width - LABEL - cells - FIGURE;
  for (const figure of figures) {
    left -= 2 + lineWidth(figure);
    if (left < 0) break;
    line.push(span('  '), ...figure);
  }
  return line;
}

const share = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || whole === undefined || whole === 0 ? undefined : part / whole;

/** Green is in use, cyan is cache that gives way, the rest is free. */
export function memoryLine(row: Row | undefined, width: number, abilities: Abilities): Line {
  const of = (column: string) => row?.numbers.get(column);
  const limit = of('limit');
  const used = share(of('used'), limit);
  const cached = ['buffered', 'cached', 'slab_reclaimable'].map(of);
  const cache = cached.every((bytes) => bytes === undefined)
    ? undefined
    : cached.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const tight = used !== undefined && used >= 0.9;
  return levelLine(
    'Mem',
    [
      { ratio: used ?? 0, style: tight ? 'red' : 'green' },
      { ratio: share(cache, limit) ?? 0, style: 'cyan' },
    ],
    used,
    [
      [span(size(of('used'))), span(` of ${size(limit)}`, 'dim')],
      [span('cache ', 'cyan'), span(size(cache))],
      [span('free ', 'dim'), span(size(of('free')))],
      [span('available ', 'dim'), span(size(of('available')))],
    ],
    width,
    abilities,
  );
}

/** Whether the host has swap at all. */
export const hasSwap = (row: Row | undefined): boolean => (row?.numbers.get('limit') ?? 0) > 0;

export function swapLine(row: Row | undefined, width: number, abilities: Abilities): Line {
  const limit = row?.numbers.get('limit');
  const bytes = row?.numbers.get('used');
  const used = share(bytes, limit);
  const style = used !== undefined && used >= 0.5 ? 'yellow' : 'green';
  const figures: Line = [span(size(bytes)), span(` of ${size(limit)}`, 'dim')];
  return levelLine('Swap', [{ ratio: used ?? 0, style }], used, [figures], width, abilities);
}

/** The last problem that still stands, in its first line. */
export const problemLine = (problem: string): Line => [
  span('! ', 'alarm'),
  span(safeName(problem.split('\n', 1)[0] ?? ''), 'yellow'),
];

/** How the agent is doing, worst news first. */
export function agentLine(screen: Screen, width: number): Line {
  const { agent } = screen;
  const of = (column: string) => screen.row('agent')?.numbers.get(column);
  const parts: Ranked[] = [{ rank: 0, line: [span('cullinan', 'heading')] }];
  if (agent !== undefined) {
    parts.push({ rank: 2, line: collectorsPart(screen, agent) });
    for (const handler of agent.handlers) {
      // Points that arrived here are on the screen already.
      if (handler.name !== 'live') parts.push(handlerPart(handler));
    }
    const series = agent.collectors.reduce((sum, { series }) => sum + series, 0);
    parts.push({ rank: 4, line: [span(amount(series)), span(' series', 'dim')] });
  }
  const user = of('cpu user');
  const system = of('cpu system');
  const cpu = user === undefined || system === undefined ? undefined : user + system;
  parts.push({ rank: 5, line: [span(size(of('memory')))] });
  parts.push({ rank: 6, line: [span(percent(cpu, true)), span(' CPU', 'dim')] });
  const lag = of('lag');
  const lagStyle = lag !== undefined && lag >= 0.1 ? 'yellow' : 'plain';
  parts.push({ rank: 7, line: [span('lag ', 'dim'), span(latency(lag), lagStyle)] });
  return spread(parts, [span('Ctrl-C quits', 'dim')], width);
}

function collectorsPart(screen: Screen, { collectors }: AgentHealth): Line {
  const failing = screen.failing();
  if (failing.length === 0) {
    return [span(`${collectors.length}`), span(' collectors ', 'dim'), span('ok', 'green')];
  }
  return [span(`${safeName(failing.slice(0, 3).join(' '))} failing`, 'alarm')];
}

function handlerPart({
  name,
  connected,
  delivered,
  queued,
  dropped,
}: AgentHealth['handlers'][number]): Ranked {
  const lost = Object.values(dropped).reduce((sum, points) => sum + points, 0);
  const line: Span[] = [
    span(`${safeName(name)} `, 'dim'),
    connected ? span(`${amount(delivered)} sent`) : span('down', 'alarm'),
  ];
  if (queued > 0) line.push(span(` ${amount(queued)} queued`, connected ? 'plain' : 'yellow'));
  if (lost > 0) line.push(span(` ${amount(lost)} dropped`, 'alarm'));
  return { rank: connected && lost === 0 ? 3 : 1, line };
}
