import type { AgentStatus, HandlerStatus } from '../plugin/index.ts';

/** systemctl shows it in one line of a terminal. */
const LONGEST = 240;

const counted = (count: number, word: string): string =>
  `${count} ${word}${count === 1 ? '' : 's'}`;

function handler({ name, connected, failures, queued, spooled }: HandlerStatus): string {
  const waiting = queued + spooled;
  // Some peers are called only when there is something to send.
  const away = !connected && failures > 0 && waiting > 0;
  if (away) return `${name} NOT connected, ${waiting} waiting`;
  return waiting > 0 ? `${name} with ${waiting} waiting` : `${name} fine`;
}

/** How the agent is, as `systemctl status` shows it: `13 collectors, 441 series; graphite fine`. */
export function statusLine({ collectors, handlers, problem }: AgentStatus): string {
  const series = collectors.reduce((sum, it) => sum + it.series, 0);
  const parts = [
    `${counted(collectors.length, 'collector')}, ${series} series`,
    ...handlers.map(handler),
    ...(problem === undefined ? [] : [`problem: ${problem}`]),
  ];
  const line = parts.join('; ').replaceAll(/\s+/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
