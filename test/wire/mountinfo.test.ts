import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMount, type Mount, reachable } from '../../src/wire/mountinfo.ts';

describe('a line of mountinfo', () => {
  test('names filesystem, folder, mount point, type and source', () => {
    expect(
      decodeMount('36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue'),
    ).toEqual({
      id: '36',
      parent: '35',
      number: '98:0',
      root: '/mnt1',
      mountpoint: '/mnt2',
      type: 'ext3',
      source: '/dev/root',
    });
  });

  test.each([
    ['no optional fields', ''],
    ['one', ' shared:1'],
    ['several', ' shared:1 master:2 propagate_from:3 unbindable'],
  ])('may have optional fields: %s', (_, fields) => {
    const mount = decodeMount(`36 35 98:0 / /mnt rw${fields} - ext3 /dev/sda1 rw`);
    expect(mount).toMatchObject({ type: 'ext3', source: '/dev/sda1' });
  });

  test('may have no source', () => {
    expect(decodeMount('36 35 0:9 / /mnt rw - tmpfs  rw')?.source).toBe('');
  });

  test('has blanks, newlines, backslashes and other bytes in octal', () => {
    const mount = decodeMount(
      '36 35 98:0 / /a\\040b\\011c\\012d\\134040e\\043 rw - nfs host:/\\303\\251 rw',
    );
    expect(mount?.mountpoint).toBe('/a b\tc\nd\\040e#');
    expect(mount?.source).toBe('host:/\xc3\xa9');
  });

  test.each([
    ['', 'nothing'],
    ['36 35 98:0 / /mnt rw', 'no separator'],
    ['36 35 98:0 / /mnt rw - ext4 /dev/sd', 'cut in its source'],
    ['36 x 98:0 / /mnt rw - ext4 /dev/sda1 rw', 'a parent that is no number'],
    ['36 35 98:0 / mnt rw - ext4 /dev/sda1 rw', 'a relative mount point'],
    ['36 35 98:0 / /m\0nt rw - ext4 /dev/sda1 rw', 'a NUL'],
  ])('is none: %j (%s)', (line) => {
    expect(decodeMount(line)).toBeUndefined();
  });

  test('is read back whatever the names hold', () => {
    const escaped = (text: string) =>
      text.replace(/[ \t\n\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
    const name = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n)),
    });
    fc.assert(
      fc.property(name, name, (folder, source) => {
        const line = `36 35 98:0 / /${escaped(folder)} rw - ext4 ${escaped(source)} rw`;
        expect(decodeMount(line)).toMatchObject({ mountpoint: `/${folder}`, source });
      }),
    );
  });
});

const mount = (id: number, parent: number, mountpoint: string, type = 'ext4'): Mount => ({
  id: `${id}`,
  parent: `${parent}`,
  number: `8:${id}`,
  root: '/',
  mountpoint,
  type,
  source: `/dev/sd${id}`,
});
const root = mount(1, 0, '/');
const idsOf = (mounts: readonly Mount[]) => reachable(mounts).map(({ id }) => Number(id));

describe('a mount can be reached', () => {
  test('unless another was mounted over it', () => {
    expect(idsOf([root, mount(2, 1, '/mnt'), mount(3, 2, '/mnt')])).toEqual([1, 3]);
  });

  test('unless another was mounted over a folder above it', () => {
    expect(
      idsOf([
        root,
        mount(2, 1, '/mnt'),
        mount(3, 2, '/mnt/a'),
        mount(4, 3, '/mnt/a/b'),
        mount(5, 2, '/mnt'),
      ]),
    ).toEqual([1, 5]);
    expect(idsOf([root, mount(2, 1, '/srv/a'), mount(3, 1, '/srv')])).toEqual([1, 3]);
  });

  test('in whichever order the kernel lists them', () => {
    expect(idsOf([mount(22, 27, '/proc', 'proc'), mount(27, 1, '/')])).toEqual([22, 27]);
  });

  test('beneath the root of the initial ramdisk, which is covered', () => {
    expect(
      idsOf([
        mount(1, 1, '/', 'rootfs'),
        mount(2, 1, '/dev', 'devtmpfs'),
        mount(20, 1, '/'),
        mount(21, 20, '/dev'),
      ]),
    ).toEqual([20, 21]);
  });

  test('if a neighbour merely begins with the same letters', () => {
    expect(idsOf([root, mount(2, 1, '/mnt'), mount(3, 1, '/mnt2')])).toEqual([1, 2, 3]);
  });

  test('only once per mount point, and the last counts', () => {
    expect(idsOf([root, mount(2, 1, '/mnt'), mount(3, 1, '/mnt')])).toEqual([1, 3]);
  });

  test('through the filesystems that it stands on', () => {
    const [, nfs, local, covering] = reachable([
      root,
      mount(2, 1, '/nfs', 'nfs4'),
      mount(3, 2, '/nfs/disk', 'xfs'),
      mount(4, 1, '/boot', 'autofs'),
      mount(5, 4, '/boot', 'vfat'),
    ]);
    expect(nfs?.through).toEqual(['nfs4', 'ext4']);
    expect(local?.through).toEqual(['xfs', 'nfs4', 'ext4']);
    expect(covering?.through, 'a covered automount is not asked').toEqual(['vfat', 'ext4']);
  });

  test('even if the parents go round in a circle', () => {
    expect(idsOf([mount(1, 2, '/a'), mount(2, 1, '/b')])).toEqual([1, 2]);
  });
});
