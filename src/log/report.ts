import type { Clock } from '../clock/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
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
  /** Nothing is broken, something is just not there: said as information, not as a warning. */
  readonly absent?: boolean;
}

/**
 * Says a problem once, mutes its repeats for ten minutes, and says when it is over. Where its cause turns
 * into another that was foreseen, that is said too: a peer that closed the connection may since show a
 * certificate that has expired.
 */
export interface Report {
  /** @param key the same for every repeat of the same problem. */
  problem(key: string, trouble: Trouble): void;
  /** The problem under this key is over; nothing happens if there was none. */
  recovered(key: string): void;
  /** Whoever had the problems under this key, or under longer keys that begin with it, is no more. */
  forget(key: string): void;
  /** The latest problem that still stands, as one line, with what it was last time. */
  readonly standing: string | undefined;
}

interface Known {
  readonly where: string;
  /** As it was last time. */
  line: string;
  /** The causes that were said and not muted since, without the numbers in them. */
  causes: Set<string>;
  /** When it began; again after it had been over. */
  since: number;
  /** When it was last said. */
  said: number;
  times: number;
  muted: number;
  over: boolean;
  /** Whether its end was said since it was last said itself. */
  endSaid: boolean;
}

/** Milliseconds in which the same problem is not said again, and its end at most once. */
const MUTE = 600_000;
/** A problem whose end was said is said again before that, once it has lasted for so many milliseconds. */
const LASTING = 30_000;
/** So many causes of one problem are said in that time. */
const CAUSES = 3;
/** More problems at once than this push out the oldest: memory is bounded. */
const MOST = 1000;
/** What somebody else wrote into a message may be of any length. */
const LONGEST = 500;

/** Makes a report that writes to a log. */
export function createReport(log: Log, clock: Clock): Report {
  const known = new Map<string, Known>();

  function say(trouble: Trouble, line: string, stack: string | undefined, repeats: number): void {
    const fields = {
      where: trouble.where,
      effect: trouble.effect,
      ...(trouble.remedy === undefined ? {} : { remedy: trouble.remedy }),
      ...(repeats === 0 ? {} : { repeats }),
      ...(stack === undefined ? {} : { stack }),
    };
    log[trouble.absent ? 'info' : 'warn'](fields, line);
  }

  return {
    problem(key, trouble) {
      const now = clock.monotonic();
      const before = known.get(key);
      const { message, stack } = describe(trouble.error);
      const line = `${trouble.where}: ${message}`;
      const cause = line.replace(/\d+/g, '0');
      if (before !== undefined) {
        if (before.over) {
          before.over = false;
          before.since = now;
          before.times = 0;
        }
        before.times += 1;
        before.line = line;
        // Where its end was the last word, a reader believes that all is well.
        const believedOver = before.endSaid && now - before.since >= LASTING;
        if (now - before.said < MUTE && !believedOver) {
          const { causes } = before;
          const told = causes.has(cause) || causes.size >= CAUSES;
          if (told || !(trouble.error instanceof Foreseen)) {
            before.muted += 1;
            return;
          }
          causes.add(cause);
          say(trouble, line, stack, 0);
          return;
        }
      }
      say(trouble, line, stack, before?.muted ?? 0);
      if (before !== undefined) {
        before.said = now;
        before.causes = new Set([cause]);
        before.muted = 0;
        before.endSaid = false;
        return;
      }
      if (known.size >= MOST) known.delete(known.keys().next().value ?? key);
      const { where } = trouble;
      const fresh = { since: now, said: now, times: 1, muted: 0, over: false, endSaid: false };
      known.set(key, { where, line, causes: new Set([cause]), ...fresh });
    },
    recovered(key) {
      const it = known.get(key);
      if (it === undefined || it.over) return;
      it.over = true;
      // What comes and goes is said once each way; then it is quiet for as long as any repeat.
      if (it.endSaid) return;
      it.endSaid = true;
      const seconds = Math.round((clock.monotonic() - it.since) / 1000);
      const times = it.times === 1 ? 'once' : `${it.times} times`;
      log.info(
        { where: it.where, seconds, failures: it.times },
        `${it.where} recovered after failing ${times} in ${seconds} s`,
      );
    },
    forget(key) {
      for (const each of known.keys()) {
        if (each === key || each.startsWith(`${key} `)) known.delete(each);
      }
    },
    get standing() {
      return [...known.values()].findLast(({ over }) => !over)?.line;
    },
  };
}

function describe(error: unknown): { message: string; stack?: string | undefined } {
  if (!(error instanceof Error)) return { message: cut(String(error)) };
  // A failed system call is no bug either, and its message names the call.
  const foreseen = error instanceof Foreseen || codeOf(error) !== undefined;
  return { message: cut(error.message), stack: foreseen ? undefined : error.stack };
}

const cut = (text: string): string =>
  text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
