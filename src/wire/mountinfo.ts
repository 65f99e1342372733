/** One line of /proc/<pid>/mountinfo (Linux, fs/proc_namespace.c); one character per byte. */
export interface Mount {
  readonly id: string;
  /** The mount it stands on; itself, or one that is out of sight, at the root. */
  readonly parent: string;
  /** `major:minor` of the filesystem. */
  readonly number: string;
  /** The folder of the filesystem that is mounted: `/`, or another for a bind mount. */
  readonly root: string;
  readonly mountpoint: string;
  readonly type: string;
  /** What is mounted: `/dev/sda1`, `server:/export`; any text where the type needs none. */
  readonly source: string;
}

const LINE = /^(\d+) (\d+) (\d+:\d+) ([^ ]+) (\/[^ ]*) [^ ]+(?: [^ ]+)*? - ([^ ]+) ([^ ]*) /;

/** The kernel writes blanks, newlines, backslashes and hash signs in octal. */
const unescaped = (text: string) =>
  text.replace(/\\((?!000)[0-3][0-7]{2})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** Reads a line; `undefined` if it is none. */
export function decodeMount(line: string): Mount | undefined {
  const match = LINE.exec(line);
  // No name holds a NUL, and no system call takes one.
  if (match === null || line.includes('\0')) return undefined;
  const [id, parent, number, root, mountpoint, type, source] = match.slice(1).map(unescaped);
  return { id, parent, number, root, mountpoint, type, source } as Mount;
}

/** A mount that its own path leads to. */
export interface Reachable extends Mount {
  /** The types of the filesystems its path passes through, its own first. */
  readonly through: readonly string[];
}

/**
 * The mounts that their own paths lead to. A mount is hidden by a later one on the same mount point
 * or on a folder above it: asking for its path would ask another filesystem.
 *
 * @example
 * // /dev/sda1 on /mnt, server:/a on /mnt/a, then /dev/sdb1 on /mnt: only the last can be reached.
 */
export function reachable(mounts: readonly Mount[]): readonly Reachable[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  const taken = new Set<string>();
  for (const { id, parent, mountpoint } of mounts) {
    if (parent !== id) taken.add(`${parent} ${mountpoint}`);
  }
  const covered = ({ id, mountpoint }: Mount) => taken.has(`${id} ${mountpoint}`);
  // What stands on the same mount, on a folder above: the path turns off there.
  const bypassed = ({ parent, mountpoint }: Mount) =>
    foldersAbove(mountpoint).some((folder) => taken.has(`${parent} ${folder}`));

  const found = new Map<string, Reachable>();
  for (const mount of mounts) {
    if (covered(mount)) continue;
    const line = standsOn(mount, byId);
    if (line.some(bypassed)) continue;
    // A mount on the very same folder is stepped over, and asked nothing.
    const passed = line.filter((m) => m === mount || m.mountpoint !== mount.mountpoint);
    found.set(mount.mountpoint, { ...mount, through: passed.map(({ type }) => type) });
  }
  return [...found.values()];
}

/** A mount, the mount it stands on, and so on to the root. */
function standsOn(mount: Mount, byId: ReadonlyMap<string, Mount>): readonly Mount[] {
  const line = new Set<Mount>();
  for (let at: Mount | undefined = mount; at && !line.has(at); at = byId.get(at.parent)) {
    line.add(at);
  }
  return [...line];
}

/** `/a/b/c` lies in `/a/b`, `/a` and `/`. */
function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    folders.push(path.slice(0, end));
  }
  return path === '/' ? [] : [...folders, '/'];
}

// The kernel answers for these from memory. Any other type may wait for somebody else.
// biome-ignore format: one line for each reason
const LOCAL = new Set([
  'ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'bcachefs', 'zfs', 'f2fs', 'jfs', 'nilfs2', 'reiserfs', 'reiser4', 'udf', 'ufs',
  'vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'hfs', 'hfsplus', 'minix', 'ubifs', 'jffs2', 'yaffs2',
  'cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'tmpfs', 'ramfs', 'rootfs', 'devtmpfs', 'overlay', 'overlayfs', 'aufs',
]);

/**
 * Whether asking for a file there may wait for a server or another program (NFS, CIFS, FUSE).
 *
 * @param through see {@link Reachable}.
 */
export const mayHang = (through: readonly string[]): boolean =>
  !through.every((type) => LOCAL.has(type));
