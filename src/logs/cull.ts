import { readFileSync } from 'node:fs';
import type { Clock } from '../clock/index.ts';
import { Mounts } from '../mounts/index.ts';
import { codeOf, Foreseen } from '../plugin/index.ts';
import { holdFile } from '../store/index.ts';
import type { Culled, CullNeeds, First } from './cull-contract.ts';
import { deadlined } from './deadline.ts';
import { type Files, liveFiles } from './files.ts';
import { isJournal } from './journal-query.ts';
import { type FoundLine, LineFinder } from './lines.ts';
import type { Loss } from './loss.ts';
import { openReader } from './open-reader.ts';
import { packingOf } from './packed.ts';
import { promptFiles } from './prompt-files.ts';
import { scratch } from './read-on.ts';
import { placeOf } from './reader.ts';
import { Run } from './run.ts';
import {
  draftState,
  type Found,
  loadState,
  STATE_FOLDER,
  type State,
  statePath,
  storeState,
} from './state.ts';

/** So many observations may wait; then nothing more is read until they are sent. */
const MOST_PENDING = 100_000;
/** So many observations of a past are held, in a few MiB. */
const AT_A_TIME = 5_000;
/** Between two looks at a lock, in milliseconds. */
const LOOK_AGAIN = 100;

/**
 * Reads what is new in a log, and sends what a parser makes of it.
 *
 * What was found and how far the log was read is written down in one step, before anything is sent; what
 * was sent is struck out in another. So no line is lost or counted twice, whenever the process dies; and
 * what is sent twice, because it died in between, is the same both times.
 *
 * @throws what `send` says, when everything is written down and will be sent by the next run; the file
 *   system's errors, when nothing has changed; {@link Foreseen} if another process is at work on it.
 */
export async function cull(needs: CullNeeds): Promise<Culled> {
  // Who keeps nothing is in nobody's way, and may not be allowed to write anything.
  if (needs.dry === true) return await cullHeld(needs);
  const hold = await holdFile(pathOf(needs), patience(needs));
  try {
    return await cullHeld(needs);
  } finally {
    await hold.release();
  }
}

/** The same, for whoever sees to it that nobody else is at work on it. */
export async function cullHeld(needs: CullNeeds): Promise<Culled> {
  const { dry = false, files = answering(needs) } = needs;
  const path = pathOf(needs);
  const before = await inherited(needs, files, path).catch((error: unknown) => {
    // Who may not even know how far it was read is shown what a first run would find.
    if (dry && codeOf(error) === 'EACCES') return undefined;
    throw error;
  });
  if (needs.whole && !dry && before !== undefined) await ownSecond(needs.clock, before.at);
  const keeper: Keeper = dry
    ? { store: async () => {}, draft: async () => async () => {} }
    : {
        store: (state) => storeState(files, path, state),
        draft: (state) => draftState(files, path, state),
      };
  return await run(needs, files, before, keeper);
}

/** Milliseconds in which a mount has to answer that may hang. */
const LONGEST_CALL = 10_000;

/** The files of this machine, of which no call goes on for ever. */
function answering({ clock, probe }: CullNeeds): Files {
  const mounts = new Mounts(clock);
  try {
    mounts.update(readFileSync('/proc/self/mountinfo', 'latin1'));
  } catch {
    // Another system, or a jail without /proc: nothing is known of mounts.
  }
  const until = { ms: LONGEST_CALL, clock, signal: undefined, probe };
  return deadlined(liveFiles, mounts, until, promptFiles);
}

/** Where states are kept. */
interface Keeper {
  store(state: State): Promise<void>;
  /** Has a state written beside, so that putting it in place needs no room. */
  draft(state: State): Promise<() => Promise<void>>;
}

/** Points of one second are one point to Graphite: the one before must not be taken for this one. */
async function ownSecond(clock: Clock, before: number): Promise<void> {
  const now = clock.now();
  const next = (Math.floor(before / 1000) + 1) * 1000;
  if (now < before || now >= next) return;
  await new Promise<void>((resolve) => {
    clock.after(next - now, resolve);
  });
}

const pathOf = ({ folder = STATE_FOLDER, parser, log, own }: CullNeeds): string =>
  statePath(folder, parser, log, own?.file);

/** The state at a path; where there is none yet, the one that was kept under the parser's name alone is put there. */
async function inherited(
  { folder = STATE_FOLDER, parser, log, own, dry }: CullNeeds,
  files: Files,
  path: string,
): Promise<State | undefined> {
  const before = await loadState(files, path);
  if (before !== undefined || own?.inherits !== true) return before;
  const former = statePath(folder, parser, log);
  const state = await loadState(files, former);
  if (state === undefined || dry === true) return state;
  try {
    await files.rename(former, path);
  } catch (error) {
    // Another of its name, which cron has started at the same moment, was the first.
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  await files.sync(folder);
  return state;
}

/** Waits for a while, in all, for whoever is at work on it. */
function patience({ clock, wait = 0 }: CullNeeds): () => Promise<boolean> {
  const until = clock.monotonic() + wait;
  return async () => {
    if (clock.monotonic() >= until) return false;
    await new Promise<void>((resolve) => {
      clock.after(LOOK_AGAIN, resolve);
    });
    return true;
  };
}

async function run(
  needs: CullNeeds,
  files: Files,
  before: State | undefined,
  { store, draft }: Keeper,
): Promise<Culled> {
  const { log, clock, parsing, needles, send, first = { from: 'end' } } = needs;
  let waiting = before?.pending ?? [];
  let resent: readonly Found[] = [];
  let failure: { readonly error: unknown } | undefined;
  if (before !== undefined && waiting.length > 0) {
    const took = async (output: string) => {
      waiting = sentTo(waiting, output);
      await store({ ...before, pending: waiting });
    };
    const struck = await draft({ ...before, pending: [] });
    try {
      await send(waiting, took);
      resent = waiting;
      waiting = [];
    } catch (error) {
      failure = { error };
      // A past stays where it is: only one part of it is held at a time.
      if (before.backfill !== undefined || count(waiting) > MOST_PENDING) throw error;
    }
    if (failure === undefined) await struck();
  }

  // Read as it stands it would be lines of nothing.
  if (before === undefined && packingOf(log) !== undefined) throw packed(log);
  const past = before === undefined ? pastOf(needs, first) : before.backfill;
  const leave = (line: FoundLine) => finder.leave(line);
  // A journal is read on from an entry, and not from a line.
  const most = isJournal(log) ? undefined : (needs.most ?? AT_A_TIME);
  const until = clock.now() / 1000 + AHEAD;
  const work = new Run(parsing, past && { ...past, until, most, leave });
  const finder: LineFinder = new LineFinder(work.offer, needles);
  const lost: Loss[] = [];
  let bytes = 0;
  const behindIt = await behind(files, log, before, first);
  // How much there is of a journal nobody knows; how long it goes on to now can be told.
  let begun: number | undefined;
  const total = (): number => {
    if (begun === undefined || work.time === undefined) return behindIt;
    return (bytes * (clock.now() / 1000 - begun)) / Math.max(work.time - begun, 1);
  };
  const progress = (more: number) => {
    bytes += more;
    needs.progress?.({ bytes, lines: finder.lines, total: Math.max(total(), bytes) });
  };
  const reader = openReader(
    {
      ...{ path: log, archives: needs.archives, files, clock, finder, scratch: scratch() },
      ...{
        progress,
        paused: () => work.full,
        lost: (loss: Loss) => void lost.push(loss),
        form: needs.journal,
      },
      dated: (time) => {
        begun ??= time;
        work.time = time;
      },
    },
    before,
  );
  const silent = before === undefined && first.from === 'end';
  if (silent) await reader.startAtEnd();
  else if (before === undefined && first.from === 'since') {
    await reader.startSince(first.since * 1000);
  }
  /** Writes down what was found with how far the log was read, and then sends it. */
  const handOver = async (at: number, backfill: State['backfill']): Promise<void> => {
    const { found } = work;
    const state = { at, ...placeOf(reader), backfill, pending: [...waiting, ...found] };
    await store(state);
    if (found.length === 0) return;
    let left: readonly Found[] = found;
    const took = async (output: string) => {
      left = sentTo(left, output);
      await store({ ...state, pending: [...waiting, ...left] });
    };
    const struck = await draft({ ...state, pending: waiting });
    try {
      await send(left, took);
      await struck();
    } catch (error) {
      failure ??= { error };
    }
  };
  // What the start left behind is gone before a month is gone through.
  if (past !== undefined) globalThis.gc?.();
  if (!silent) await reader.catchUp();
  while (work.full) {
    await handOver(clock.now(), past);
    // The next run goes on with it.
    if (failure !== undefined) throw failure.error;
    work.handed();
    // V8 would let ten such parts become old before it looks for garbage among them.
    globalThis.gc?.();
    await reader.catchUp();
  }
  const absent = await reader.absent();
  if (before === undefined && absent && reader.positions.length === 0) throw nothing(log);
  const now = clock.now();
  const seconds = before === undefined ? undefined : since(before.at, now);
  if (!silent) work.end(now / 1000, seconds ?? 1);

  await handOver(now, undefined);
  if (failure !== undefined) throw failure.error;
  const { found, known, failed, error } = work;
  const { lines, tooLong } = finder;
  const said = { first: before === undefined, absent, bytes, lines, known, tooLong, failed, error };
  return { ...said, seconds, lost, found, resent };
}

const sentTo = (found: readonly Found[], output: string): readonly Found[] =>
  found.map((it) => ({ ...it, sent: [...new Set([...(it.sent ?? []), output])] }));

/** Where the clock was set back it cannot tell; a second is then what it is taken for. */
const since = (then: number, now: number): number => (now > then ? (now - then) / 1000 : 1);

const count = (found: readonly Found[]): number =>
  found.reduce((sum, { observations }) => sum + observations.length, 0);

const nothing = (log: string): Foreseen =>
  new Foreseen(
    isJournal(log)
      ? `${log}: the journal has no entries. Does systemd-journald run here, and keep any (Storage= in journald.conf)?`
      : `${log}: there is no such file, so that nothing was read. Name a log that is there, or one whose ` +
          'rotated files are beside it.',
  );

const packed = (log: string): Foreseen =>
  new Foreseen(
    `${log}: it is packed, so that nothing was read. Name the log that it was rotated from: with --since ` +
      'that is read from there on. Or unpack it first, and name what comes out.',
  );

/** A clock that is so far ahead of ours is wrong (seconds). */
const AHEAD = 86_400;

function pastOf({ parsing, log }: CullNeeds, first: First): State['backfill'] {
  if (first.from === 'end' || first.interval === undefined) return undefined;
  if (parsing.timeOf === undefined && !isJournal(log)) {
    throw new Foreseen(
      `${log}: this parser does not know when a line was written, so that nothing can be counted by ` +
        'the time of the lines. Begin at the start or at the end of the log instead.',
    );
  }
  return { since: first.from === 'since' ? first.since : 0, interval: first.interval };
}

/** Bytes that are probably to be read. */
async function behind(
  files: Files,
  log: string,
  before: State | undefined,
  first: First,
): Promise<number> {
  const stat = await files.stat(log);
  const last = before?.positions.at(-1);
  if (stat === undefined || (before === undefined && first.from === 'end')) return 0;
  return last?.inode === stat.inode ? Math.max(0, stat.bytes - last.offset) : stat.bytes;
}
