import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import mountstats, { parse } from '../../collectors/mountstats.ts';
import { collecting, describeCollector } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(mountstats);
describeCollector(mountstats, { options: { operations: { include: ['*'] } }, variant: 'all' });

const mounted = (lines: string, mountpoint = '/home') =>
  `device filer:/x mounted on ${mountpoint} with fstype nfs4 statvers=1.1\n${lines}`;

test('filesystems other than NFS, and NFS without numbers, are passed over', () => {
  const text = 'device proc mounted on /proc with fstype proc\n';
  expect(parse(`${text}device nfsd mounted on /proc/fs/nfsd with fstype nfsd\n`)).toEqual([]);
});

test('of two that are mounted over each other, the upper one counts', () => {
  const [mount, ...others] = parse(mounted('\tage:\t9\n') + mounted('\tage:\t7\n'));
  expect(others).toEqual([]);
  expect(mount).toMatchObject({ mountpoint: '/home', age: 7 });
});

test('blanks in a path are blanks', () => {
  expect(parse(mounted('', '/mnt/\\303\\266\\040b'))).toMatchObject([{ mountpoint: '/mnt/ö b' }]);
});

test('a malformed line is told of', async () => {
  const text = mounted('\tage:\tx\n\tbytes:\t1 2 3 4 5 6 7 8\n');
  const run = await collecting(mountstats)(0, { host: hostWith({ 'proc/self/mountstats': text }) });
  expect(run.observations).toHaveLength(6);
  expect(run.errors.map(String)).toEqual([expect.stringContaining('/home: age: ')]);
});

test('a malformed line costs itself', () => {
  const text = mounted('\tage:\tx\n\tper-op statistics\n\tREAD: 1 2\n\tWRITE: 1 2 3 4 5 6 7 8 9\n');
  const [mount] = parse(text);
  expect([...(mount?.operations.keys() ?? [])]).toEqual(['write']);
  expect(mount?.errors).toEqual([expect.any(ParseError), expect.any(ParseError)]);
  expect(mount?.errors[1]?.message).toContain('/proc/self/mountstats: /home: READ: ');
});
