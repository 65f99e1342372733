import { type Clock, systemClock } from '../clock/index.ts';
import { Unresponsive } from '../plugin/index.ts';
import type { Files, Reading } from './files.ts';
import type { Mounts, On } from './mounts.ts';

/** So many mounts may hang at a time: Node has four threads for files, and names are resolved by the same. */
const MOST_HUNG = 2;

interface Asked extends On {
  readonly path: string;
}

/**
 * Files of which each call has to answer within a time where it may hang. One that does not answer keeps
 * the thread that Node gave it until it does: meanwhile nothing more is asked of that mount, nor, while
 * two hang, of any other that may. What the kernel answers for by itself is asked always.
 *
 * @param ms milliseconds.
 */
export function deadlined(
  files: Files,
  mounts: Mounts,
  ms: number,
  clock: Clock = systemClock,
): Files {
  /** Mount points of which a call hangs. */
  const hung = new Set<string>();

  const asked = (path: string): Asked => ({ path, ...mounts.of(path) });

  function refuse({ path, mountpoint }: Asked): void {
    if (hung.has(mountpoint))
      throw new Unresponsive(`${path}: ${mountpoint} still does not answer`);
    if (hung.size < MOST_HUNG) return;
    const those = [...hung].join(' and ');
    throw new Unresponsive(`${path}: was not asked: ${those} do not answer`);
  }

  async function within<T>(
    where: Asked,
    ask: () => Promise<T>,
    late?: (it: T) => void,
  ): Promise<T> {
    const { path, mountpoint } = where;
    if (!where.mayHang) return await ask();
    refuse(where);
    const answer = ask();
    let timer: { cancel(): void } | undefined;
    const over = new Promise<'over'>((resolve) => {
      timer = clock.after(ms, () => resolve('over'));
    });
    try {
      const first = await Promise.race([answer.then((it) => ({ it })), over]);
      if (first !== 'over') return first.it;
    } finally {
      timer?.cancel();
    }
    hung.add(mountpoint);
    const end = () => void hung.delete(mountpoint);
    answer.then(late, () => {}).then(end, end);
    throw new Unresponsive(`${path}: ${mountpoint} does not answer within ${ms / 1000} s`);
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

  return {
    async stat(path) {
      return await within(asked(path), () => files.stat(path));
    },
    glance: (path) => files.glance(path),
    mayHang: (path) => mounts.of(path).mayHang,
    async open(path) {
      const where = asked(path);
      const file = await within(
        where,
        () => files.open(path),
        (it) => void it?.close().catch(() => {}),
      );
      return file === undefined || !where.mayHang ? file : timely(where, file);
    },
    async real(path) {
      return await within(asked(path), () => files.real(path));
    },
    async list(folder) {
      return await within(asked(folder), () => files.list(folder));
    },
    load: (path) => files.load(path),
    store: (path, text) => files.store(path, text),
    append: (path, text, sync) => files.append(path, text, sync),
    rename: (from, to) => files.rename(from, to),
    sync: (folder) => files.sync(folder),
  };
}
