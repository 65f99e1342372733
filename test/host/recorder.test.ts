import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type LiveHost,
  liveHost,
  openRecording,
  type Recorder,
  recordedHost,
  startRecording,
} from '../../src/host/index.ts';
import {
  AccessDenied,
  type Host,
  NoData,
  type Tree,
  Unresponsive,
} from '../../src/plugin/index.ts';

const web01 = { hostname: 'web01', fqdn: 'web01.example.net' };
const never = new AbortController().signal;

let directory: string;
let target: string;
let live: LiveHost;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cullinan-recorder-'));
  target = join(directory, 'recording');
  live = liveHost({ proc: join(directory, 'proc'), sys: join(directory, 'sys'), root: directory });
});
afterEach(() => {
  live.close();
  rmSync(directory, { recursive: true });
});

function put(path: string, content: string | Uint8Array): void {
  const whole = join(directory, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, content);
}

function link(path: string, to: string): void {
  const whole = join(directory, path);
  mkdirSync(dirname(whole), { recursive: true });
  symlinkSync(to, whole);
}

function record(at = 100): Recorder {
  const recorder = startRecording(target, live, web01);
  recorder.moment(at);
  return recorder;
}

/** An answer, or the class and the code of the failure in its place. */
function answer(question: () => unknown): unknown {
  try {
    return question();
  } catch (error) {
    const { name, code } = error as Error & { readonly code?: string };
    return `${name} ${code ?? ''}`;
  }
}

describe('a recording of a host', () => {
  test('is what was read, moment by moment, and can be opened', () => {
    const recorder = startRecording(target, live, web01);
    put('proc/stat', 'before');
    recorder.host.proc.read('stat');
    for (const time of [100, 110]) {
      put('proc/stat', `at ${time}`);
      put('proc/other', 'never read');
      recorder.moment(time);
      expect(recorder.host.proc.read('stat')).toBe(`at ${time}`);
    }
    const recording = openRecording(target);
    expect(recording).toMatchObject({ ...web01, foreign: true });
    expect(recording.moments.map(({ time }) => time)).toEqual([100, 110]);
    const [first, second] = recording.moments.map((moment) => recordedHost(moment.directory));
    expect(first?.proc.read('stat')).toBe('at 100');
    expect(second?.proc.read('stat')).toBe('at 110');
    expect(() => second?.proc.read('other')).toThrow(NoData);
    expect(second?.foreign).toBe(true);
  });

  test('has the links of the host, also those that were only passed through', () => {
    put('sys/devices/virtual/net/lo/mtu', '65536\n');
    link('sys/class/net/lo', '../../devices/virtual/net/lo');
    const { host } = record();
    host.sys.read('class/net/lo/mtu');
    expect(readlinkSync(join(target, '100/sys/class/net/lo'))).toBe('../../devices/virtual/net/lo');
    const replayed = recordedHost(join(target, '100'));
    expect(replayed.sys.read('class/net/lo/mtu')).toBe('65536\n');
    expect(replayed.sys.read('devices/virtual/net/lo/mtu')).toBe('65536\n');
  });

  test('keeps /proc/self and /proc/net as folders', () => {
    put('proc/12/net/dev', 'dev');
    link('proc/self', '12');
    link('proc/net', 'self/net');
    const { host } = record();
    host.proc.read('net/dev');
    host.proc.read('self/net/dev');
    expect(readFileSync(join(target, '100/proc/net/dev'), 'utf8')).toBe('dev');
    expect(readFileSync(join(target, '100/proc/self/net/dev'), 'utf8')).toBe('dev');
  });

  test('lists what the host lists, though nothing in it was read', () => {
    put('sys/block/sda/stat', '1');
    link('sys/block/sdb', '../devices/sdb');
    put('sys/devices/sdb/stat', '2');
    const { host } = record();
    host.sys.list('block');
    host.sys.list('devices/sdb');
    const replayed = recordedHost(join(target, '100'));
    expect(replayed.sys.list('block')).toEqual(['sda', 'sdb']);
    for (const name of ['sda', 'sdb']) {
      expect(() => replayed.sys.read(`block/${name}/stat`)).toThrow(NoData);
      expect(() => replayed.sys.link(`block/${name}`)).toThrow(NoData);
    }
    host.sys.read('block/sdb/stat');
    host.sys.link('block/sdb');
    expect(replayed.sys.list('block')).toEqual(['sda', 'sdb']);
    expect(replayed.sys.read('block/sdb/stat')).toBe('2');
    expect(replayed.sys.link('block/sdb')).toBe('../devices/sdb');
  });

  test('fails where the host failed', async () => {
    const denied = (): never => {
      throw new AccessDenied('/proc/1/io');
    };
    const broken = (): never => {
      throw Object.assign(new Error(''), { code: 'EIO' });
    };
    const tree: Tree = { read: denied, list: denied, link: denied };
    const host: Host = {
      proc: tree,
      sys: { read: broken, list: broken, link: broken },
      root: tree,
      foreign: false,
      statfs: broken,
      async statfsGuarded(mountpoint) {
        if (mountpoint === '/gone') throw new NoData('');
        throw new Unresponsive('');
      },
    };
    const recorder = startRecording(target, host, web01);
    recorder.moment(100);
    const ask = (each: Host) => [
      answer(() => each.proc.read('1/io')),
      answer(() => each.proc.list('1/fd')),
      answer(() => each.proc.link('1/cwd')),
      answer(() => each.sys.read('a')),
      answer(() => each.sys.list('b')),
      answer(() => each.sys.link('c')),
      answer(() => each.statfs('/broken')),
    ];
    const asked = ask(recorder.host);
    expect(asked).toEqual([
      ...['AccessDenied ', 'AccessDenied ', 'AccessDenied '],
      ...['Error EIO', 'Error EIO', 'Error EIO', 'Error EIO'],
    ]);
    await expect(recorder.host.statfsGuarded('/hung', never)).rejects.toThrow(Unresponsive);
    await expect(recorder.host.statfsGuarded('/gone', never)).rejects.toThrow(NoData);
    const replayed = recordedHost(join(target, '100'));
    expect(ask(replayed)).toEqual(asked);
    await expect(replayed.statfsGuarded('/hung', never)).rejects.toThrow(Unresponsive);
    await expect(replayed.statfsGuarded('/gone', never)).rejects.toThrow(NoData);
  });

  test('has the answers of statfs, filed under the moment in which they were asked for', async () => {
    const recorder = record();
    const root = recorder.host.statfs('/');
    const guarded = recorder.host.statfsGuarded('/recording', never);
    recorder.moment(110);
    const answered = await guarded;
    const replayed = recordedHost(join(target, '100'));
    expect(replayed.statfs('/')).toEqual(root);
    expect(await replayed.statfsGuarded('/recording', never)).toEqual(answered);
    expect(existsSync(join(target, '110'))).toBe(false);
    expect(openRecording(target).moments).toHaveLength(1);
  });

  test('never writes outside of itself', () => {
    put('secret', 'secret');
    link('proc/up', '../secret');
    link('proc/absolute', join(directory, 'secret'));
    link('proc/folder', '../..');
    const { host } = record();
    expect(host.proc.read('up')).toBe('secret');
    expect(host.proc.read('absolute')).toBe('secret');
    host.proc.list('folder');
    host.proc.read('../secret');
    expect(readFileSync(join(directory, 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(target)).toEqual(['100', 'recording.json']);
    const replayed = recordedHost(join(target, '100'));
    for (const path of ['up', 'absolute', '../secret']) {
      expect(() => replayed.proc.read(path)).toThrow(NoData);
    }
    expect(replayed.proc.link('up')).toBe('../secret');
  });

  test('replaces a moment that is recorded again', () => {
    put('proc/stat', 'one');
    record().host.proc.read('stat');
    record(110).host.proc.read('stat');
    put('proc/stat', 'two');
    record(110);
    expect(openRecording(target).moments).toHaveLength(1);
    record(110).host.proc.read('stat');
    expect(recordedHost(join(target, '110')).proc.read('stat')).toBe('two');
    expect(recordedHost(join(target, '100')).proc.read('stat')).toBe('one');
  });
});

describe('a recording is refused', () => {
  test('in a directory with other files', () => {
    put('recording/notes', 'mine');
    expect(() => record()).toThrow('has files in it and is no recording');
    expect(readdirSync(target)).toEqual(['notes']);
  });

  test('in the recording of another host', () => {
    startRecording(target, live, { hostname: 'db01', fqdn: 'db01' });
    expect(() => record()).toThrow('is a recording of another host, db01');
  });

  test('where nothing can be written', () => {
    put('recording', '');
    expect(() => record()).toThrow('nothing can be recorded in');
  });

  test('at a time that is none', () => {
    expect(() => record(1.5)).toThrow(RangeError);
  });

  test('loudly, when there is no room left for it', () => {
    const { host } = record();
    put('proc/stat', '');
    rmSync(target, { recursive: true });
    put('recording', 'in the way');
    expect(() => host.proc.read('stat')).toThrow(
      /the recording in .* cannot be written \(ENOTDIR\)/,
    );
  });
});

describe('what a recording leaves out', () => {
  const replay = (path: string, text: string): unknown => {
    put(path, text);
    const recorder = record();
    const [tree, ...rest] = path.split('/');
    const name = tree === 'proc' || tree === 'sys' ? tree : 'root';
    const inner = name === 'root' ? path : rest.join('/');
    expect(recorder.host[name].read(inner)).toBe(text);
    // Nothing may have been written at all.
    mkdirSync(join(target, '100'), { recursive: true });
    return answer(() => recordedHost(join(target, '100'))[name].read(inner));
  };

  test.each([
    'proc/1/cmdline',
    'proc/self/environ',
    'proc/1/task/2/environ',
    'proc/cmdline',
    'sys/class/net/eth0/address',
    'sys/class/dmi/id/product_uuid',
    'sys/class/dmi/id/board_serial',
    'sys/block/nvme0n1/serial',
    'sys/block/sda/device/wwid',
    'sys/block/sda/device/vpd_pg83',
    'etc/machine-id',
    'etc/shadow',
    'etc/ssl/private/server.crt',
    'etc/nginx/server.key',
    'root/.ssh/id_ed25519',
    'root/.pgpass',
    'run/secrets/database',
    'dev/disk/by-uuid/secret',
  ])('%s', (path) => {
    expect(replay(path, 'SECRET')).toBe('NoData ');
  });

  test.each(['/etc/shadow', './etc/shadow', '../etc/shadow', 'etc//shadow', 'etc/apt/../shadow'])(
    'whatever way it is written: %s',
    (path) => {
      put('etc/shadow', 'SECRET');
      mkdirSync(join(directory, 'etc/apt'));
      const { host } = record();
      answer(() => host.root.read(path));
      const written = readdirSync(target, { recursive: true, encoding: 'utf8' });
      expect(written.filter((name) => name.includes('shadow'))).toEqual([]);
    },
  );

  test.each([
    [
      'proc/self/mountinfo',
      '36 35 0:98 / /mnt rw,noatime shared:1 - cifs //u:p@ss@srv/share rw,username=u,password=p\n',
      '36 35 0:98 / /mnt rw,noatime shared:1 - cifs //srv/share rw\n',
    ],
    [
      'proc/1/mountinfo',
      '36 35 8:1 / / rw - ext4 /dev/sda1 rw,errors=remount-ro\n37 36 0:5 / /d rw - fuse.x https://u@h/x ro,secret\ncut',
      '36 35 8:1 / / rw - ext4 /dev/sda1 rw\n37 36 0:5 / /d rw - fuse.x https://h/x ro\ncut',
    ],
    [
      'proc/self/mountinfo',
      '1 2 0:1 / /m rw - nfs user:pw@h:/x ro',
      '1 2 0:1 / /m rw - nfs h:/x ro',
    ],
    ['proc/self/mountinfo', '1 2 0:1 / /m rw - nfs h:/a@b ro', '1 2 0:1 / /m rw - nfs b ro'],
    [
      'proc/mounts',
      '//u:p@srv/x /mnt cifs rw,relatime,password=p 0 0\n',
      '//srv/x /mnt cifs rw,relatime 0 0\n',
    ],
    [
      'proc/cpuinfo',
      'processor\t: 0\nHardware\t: BCM2835\nSerial\t\t: 00000000abcdef\nModel\t: Pi\n',
      'processor\t: 0\nHardware\t: BCM2835\nModel\t: Pi\n',
    ],
    [
      'proc/net/bonding/bond0',
      'Slave Interface: eth0\nPermanent HW addr: 52:54:00:Ab:cd:ef\n',
      'Slave Interface: eth0\nPermanent HW addr: 00:00:00:00:00:00\n',
    ],
  ])('of %s', (path, text, kept) => {
    expect(replay(path, text)).toBe(kept);
  });
});

/** A file name of any bytes, as one character per byte. */
const name = fc
  .oneof(
    fc.constantFrom('a', 'b', 'c'),
    fc
      .uint8Array({ minLength: 1, maxLength: 8 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  .map((text) => text.replaceAll(/[\0/]/g, '_'))
  .filter((text) => text !== '.' && text !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

describe('recording and replaying', () => {
  test('gives the same text, whatever the bytes', () => {
    fc.assert(
      fc.property(path, fc.uint8Array({ maxLength: 5000 }), (where, bytes) => {
        const base = mkdtempSync(join(directory, 'any-'));
        const whole = Buffer.from(`${base}/proc/${where}`, 'latin1');
        mkdirSync(whole.subarray(0, whole.lastIndexOf('/')), { recursive: true });
        writeFileSync(whole, bytes);
        const host = liveHost({ proc: join(base, 'proc') });
        const recorder = startRecording(join(base, 'to'), host, web01);
        recorder.moment(1);
        const text = recorder.host.proc.read(where);
        expect(text).toBe(Buffer.from(bytes).toString('latin1'));
        expect(recordedHost(join(base, 'to/1')).proc.read(where)).toBe(text);
        host.close();
      }),
      { numRuns: 100 },
    );
  });

  const question = fc.record({ how: fc.constantFrom('read', 'list', 'link'), path });
  const entry = fc.record({
    path,
    what: fc.oneof(
      fc.record({ text: fc.string() }),
      fc.record({ to: path }),
      fc.constant({ folder: true as const }),
    ),
  });

  test('gives the same answers, whatever the tree and the order of the questions', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 12 }),
        fc.array(question, { minLength: 1, maxLength: 20 }),
        (entries, questions) => {
          const base = mkdtempSync(join(directory, 'any-'));
          mkdirSync(join(base, 'sys'));
          for (const { path, what } of entries) {
            const whole = Buffer.from(`${base}/sys/${path}`, 'latin1');
            try {
              mkdirSync(whole.subarray(0, whole.lastIndexOf('/')), { recursive: true });
              if ('to' in what) {
                const to = posix.relative(posix.dirname(`/${path}`), `/${what.to}`) || '.';
                symlinkSync(Buffer.from(to, 'latin1'), whole);
              } else if ('text' in what) writeFileSync(whole, what.text);
              else mkdirSync(whole, { recursive: true });
            } catch {
              // Something is in the way already.
            }
          }
          const host = liveHost({ sys: join(base, 'sys') });
          const recorder = startRecording(join(base, 'to'), host, web01);
          recorder.moment(1);
          const asked = [
            ...entries.map(({ path }) => ({ how: 'read' as const, path })),
            ...questions,
          ].filter(({ path }) => !/(^|\/)(serial|wwid|wwn|uuid|eui|cid|address)$/.test(path));
          const ask = ({ sys }: Host) =>
            asked.map(({ how, path }) => {
              if (how === 'read') return answer(() => sys.read(path));
              return answer(() => (how === 'list' ? sys.list(path) : sys.link(path)));
            });
          const first = ask(recorder.host);
          host.close();
          mkdirSync(join(base, 'to/1'), { recursive: true });
          expect(ask(recordedHost(join(base, 'to/1')))).toEqual(first);
          rmSync(base, { recursive: true });
        },
      ),
      { numRuns: 300 },
    );
  });
});
