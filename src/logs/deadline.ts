import type { Clock } from '../clock/index.ts';
import { bytewise, type Mounts, type On } from '../mounts/index.ts';
import { Unresponsive } from '../plugin/index.ts';
import type { Files, Reading } from './files.ts';

/** So many mounts may hang at a time: Node has four threads for files, and names are resolved by the same. */
const MOST_HUNG = 2;

interface Asked extends On {
  readonly path: string;
}

/** How long is waited for an answer. */
export interface Until {
  /** Milliseconds. */
  readonly ms: number;
  readonly clock: Clock;
  /** Then everything is given up that has not answered. */
  signal: AbortSignal | undefined;
  /**
   * Asks a mount in another process, as `Host.statfsGuarded`: by one character per byte. Rejects with
   * {@link Unresponsive} when the signal is aborted.
   */
  probe: ((mountpoint: string, signal: AbortSignal) => Promise<unknown>) | undefined;
}

/** It is the same whatever is asked: it is one problem. */
const silent = (mountpoint: string): Unresponsive =>
  new Unresponsive(`${mountpoint} does not answer: the logs there are not read`);

/**
 * Files of which each call has to answer within a time where it may hang: mounts are asked by another
 * process first, once for each signal. A call that does not answer all the same keeps the thread that Node gave it until it does: meanwhile nothing more is asked of that mount, nor, while
 * two hang, of any other that may. What the kernel answers for by itself is asked always.
 *
 * @param local answers for what cannot hang, where that may be asked otherwise.
 */
export function deadlined(files: Files, mounts: Mounts, until: Until, local: Files = files): Files {
  const { ms, clock } = until;
  const those = ({ mayHang }: On) => (mayHang ? files : local);
  /** Mount points of which a call hangs. */
  const hung = new Set<string>();
  /** What each mount answered, for as long as one signal holds. */
  let answers = new Map<string, Promise<void>>();
  let current: AbortSignal | undefined;

  /** Asks a mount first where it costs no thread. */
  function answered(where: On): Promise<void> {
    if (until.signal !== current) {
      current = until.signal;
      answers = new Map();
    }
    const { mountpoint } = where;
    const known = answers.get(mountpoint);
    if (known !== undefined) return known;
    const answer = ask(where);
    answer.catch(() => {});
    answers.set(mountpoint, answer);
    return answer;
  }

  async function ask(where: On): Promise<void> {
    const { probe, signal } = until;
    if (probe === undefined) return;
    const late = new AbortController();
    const giveUp = () => late.abort();
    const timer = clock.after(ms, giveUp);
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      await probe(bytewise(where), late.signal);
    } catch (error) {
      // What else is wrong, whoever reads there is told.
      if (error instanceof Unresponsive) throw silent(where.mountpoint);
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', giveUp);
    }
  }

  const asked = (path: string): Asked => ({ path, ...mounts.of(path) });

  function refuse({ mountpoint }: Asked): void {
    if (hung.has(mountpoint)) throw silent(mountpoint);
    if (hung.size < MOST_HUNG) return;
    const those = [...hung].join(' and ');
    throw new Unresponsive(`${mountpoint} is not asked while ${those} do not answer`);
  }

  async function within<T>(
    where: Asked,
    call: () => Promise<T>,
    late?: (it: T) => void,
  ): Promise<T> {
    const { mountpoint } = where;
    if (!where.mayHang) return await call();
    refuse(where);
    await answered(where);
    const answer = call();
    let timer: { cancel(): void } | undefined;
    const { signal } = until;
    let giveUp = () => {};
    const over = new Promise<'over'>((resolve) => {
      giveUp = () => resolve('over');
      timer = clock.after(ms, giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted) giveUp();
    });
    try {
      const first = await Promise.race([answer.then((it) => ({ it })), over]);
      if (first !== 'over') return first.it;
    } finally {
      timer?.cancel();
      signal?.removeEventListener('abort', giveUp);
    }
    hung.add(mountpoint);
    const end = () => void hung.delete(mountpoint);
    answer.then(late, () => {}).then(end, end);
    throw silent(mountpoint);
  }

  function timely(where: Asked, file: Reading): Reading {
    return {
      stat: () => within(where, () => file.stat()),
      // Whoever gave it up uses the buffer for another file: a late answer must not be written there.
      async read(into, at, length, position) {
        const apart = Buffer.allocUnsafe(length);
        const bytes = await within(where, () => file.read(apart, 0, length, position));
        apart.copy(into, at, 0, bytes);
        return bytes;
      },
      async close() {
        // What hangs is closed when it answers.
        const closed = file.close();
        if (hung.has(where.mountpoint)) closed.catch(() => {});
        else await closed;
      },
    };
  }

  const asking = <T>(path: string, call: (files: Files) => Promise<T>): Promise<T> => {
    const where = asked(path);
    return within(where, () => call(those(where)));
  };

  return {
    stat: (path) => asking(path, (files) => files.stat(path)),
    glance: (path) => files.glance(path),
    mayHang: (path) => mounts.of(path).mayHang,
    async open(path) {
      const where = asked(path);
      const file = await within(
        where,
        () => those(where).open(path),
        (it) => void it?.close().catch(() => {}),
      );
      return file === undefined || !where.mayHang ? file : timely(where, file);
    },
    real: (path) => asking(path, (files) => files.real(path)),
    list: (folder) => asking(folder, (files) => files.list(folder)),
    load: (path) => local.load(path),
    store: (path, text) => local.store(path, text),
    append: (path, text, sync) => local.append(path, text, sync),
    rename: (from, to) => local.rename(from, to),
    sync: (folder) => local.sync(folder),
  };
}
