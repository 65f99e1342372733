import type { AgentStatus, HandlerStatus } from '../plugin/index.ts';

/** What tells whether the agent lives. */
export interface Vitals {
  readonly status: Pick<AgentStatus, 'handlers'>;
  /** Seconds since a tick ran, or since the start where none has yet. */
  readonly sinceTick: number;
  /** Seconds between two ticks that some collector has at most. */
  readonly interval: number;
}

/** What a probe is told. Every reason is a sentence. */
export interface Condition {
  /** It runs, and ticks come. */
  readonly alive: boolean;
  /** Besides, whatever it observes is delivered to every handler. */
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** Ticks that may be missing, and seconds beside them, before something is wrong. */
const MISSED = 3;
const LATE = 5;

/** Judges by what is known at this moment. */
export function conditionOf({ status, sinceTick, interval }: Vitals): Condition {
  const alive = sinceTick <= MISSED * interval + LATE;
  const dead = `no tick for ${Math.round(sinceTick)} s, and there should be one every ${interval} s`;
  const away = status.handlers.filter((books) => !delivers(books)).map(spoken);
  return {
    alive,
    ready: alive && away.length === 0,
    reasons: alive ? away : [dead, ...away],
  };
}

/** A peer that closed an idle connection is called again when there is something to send. */
const delivers = ({ connected, queued, spooled }: HandlerStatus): boolean =>
  connected || queued + spooled === 0;

const spoken = ({ name, queued, spooled }: HandlerStatus): string =>
  `handler ${name} is not connected, and ${queued + spooled} points wait`;
