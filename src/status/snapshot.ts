import type { AgentStatus, HandlerStatus } from '../plugin/index.ts';

/** What the agent knows of itself at one moment, as JSON has it. Times are in seconds, sizes in bytes. */
export interface Snapshot extends AgentStatus {
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Since the agent was started. */
  readonly uptime: number;
}

/** Copies everything, at one moment. */
export function snapshot(
  status: AgentStatus,
  own: Pick<Snapshot, 'version' | 'host' | 'pid' | 'uptime'>,
): Snapshot {
  const { handlers, collectors, schedule, counterResets, eventLoopLag } = status;
  const { residentMemory, cpu, problem } = status;
  return {
    ...own,
    ...{ handlers, collectors, schedule, counterResets, eventLoopLag },
    ...{ residentMemory, cpu, problem },
  };
}

/** The points by which a handler's books are off: 0, or the agent has a bug. */
export function unbalanced({
  observed,
  delivered,
  queued,
  spooled,
  dropped,
}: Pick<HandlerStatus, 'observed' | 'delivered' | 'queued' | 'spooled' | 'dropped'>): number {
  const lost = Object.values(dropped).reduce((sum, points) => sum + points, 0);
  return observed - delivered - queued - spooled - lost;
}
