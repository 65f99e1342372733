/** A tree of small files, such as /proc or /sys, or a recording of it. Paths have no leading slash. */
export interface Tree {
  /**
   * The whole file, one character per byte.
   *
   * @throws {@link NoData} if it does not exist (or the device behind it has gone),
   *   {@link AccessDenied} if the agent's user may not read it.
   */
  read(path: string): string;
  /** The names in a folder, sorted. Throws like {@link read}. */
  list(path: string): readonly string[];
  /** Where a symbolic link points, as it is written. Throws like {@link read}. */
  link(path: string): string;
}

/** What statfs(2) says of a mounted filesystem: blocks of `blockSize` bytes, and inodes. */
export interface Statfs {
  readonly blockSize: number;
  readonly blocks: number;
  /** Free for root. */
  readonly blocksFree: number;
  /** Free for everybody else. */
  readonly blocksAvailable: number;
  /** All inodes; 0 where the filesystem makes them as needed. */
  readonly inodes: number;
  readonly inodesFree: number;
}

/** The host that is observed: the one the agent runs on, one seen from a container, or a recording. */
export interface Host {
  readonly proc: Tree;
  readonly sys: Tree;
  readonly root: Tree;
  /** Whether proc, sys and root show another system than the agent's own: then ask PID 1, not self. */
  readonly foreign: boolean;
  /** Asks at once, on this thread: only for filesystems that cannot hang. Throws like {@link Tree.read}. */
  statfs(mountpoint: string): Statfs;
  /**
   * Asks in a child process that is killed at the deadline, for filesystems that may hang.
   * Rejects with {@link Unresponsive} at the deadline, and at once while an earlier child still hangs.
   */
  statfsGuarded(mountpoint: string, signal: AbortSignal): Promise<Statfs>;
}
