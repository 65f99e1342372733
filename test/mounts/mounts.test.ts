import { expect, test } from 'vitest';
import { Mounts } from '../../src/mounts/index.ts';
import { SimulatedClock } from '../support/clock.ts';

const mount = (id: number, on: string, type: string, below = id === 1 ? 0 : 1): string =>
  `${id} ${below} 8:${id} / ${on} rw - ${type} source rw\n`;
const MOUNTINFO = mount(1, '/', 'ext4') + mount(2, '/mnt/nfs', 'nfs4') + mount(3, '/var', 'xfs');

/** Mounts with some symbolic links, and the paths that were asked for being one. */
function mounts(links: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const clock = new SimulatedClock();
  const it = new Mounts(clock, (path) => {
    asked.push(path);
    return links[path];
  });
  it.update(MOUNTINFO);
  return { it, asked, clock };
}

test('says what a path is on, and whether that may hang', () => {
  const { it } = mounts({});
  expect(it.of('/var/log/a.log')).toEqual({ mountpoint: '/var', mayHang: false });
  expect(it.of('/variable/a.log')).toEqual({ mountpoint: '/', mayHang: false });
  expect(it.of('/mnt/nfs/a.log')).toEqual({ mountpoint: '/mnt/nfs', mayHang: true });
  expect(it.of('/mnt/nfs')).toEqual({ mountpoint: '/mnt/nfs', mayHang: true });
});

test('follows links, and asks nothing of what may hang', () => {
  const { it, asked } = mounts({
    '/var/log': '../srv/log',
    '/srv/log/app.log': '/mnt/nfs/app/app.log',
    '/srv/log/loop': 'loop',
  });
  expect(it.of('/var/log/it.log')).toEqual({ mountpoint: '/', mayHang: false });
  expect(it.of('/var/log/app.log')).toEqual({ mountpoint: '/mnt/nfs', mayHang: true });
  expect(it.of('/var/log/loop').mayHang).toBe(false);
  expect(asked.filter((path) => path.startsWith('/mnt/nfs'))).toEqual([]);
});

test('of mounts that stand on one that may hang each is one of its own', () => {
  const { it, asked } = mounts({});
  it.update(
    `${MOUNTINFO}${mount(4, '/net', 'autofs')}${mount(5, '/net/a', 'nfs4', 4)}${mount(6, '/mnt/nfs/disk', 'xfs', 2)}`,
  );
  expect(it.of('/net/a/log/a.log')).toEqual({ mountpoint: '/net/a', mayHang: true });
  expect(it.of('/net/b/log/a.log')).toEqual({ mountpoint: '/net', mayHang: true });
  expect(it.of('/mnt/nfs/disk/a.log')).toEqual({ mountpoint: '/mnt/nfs/disk', mayHang: true });
  expect(asked.filter((path) => /^\/(mnt\/nfs|net)/.test(path))).toEqual([]);
});

test('knows a path for a while, and until something else is mounted', () => {
  const { it, asked, clock } = mounts({});
  it.of('/srv/log/a.log');
  const once = asked.length;
  it.update(MOUNTINFO);
  it.of('/srv/log/a.log');
  expect(asked).toHaveLength(once);
  it.of('/srv/log/b.log');
  expect(asked).toHaveLength(once + 1);
  clock.advance(121_000);
  it.update(MOUNTINFO);
  it.of('/srv/log/a.log');
  expect(asked).toHaveLength(2 * once + 1);
  it.update(MOUNTINFO + mount(4, '/srv', 'fuse.sshfs'));
  expect(it.of('/srv/log/a.log')).toEqual({ mountpoint: '/srv', mayHang: true });
});

test('knows twenty thousand paths at most', () => {
  const { it, asked } = mounts({});
  const look = (paths: number) => {
    for (let i = 0; i < paths; i += 1) it.of(`/srv/${i}`);
    it.update(MOUNTINFO);
    asked.length = 0;
    it.of('/srv/0');
    return asked;
  };
  expect(look(19_999)).toEqual([]);
  expect(look(20_000)).toEqual(['/srv', '/srv/0']);
});

test('where nothing is known of mounts, nothing may hang', () => {
  const it = new Mounts(new SimulatedClock(), () => undefined);
  it.update('nonsense\n');
  expect(it.of('/mnt/a.log').mayHang).toBe(false);
});
