import type { Clock } from '../clock/index.ts';
import { Unresponsive } from '../plugin/index.ts';
import type { Files, Reading } from './files.ts';

/** So many calls may hang at a time: Node runs four, and names are resolved by the same. */
const MOST_HUNG = 2;

/**
 * Files of which each call has to answer within a time. One that does not keeps the thread that Node
 * gave it until it does, so nothing more is asked of that path meanwhile; and of none, while two hang.
 *
 * @param ms milliseconds.
 */
export function deadlined(files: Files, clock: Clock, ms: number): Files {
  /** Calls that hang, by path. */
  const hung = new Map<string, number>();
  let spare: Buffer | undefined;

  async function within<T>(
    path: string,
    ask: () => Promise<T>,
    late?: (it: T) => void,
  ): Promise<T> {
    if (hung.has(path) || hung.size >= MOST_HUNG) {
      throw new Unresponsive(
        hung.has(path)
          ? `${path}: still does not answer`
          : `${path}: was not asked: ${[...hung.keys()].join(' and ')} do not answer`,
      );
    }
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
    hung.set(path, (hung.get(path) ?? 0) + 1);
    const end = () => {
      hung.delete(path);
    };
    answer.then(late, () => {}).then(end, end);
    throw new Unresponsive(`${path}: does not answer within ${ms / 1000} s: is its mount hung?`);
  }

  const timely = (path: string, file: Reading): Reading => ({
    stat: () => within(path, () => file.stat()),
    // Whoever gave it up uses the buffer for another file: a late answer must not be written there.
    async read(into, at, length, position) {
      const apart = spare !== undefined && spare.length >= length ? spare : Buffer.alloc(length);
      spare = undefined;
      const bytes = await within(path, () => file.read(apart, 0, length, position));
      apart.copy(into, at, 0, bytes);
      spare = apart;
      return bytes;
    },
    close: async () => {
      // What hangs is closed when it answers.
      if (hung.has(path)) void file.close().catch(() => {});
      else await file.close();
    },
  });

  return {
    stat: (path) => within(path, () => files.stat(path)),
    glance: (path) => files.glance(path),
    async open(path) {
      const file = await within(
        path,
        () => files.open(path),
        (it) => void it?.close().catch(() => {}),
      );
      return file === undefined ? undefined : timely(path, file);
    },
    real: (path) => within(path, () => files.real(path)),
    list: (folder) => within(folder, () => files.list(folder)),
    load: (path) => within(path, () => files.load(path)),
    store: (path, text) => within(path, () => files.store(path, text)),
    rename: (from, to) => within(from, () => files.rename(from, to)),
    sync: (folder) => within(folder, () => files.sync(folder)),
  };
}
