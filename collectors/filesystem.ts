/**
 * Space and inodes of each mounted filesystem: used, free and reserved, each filesystem once.
 *
 * Source  /proc/self/mountinfo, or that of PID 1 on a foreign host (Linux, fs/proc_namespace.c;
 *         proc(5)), then statfs(2) per mount: on this thread where the kernel answers by itself,
 *         in a guarded child process where a server or another program has to (NFS, CIFS, FUSE).
 *         /dev/disk/by-label and /proc/diskstats for volume labels, whenever the mounts have changed.
 * Units   Blocks of the filesystem's own size become bytes. `free` is what anybody may use,
 *         `reserved` what only root may.
 * Access  World-readable; statfs needs the right to search the folders above the mount point.
 */
import {
  AccessDenied,
  bytes,
  type CollectContext,
  count,
  defineCollector,
  gauge,
  type Host,
  NoData,
  nameOf,
  type Observation,
  ParseError,
  parseLines,
  ratio,
  type Statfs,
  selection,
  Unresponsive,
  z,
} from 'cullinan/plugin';
import {
  decodeMount,
  type Mount,
  mayHang,
  type Reachable,
  reachable,
} from 'cullinan/wire/mountinfo';

// biome-ignore format: one line for each reason
const NO_STORAGE = [
  'autofs', 'bdev', 'binder', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'cpuset', 'debugfs',
  'devfs', 'devpts', 'devtmpfs', 'efivarfs', 'functionfs', 'fusectl', 'hugetlbfs', 'inotifyfs', 'mqueue', 'nfsd',
  'nsfs', 'pipefs', 'proc', 'pstore', 'ramfs', 'resctrl', 'rootfs', 'rpc_pipefs', 'securityfs', 'selinuxfs',
  'smackfs', 'sockfs', 'spufs', 'sysfs', 'tracefs', 'usbfs', 'virtfs', 'xenfs',
  'fuse.gvfsd-fuse', 'fuse.lxcfs', 'fuse.portal', 'fuse.snapfuse', // views of other things, or per user
  'cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', // images: read-only, and full by nature
];
// One mount for each container, pod, snap or login, or laid over the kernel's own trees.
// biome-ignore format: one line for each reason
const EPHEMERAL = [
  '/dev/*', '/proc/*', '/sys/*', 're:^/run/(?!media/)', '/var/run/*',
  '/var/lib/docker/*', '/var/lib/containerd/*', '/var/lib/containers/*', '/var/lib/kubelet/*',
  '/snap/*', '/var/lib/snapd/*', '/var/snap/*',
  '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', // files that runtimes mount into containers
];
/** A view of filesystems that are reported themselves, unless it is all that can be seen: at `/`. */
const VIEWS = new Set(['overlay', 'overlayfs', 'aufs']);

const options = z.strictObject({
  types: selection({ exclude: NO_STORAGE }).describe(
    'Filesystem types to report, such as ext4 and nfs*; an overlay only where it is mounted on /.',
  ),
  mountpoints: selection({ exclude: EPHEMERAL }).describe('Mount points to report.'),
});

const labels = ['device', 'mountpoint', 'type', 'volume'] as const;
const states = [...labels, 'state'] as const;
const size = { unit: 'bytes', labels } as const;
const share = { unit: 'ratio', labels } as const;
const metrics = {
  usage: gauge('system.filesystem.usage', {
    unit: 'bytes',
    labels: states,
    help: 'Bytes used, free for anybody, and reserved for root.',
  }),
  unused: gauge('system.filesystem.unused', { ...size, help: 'Bytes free for root.' }),
  limit: gauge('system.filesystem.limit', { ...size, help: 'All bytes.' }),
  utilization: gauge('system.filesystem.utilization', { ...share, help: 'Share of bytes used.' }),
  inodes: gauge('system.filesystem.inodes.usage', {
    unit: 'count',
    labels: states,
    help: 'Inodes used and free; absent where the filesystem makes them as needed.',
  }),
  inodesLimit: gauge('system.filesystem.inodes.limit', {
    unit: 'count',
    labels,
    help: 'All inodes.',
  }),
  inodesUtilization: gauge('system.filesystem.inodes.utilization', {
    ...share,
    help: 'Share of inodes used.',
  }),
  responding: gauge('system.filesystem.responding', {
    unit: 'count',
    labels,
    help: '1 if it answered in time, 0 if it hangs; for network and FUSE filesystems.',
  }),
};

/** All mounts, in the kernel's order; a bad line costs its own mount. */
export const parse = (text: string): (Mount | ParseError)[] =>
  parseLines('/proc/self/mountinfo', text, (line) => {
    const mount = decodeMount(line);
    if (mount !== undefined) return mount;
    throw new ParseError(
      `"${line.slice(0, 80)}" is not "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT … - TYPE SOURCE …"`,
    );
  });

/** The mounts to report: what the user chose, and one of each filesystem, its own root if it is there. */
function choose(mounts: readonly Mount[], { types, mountpoints }: z.output<typeof options>) {
  const chosen = new Map<string, Reachable>();
  for (const mount of reachable(mounts)) {
    if (!types(mount.type) || !mountpoints(nameOf(mount.mountpoint))) continue;
    if (VIEWS.has(mount.type) && mount.mountpoint !== '/') continue;
    const other = chosen.get(mount.number);
    if (other === undefined || (other.root !== '/' && mount.root === '/')) {
      chosen.set(mount.number, mount);
    }
  }
  return [...chosen.values()];
}

const base = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Finds volume labels: udev links them to the kernel's names, mounts may go by others. */
function volumesOn({ root, proc }: Host): (mount: Mount) => string {
  const labels = new Map<string, string>();
  for (const link of ifThere(() => root.list('dev/disk/by-label')) ?? []) {
    const device = ifThere(() => root.link(`dev/disk/by-label/${link}`));
    // udev writes what a file name cannot hold as \x20.
    const label = link.replace(/\\x([0-9a-f]{2})/g, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (device !== undefined) labels.set(base(device), nameOf(label));
  }
  if (labels.size === 0) return () => '';
  const names = new Map<string, string>();
  for (const match of (ifThere(() => proc.read('diskstats')) ?? '').matchAll(NUMBERED)) {
    names.set(`${match[1]}:${match[2]}`, match[3] as string);
  }
  return ({ number, source }) => {
    const local = source.startsWith('/dev/');
    const label = labels.get(names.get(number) ?? (local ? base(source) : ''));
    if (label !== undefined || !local) return label ?? '';
    // btrfs has a number of its own, and then /dev/mapper/name is a link to ../dm-0.
    const device = ifThere(() => root.link(source.slice(1)));
    return (device && labels.get(base(device))) ?? '';
  };
}
const NUMBERED = /^ *(\d+) +(\d+) ([^ \n]+)/gm;

/** A mounted filesystem, as it is asked and labelled. */
const createPlace = ({ mountpoint, type, source, through }: Reachable, volume: string) => {
  const where = {
    device: nameOf(source),
    mountpoint: nameOf(mountpoint),
    type: nameOf(type),
    volume,
  };
  return {
    mountpoint,
    guarded: mayHang(through),
    where,
    used: { ...where, state: 'used' },
    free: { ...where, state: 'free' },
    reserved: { ...where, state: 'reserved' },
  };
};
type Place = ReturnType<typeof createPlace>;

function survey(mountinfo: string, host: Host, chosen: z.output<typeof options>) {
  const mounts: Mount[] = [];
  const errors: Error[] = [];
  for (const line of parse(mountinfo)) {
    if (line instanceof Error) errors.push(line);
    else mounts.push(line);
  }
  const volumeOf = volumesOn(host);
  const places = choose(mounts, chosen).map((mount) => createPlace(mount, volumeOf(mount)));
  return {
    errors,
    local: places.filter(({ guarded }) => !guarded),
    guarded: places.filter(({ guarded }) => guarded),
  };
}
type Survey = ReturnType<typeof survey>;

export default defineCollector({
  name: 'filesystem',
  summary: 'Space and inodes of each mounted filesystem: used, free and reserved.',
  source: '/proc/self/mountinfo, statfs(2); /dev/disk/by-label when mounts come or go',
  options,
  metrics,
  open: () => {
    let text: string | undefined;
    let known: Survey = { errors: [], local: [], guarded: [] };
    return {
      collect(context) {
        const { host, options } = context;
        const now = host.proc.read(host.foreign ? '1/mountinfo' : 'self/mountinfo');
        if (now !== text) {
          known = survey(now, host, options);
          text = now;
        }
        return known.guarded.length === 0 ? askLocal(known, host) : askAll(known, context);
      },
      close: () => undefined,
    };
  },
});

function* askLocal({ errors, local }: Survey, host: Host) {
  yield* errors;
  for (const place of local) {
    try {
      yield* observe(place, host.statfs(place.mountpoint));
    } catch (error) {
      yield error as Error;
    }
  }
}

async function* askAll(known: Survey, { host, signal }: CollectContext) {
  yield* askLocal(known, host);
  const answers = known.guarded.map((place) => askGuarded(place, host, signal));
  for (const answer of answers) yield* await answer;
}

async function askGuarded(place: Place, host: Host, signal: AbortSignal) {
  try {
    const answer = await host.statfsGuarded(place.mountpoint, signal);
    return [metrics.responding.observe(count(1), place.where), ...observe(place, answer)];
  } catch (error) {
    if (!(error instanceof Unresponsive)) return [error as Error];
    return [metrics.responding.observe(count(0), place.where), error];
  }
}

function* observe(
  { where, used, free, reserved }: Place,
  now: Statfs,
): Generator<Observation | Error> {
  if (now.blocksFree > now.blocks) yield tooMuchFree(where, 'blocks', now.blocksFree, now.blocks);
  else if (now.blocks > 0) {
    const size = now.blockSize;
    const kept = now.blocksFree - now.blocksAvailable;
    yield metrics.usage.observe(bytes((now.blocks - now.blocksFree) * size), used);
    yield metrics.usage.observe(bytes(now.blocksAvailable * size), free);
    if (kept >= 0) yield metrics.usage.observe(bytes(kept * size), reserved);
    yield metrics.unused.observe(bytes(now.blocksFree * size), where);
    yield metrics.limit.observe(bytes(now.blocks * size), where);
    yield metrics.utilization.observe(ratio((now.blocks - now.blocksFree) / now.blocks), where);
  }
  if (now.inodes === 0) return;
  if (now.inodesFree > now.inodes) yield tooMuchFree(where, 'inodes', now.inodesFree, now.inodes);
  else {
    yield metrics.inodes.observe(count(now.inodes - now.inodesFree), used);
    yield metrics.inodes.observe(count(now.inodesFree), free);
    yield metrics.inodesLimit.observe(count(now.inodes), where);
    yield metrics.inodesUtilization.observe(
      ratio((now.inodes - now.inodesFree) / now.inodes),
      where,
    );
  }
}

const tooMuchFree = ({ mountpoint }: Place['where'], what: string, free: number, all: number) =>
  new ParseError(`statfs of ${mountpoint}: ${free} ${what} are free of only ${all}`);

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NoData || error instanceof AccessDenied) return undefined;
    throw error;
  }
}
