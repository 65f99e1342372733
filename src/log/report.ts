import type { Clock } from '../clock/index.ts';
import type { Log } from './log.ts';

/** What went wrong, in the order a person asks. */
export interface Trouble {
  /** The part of the agent, such as `collector network` or `handler graphite`. */
  readonly where: string;
  readonly error: unknown;
  /** Why it matters: what is missing or late because of it. */
  readonly effect: string;
  /** What to do about it, where that is known. */
  readonly remedy?: string | undefined;
}

/** Says a problem once, mutes its repeats, and says when it is over. */
export interface Report {
  /** @param key the same for every repeat of the same problem. */
  problem(key: string, trouble: Trouble): void;
  /** The problem under this key is over; nothing happens if there was none. */
  recovered(key: string): void;
  /** The latest problem that still stands, as one line. */
  readonly standing: string | undefined;
}

interface Standing {
  readonly since: number;
  readonly where: string;
  readonly line: string;
  said: number;
  times: number;
  muted: number;
}

const MUTE = 600_000;
/** More problems at once than this are counted under their first letters' key no longer: memory is bounded. */
const MOST = 1000;

/** Makes a report that writes to a log; repeats of a problem are muted for ten minutes. */
export function createReport(log: Log, clock: Clock): Report {
  const standing = new Map<string, Standing>();
  return {
    problem(key, trouble) {
      const now = clock.monotonic();
      const { message, stack } = describe(trouble.error);
      const known = standing.get(key);
      if (known !== undefined) {
        known.times += 1;
        known.muted += 1;
        if (now - known.said < MUTE) return;
      }
      const repeats = known === undefined ? 0 : known.muted;
      const line = `${trouble.where}: ${message}`;
      log.warn(
        {
          where: trouble.where,
          effect: trouble.effect,
          ...(trouble.remedy === undefined ? {} : { remedy: trouble.remedy }),
          ...(repeats === 0 ? {} : { repeats }),
          ...(stack === undefined ? {} : { stack }),
        },
        line,
      );
      if (known !== undefined) {
        known.said = now;
        known.muted = 0;
      } else {
        if (standing.size >= MOST) standing.delete(standing.keys().next().value ?? key);
        standing.set(key, {
          since: now,
          where: trouble.where,
          line,
          said: now,
          times: 1,
          muted: 0,
        });
      }
    },
    recovered(key) {
      const known = standing.get(key);
      if (known === undefined) return;
      standing.delete(key);
      const seconds = Math.round((clock.monotonic() - known.since) / 1000);
      const times = known.times === 1 ? 'once' : `${known.times} times`;
      log.info(
        { where: known.where, seconds, failures: known.times },
        `${known.where} recovered after failing ${times} in ${seconds} s`,
      );
    },
    get standing() {
      return [...standing.values()].at(-1)?.line;
    },
  };
}

/** Errors the agent expects say it all in their message; anything else is a bug and brings its stack. */
const EXPECTED: ReadonlySet<string> = new Set([
  'ParseError',
  'NoData',
  'AccessDenied',
  'Unresponsive',
  'Unsendable',
  'TooManySeries',
]);

function describe(error: unknown): { message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { message: String(error) };
  const bug = !EXPECTED.has(error.name) && !('code' in error);
  return { message: error.message, stack: bug ? error.stack : undefined };
}
