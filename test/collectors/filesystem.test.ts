import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Host, NoData, ParseError, type Statfs } from 'cullinan/plugin';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import filesystem, { parse } from '../../collectors/filesystem.ts';
import { recordedHost } from '../../src/host/index.ts';
import { collecting, describeCollector, idleAgent, line, type Run } from '../support/collector.ts';
import { oddLines } from '../support/odd-lines.ts';

describeCollector(filesystem);

const STATFS: Statfs = {
  blockSize: 4096,
  blocks: 1000,
  blocksFree: 400,
  blocksAvailable: 350,
  inodes: 200,
  inodesFree: 150,
};

interface Mounted {
  readonly lines: readonly string[];
  readonly answers?: Readonly<Record<string, Statfs | { readonly error: string }>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly diskstats?: string;
}

/** A recorded host with these lines of mountinfo; every mount point answers unless told otherwise. */
function hostOf({ lines, answers = {}, links = {}, diskstats }: Mounted): Host {
  const moment = mkdtempSync(join(tmpdir(), 'cullinan-mounts-'));
  onTestFinished(() => rmSync(moment, { recursive: true }));
  const place = (path: string) => {
    const file = join(moment, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  };
  const text = `${lines.join('\n')}\n`;
  writeFileSync(place('proc/self/mountinfo'), text, 'latin1');
  if (diskstats !== undefined) writeFileSync(place('proc/diskstats'), diskstats);
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(`root/${path}`));
  const mountpoints = parse(text).flatMap((mount) =>
    mount instanceof Error ? [] : [mount.mountpoint],
  );
  const all = { ...Object.fromEntries(mountpoints.map((path) => [path, STATFS])), ...answers };
  writeFileSync(place('statfs.json'), JSON.stringify(all));
  return recordedHost(moment);
}

const collectOnce = (mounted: Mounted, options = {}) =>
  collecting(filesystem)(0, { host: hostOf(mounted), options });
const mountpointsIn = ({ observations }: Run) => [
  ...new Set(observations.map(({ labels }) => labels['mountpoint'])),
];
/** What is observed of each mount point, by the metric's last words and its state. */
const seenIn = ({ observations }: Run) =>
  observations.map(({ metric, labels, value }) =>
    [labels['mountpoint'], metric.name.replace('system.filesystem.', ''), labels['state'], value]
      .filter((word) => word !== undefined)
      .join(' '),
  );

const ROOT = '1 0 8:1 / / rw - ext4 /dev/sda1 rw';
const mount = (
  id: number,
  mountpoint: string,
  { type = 'ext4', source = `/dev/sd${id}`, number = `9:${id}`, root = '/', parent = 1 } = {},
) => `${id} ${parent} ${number} ${root} ${mountpoint} rw - ${type} ${source} rw`;

test('used, free and reserved make up the whole', async () => {
  expect(seenIn(await collectOnce({ lines: [ROOT] }))).toEqual([
    `/ usage used ${600 * 4096}`,
    `/ usage free ${350 * 4096}`,
    `/ usage reserved ${50 * 4096}`,
    `/ unused ${400 * 4096}`,
    `/ limit ${1000 * 4096}`,
    '/ utilization 0.6',
    '/ inodes.usage used 50',
    '/ inodes.usage free 150',
    '/ inodes.limit 200',
    '/ inodes.utilization 0.25',
  ]);
});

describe('what a filesystem does not know is not observed:', () => {
  const seen = async (answer: Partial<Statfs>) => {
    const run = await collectOnce({ lines: [ROOT], answers: { '/': { ...STATFS, ...answer } } });
    return { words: seenIn(run).join('\n'), errors: run.errors.map(({ message }) => message) };
  };

  test('inodes that are made as needed', async () => {
    const { words, errors } = await seen({ inodes: 0, inodesFree: 0 });
    expect(words).not.toContain('inodes');
    expect(words).toContain('/ limit');
    expect(errors).toEqual([]);
  });

  test('blocks of a filesystem without any', async () => {
    const { words, errors } = await seen({ blocks: 0, blocksFree: 0, blocksAvailable: 0 });
    expect(words).not.toMatch(/usage (free|reserved) 0|limit 0/);
    expect(errors).toEqual([]);
  });

  test('a reserve, where more is available than free', async () => {
    const { words } = await seen({ blocksAvailable: 500 });
    expect(words).toContain(`/ usage free ${500 * 4096}`);
    expect(words).not.toContain('reserved');
  });

  test('anything, where more is free than there is', async () => {
    const { words, errors } = await seen({ blocksFree: 1001, inodesFree: 201 });
    expect(words).toBe('');
    expect(errors).toEqual([
      'statfs of /: 1001 blocks are free of only 1000',
      'statfs of /: 201 inodes are free of only 200',
    ]);
  });
});

describe('which mounts are reported', () => {
  test('by default: what has storage of its own, wherever it is', async () => {
    const run = await collectOnce({
      lines: [
        ROOT,
        mount(2, '/proc', { type: 'proc' }),
        mount(3, '/sys/fs/cgroup', { type: 'cgroup2' }),
        mount(4, '/dev/shm', { type: 'tmpfs' }),
        mount(5, '/run', { type: 'tmpfs' }),
        mount(6, '/run/user/1000', { type: 'tmpfs', parent: 5 }),
        mount(7, '/run/media/ann/STICK', { type: 'vfat', parent: 5 }),
        mount(8, '/snap/core22/864', { type: 'squashfs' }),
        mount(9, '/var/lib/docker'),
        mount(10, '/var/lib/docker/overlay2/abc/merged', { type: 'overlay', parent: 9 }),
        mount(11, '/srv/containers/overlay/def/merged', { type: 'overlay' }),
        mount(12, '/var/lib/kubelet/pods/1/volumes/v', { type: 'tmpfs' }),
        mount(13, '/home', { type: 'xfs' }),
      ],
    });
    expect(mountpointsIn(run)).toEqual([
      '/',
      '/run',
      '/run/media/ann/STICK',
      '/var/lib/docker',
      '/home',
    ]);
  });

  test('in a container: its root, not the files its runtime mounts', async () => {
    const run = await collectOnce({
      lines: [
        mount(1, '/', { type: 'overlay', parent: 0 }),
        mount(2, '/etc/hosts', { root: '/containers/abc/hosts' }),
        mount(3, '/data', { root: '/srv/data' }),
      ],
    });
    expect(mountpointsIn(run)).toEqual(['/', '/data']);
  });

  test('are the chosen ones', async () => {
    const lines = [
      ROOT,
      mount(2, '/home', { type: 'xfs' }),
      mount(3, '/snap/a', { type: 'squashfs' }),
    ];
    expect(mountpointsIn(await collectOnce({ lines }, { types: { include: ['xfs'] } }))).toEqual([
      '/home',
    ]);
    const all = { types: { exclude: [] }, mountpoints: { exclude: ['/home'] } };
    expect(mountpointsIn(await collectOnce({ lines }, all))).toEqual(['/', '/snap/a']);
  });

  test('on a foreign host are those of PID 1', async () => {
    const host = hostOf({ lines: [ROOT] });
    const read = (path: string) => {
      if (path === '1/mountinfo') return `${mount(2, '/theirs', { parent: 0 })}\n`;
      throw new NoData(path);
    };
    const foreign = { ...host, foreign: true, proc: { ...host.proc, read }, statfs: () => STATFS };
    expect(mountpointsIn(await collecting(filesystem)(0, { host: foreign }))).toEqual(['/theirs']);
  });
});

describe('the same filesystem', () => {
  test('is reported once, where its own root is mounted', async () => {
    const lines = [
      ROOT,
      mount(2, '/bind', { number: '9:9', root: '/folder' }),
      mount(3, '/whole', { number: '9:9' }),
      mount(4, '/again', { number: '9:9' }),
    ];
    expect(mountpointsIn(await collectOnce({ lines }))).toEqual(['/', '/whole']);
  });

  test('is reported where it was mounted first, if only folders of it are', async () => {
    const lines = [
      mount(2, '/@', { type: 'btrfs', number: '0:40', root: '/@' }),
      mount(3, '/home', { type: 'btrfs', number: '0:40', root: '/@home' }),
    ];
    expect(mountpointsIn(await collectOnce({ lines }))).toEqual(['/@']);
  });
});

test('a mount beneath another is not reported: its path asks the other', async () => {
  const lines = [
    ROOT,
    mount(2, '/mnt'),
    mount(3, '/mnt/below', { parent: 2 }),
    mount(4, '/mnt', { parent: 2, type: 'xfs' }),
  ];
  const run = await collectOnce({ lines });
  expect(mountpointsIn(run)).toEqual(['/', '/mnt']);
  expect(
    run.observations.find(({ labels }) => labels['mountpoint'] === '/mnt')?.labels['type'],
  ).toBe('xfs');
});

describe('names', () => {
  test.each([
    ['/srv/Data\\040Disk', '/srv/Data Disk'],
    ['/a"b\'.c', '/a"b\'.c'],
    ['/caf\xc3\xa9', '/café'],
    ['/\xff\\134x', '/\\xff\\x'],
  ])('of a mount point such as %j are read as %j, and asked byte for byte', async (raw, name) => {
    const run = await collectOnce({ lines: [ROOT, mount(2, raw)] });
    expect(run.errors).toEqual([]);
    expect(mountpointsIn(run)).toEqual(['/', name]);
  });

  const labelOf = async (mounted: Mounted) =>
    (await collectOnce(mounted)).observations[0]?.labels['volume'];

  test('of a volume are those udev links to the device', async () => {
    const links = { 'dev/disk/by-label/My\\x20Disk\\x2f\\xc3\\xa9': '../../sda1' };
    expect(await labelOf({ lines: [ROOT], links })).toBe('My Disk/é');
    expect(await labelOf({ lines: [ROOT] })).toBe('');
  });

  test('of a volume are found behind /dev/root and /dev/mapper', async () => {
    const links = { 'dev/disk/by-label/data': '../../dm-3', 'dev/mapper/vg-data': '../dm-3' };
    const diskstats = ' 253       3 dm-3 1 2 3\n';
    const by = (source: string, number: string) =>
      mount(2, '/', { source, number, parent: 0, type: 'btrfs' });
    expect(await labelOf({ lines: [by('/dev/root', '253:3')], links, diskstats })).toBe('data');
    expect(await labelOf({ lines: [by('/dev/mapper/vg-data', '0:40')], links })).toBe('data');
    expect(await labelOf({ lines: [by('server:/dm-3', '0:41')], links, diskstats })).toBe('');
  });
});

describe('a filesystem that may hang', () => {
  const NFS = mount(2, '/nfs', { type: 'nfs4', source: 'server:/export' });

  test('is asked through the guard, after the others, and says that it responds', async () => {
    const asked: string[] = [];
    const host = hostOf({ lines: [NFS, ROOT, mount(3, '/home')] });
    const run = await collecting(filesystem)(0, {
      host: {
        ...host,
        statfs: (path) => {
          asked.push(path);
          return STATFS;
        },
        statfsGuarded: async (path) => {
          asked.push(`guarded ${path}`);
          return STATFS;
        },
      },
    });
    expect(asked).toEqual(['/', '/home', 'guarded /nfs']);
    expect(seenIn(run)).toContain('/nfs responding 1');
    expect(seenIn(run)).toContain('/nfs utilization 0.6');
    expect(seenIn(run).filter((words) => words.includes('responding'))).toHaveLength(1);
  });

  test.each([
    'nfs',
    'cifs',
    'smb3',
    '9p',
    'ceph',
    'fuse.sshfs',
    'fuseblk',
    'lustre',
    'ocfs2',
    'unheard-of',
  ])('is %s, as is every type that is not known to be local', async (type) => {
    const run = await collectOnce({ lines: [ROOT, mount(2, '/far', { type })] });
    expect(seenIn(run)).toContain('/far responding 1');
  });

  test('may lie beneath a local one, on the way to it', async () => {
    const run = await collectOnce({ lines: [ROOT, NFS, mount(3, '/nfs/disk', { parent: 2 })] });
    expect(seenIn(run)).toContain('/nfs/disk responding 1');
  });

  test('costs nothing but itself when it hangs', async () => {
    const run = await collectOnce({
      lines: [ROOT, NFS, mount(3, '/files', { type: 'fuse.sshfs' })],
      answers: { '/nfs': { error: 'hung' } },
    });
    expect(run.errors.map(String)).toEqual(['Unresponsive: /nfs did not answer in time']);
    expect(seenIn(run).filter((words) => words.startsWith('/nfs'))).toEqual(['/nfs responding 0']);
    expect(seenIn(run)).toContain('/ limit 4096000');
    expect(seenIn(run)).toContain('/files limit 4096000');
  });

  test('all of them are asked at once', async () => {
    let waiting = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const host = {
      ...hostOf({ lines: [NFS, mount(3, '/cifs', { type: 'cifs' })] }),
      statfsGuarded: async () => {
        waiting += 1;
        if (waiting === 2) release();
        await all;
        return STATFS;
      },
    };
    expect(mountpointsIn(await collecting(filesystem)(0, { host }))).toEqual(['/nfs', '/cifs']);
  });
});

test('without one that may hang, nothing is awaited', async () => {
  const session = await filesystem.open?.();
  const collected = session?.collect({
    host: hostOf({ lines: [ROOT] }),
    options: filesystem.options.parse({}),
    get signal(): AbortSignal {
      throw new Error('no deadline is needed');
    },
    time: 0,
    since: () => undefined,
    agent: idleAgent,
  });
  expect(Symbol.iterator in Object(collected)).toBe(true);
});

test('a mount that may not be asked, has gone or is malformed costs itself', async () => {
  const run = await collectOnce({
    lines: [ROOT, mount(2, '/secret'), mount(3, '/gone'), '4 1 8:4 nonsense', mount(5, '/home')],
    answers: { '/secret': { error: 'EACCES' }, '/gone': { error: 'ENOENT' } },
  });
  expect(mountpointsIn(run)).toEqual(['/', '/home']);
  expect(run.errors.map(({ name }) => name)).toEqual(['ParseError', 'AccessDenied', 'NoData']);
  expect(run.errors[0]?.message).toBe(
    '/proc/self/mountinfo line 4: "4 1 8:4 nonsense" is not "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT … - TYPE SOURCE …"',
  );
});

test('mounts that come and go are seen at the next tick, labels and all', async () => {
  const collect = collecting(filesystem);
  const both = hostOf({
    lines: [ROOT, mount(2, '/usb', { source: '/dev/sdb1' })],
    links: { 'dev/disk/by-label/STICK': '../../sdb1' },
  });
  expect(mountpointsIn(await collect(0, { host: hostOf({ lines: [ROOT] }) }))).toEqual(['/']);
  const run = await collect(10, { host: both });
  expect(mountpointsIn(run)).toEqual(['/', '/usb']);
  expect(run.observations.map(line).join('\n')).toContain('type="ext4",volume="STICK"');
  expect(mountpointsIn(await collect(20, { host: hostOf({ lines: [ROOT] }) }))).toEqual(['/']);
});

test('whatever the file holds, each line is a mount or an error that says where', () => {
  const table = oddLines(
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '1 0 8:1 / / rw - ext4 /dev/sda1\\040x rw',
  );
  let seen = 0;
  fc.assert(
    fc.property(table, (text) => {
      for (const found of parse(text)) {
        if (found instanceof ParseError)
          expect(found.message).toMatch(/^\/proc\/self\/mountinfo line \d+: /);
        else {
          expect((found as { mountpoint: string }).mountpoint).toMatch(/^\//);
          seen += 1;
        }
      }
    }),
  );
  expect(seen).toBeGreaterThan(50);
});
