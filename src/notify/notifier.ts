import type { Clock } from '../clock/index.ts';
import type { Channel } from './channel.ts';

/** How long the agent may be silent without being ill. */
export interface Expectation {
  /** Seconds between two ticks, at most; `undefined` where nothing ticks. */
  readonly interval: number | undefined;
  /** Seconds that a reload or an end may take to deliver what is queued. */
  readonly delivering: number;
}

/** Tells systemd how the agent is; whatever is told while nobody listens is lost and costs nothing. */
export interface Notifier {
  /** The first tick was collected, and the handlers have begun; also the end of a reload. */
  ready(expectation: Expectation): void;
  /** A tick of the scheduler ran. Nothing else feeds the watchdog. */
  ticked(): void;
  reloading(expectation: Expectation): void;
  /** The end has begun. */
  stopping(expectation: Expectation): void;
}

interface Needs {
  /** Absent where nobody listens. */
  readonly channel: Channel | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly pid: number;
  /** How the agent is, in one line. */
  readonly status: () => string;
}

/** Ticks that may fail to come before the watchdog bites. */
const TICKS = 3;
/** Milliseconds between two status lines that differ only in their numbers. */
const CALM = 60_000;
/** Milliseconds between two messages for ticks, at least. */
const PAUSE = 5000;
/** Seconds for whatever else an end takes. */
const SLACK = 10;

const micro = (seconds: number): string => `${Math.ceil(seconds * 1e6)}`;
const words = (line: string): string => line.replaceAll(/\d+/g, '');

export function createNotifier({ channel, environment, clock, pid, status }: Needs): Notifier {
  const patience = watchdogOf(environment, pid);
  // Told of ticks often enough that one message which is lost does no harm.
  const pause = patience === undefined ? PAUSE : Math.min(PAUSE, (patience * 1000) / 4);
  let told = Number.NEGATIVE_INFINITY;
  let statusTold = Number.NEGATIVE_INFINITY;
  let line = '';
  let watched = patience;

  function statusLines(): string[] {
    const now = clock.monotonic();
    const next = status();
    if (next === line || (words(next) === words(line) && now - statusTold < CALM)) return [];
    line = next;
    statusTold = now;
    return [`STATUS=${next}`];
  }

  /**
   * Ticks that come seldom need a watchdog that is patient: systemd takes another time from the service
   * itself. A service in which nothing ticks has none.
   */
  function watchdogLines({ interval, delivering }: Expectation): string[] {
    if (patience === undefined) return [];
    const wanted =
      interval === undefined ? 0 : Math.max(patience, TICKS * interval, 2 * delivering);
    if (wanted === watched) return [];
    watched = wanted;
    return [`WATCHDOG_USEC=${micro(wanted)}`];
  }

  const later = ({ delivering }: Expectation) => [
    `EXTEND_TIMEOUT_USEC=${micro(delivering + SLACK)}`,
  ];

  return {
    ready(expectation) {
      statusTold = Number.NEGATIVE_INFINITY;
      channel?.send(['READY=1', ...watchdogLines(expectation), ...statusLines()]);
    },
    ticked() {
      const now = clock.monotonic();
      if (channel === undefined || now - told < pause || !channel.idle) return;
      told = now;
      const lines = [...(patience === undefined ? [] : ['WATCHDOG=1']), ...statusLines()];
      if (lines.length > 0) channel.send(lines);
    },
    reloading(expectation) {
      const now = Math.floor(clock.monotonic() * 1000);
      line = 'loading the configuration again';
      channel?.send([
        ...['RELOADING=1', `MONOTONIC_USEC=${now}`, `STATUS=${line}`],
        ...later(expectation),
      ]);
    },
    stopping(expectation) {
      line = 'delivering what is queued';
      channel?.send(['STOPPING=1', `STATUS=${line}`, ...later(expectation)]);
    },
  };
}

/** The unit's `WatchdogSec=` in seconds, if it has one and means this process (sd_watchdog_enabled(3)). */
function watchdogOf(environment: Needs['environment'], pid: number): number | undefined {
  const { WATCHDOG_USEC: time = '', WATCHDOG_PID: meant = '' } = environment;
  if (!/^[1-9]\d{0,17}$/.test(time) || (meant !== '' && meant !== String(pid))) return undefined;
  return Number(time) / 1e6;
}
