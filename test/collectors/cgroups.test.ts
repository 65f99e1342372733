import { ParseError } from 'cullinan/plugin';
import { expect, test } from 'vitest';
import cgroups, { parseIo, parseNumber } from '../../collectors/cgroups.ts';
import { collecting, describeCollector, text } from '../support/collector.ts';
import { hostWith } from '../support/host.ts';

describeCollector(cgroups);
describeCollector(cgroups, {
  options: { groups: { include: ['user.slice/*'] }, depth: 3 },
  variant: 'users',
});

test('a limit that says max is none', () => {
  expect(parseNumber('pids.max', 'max\n')).toBeUndefined();
  expect(parseNumber('pids.max', '4915\n')).toBe(4915);
  expect(() => parseNumber('pids.max', 'many\n')).toThrow(
    new ParseError('pids.max: "many" is no whole number'),
  );
});

test('disks are added up, words that are no numbers passed over', () => {
  const io = '8:0 rbytes=1 wbytes=2\n8:16 rbytes=10 cost.vrate=100.00\n';
  expect([...parseIo('io.stat', io)]).toEqual([
    ['rbytes', 11],
    ['wbytes', 2],
  ]);
  expect(() => parseIo('io.stat', 'sda rbytes=1\n')).toThrow(
    new ParseError('io.stat line 1: "sda rbytes=1" begins with no disk'),
  );
});

const group = (path: string) => ({ [`sys/fs/cgroup/unified/${path}/pids.current`]: '3\n' });
const unified = { 'sys/fs/cgroup/unified/cgroup.procs': '1\n' };

test('version 2 beside version 1, and controllers that are off', async () => {
  const host = hostWith({ ...unified, ...group('a.slice') });
  expect(text(await collecting(cgroups)(0, { host }))).toBe(
    'system.cgroup.pids.count{group="a.slice"} 3 count gauge\n',
  );
});

test('a line that makes no sense costs its own number, and is told of', async () => {
  const folder = 'sys/fs/cgroup/unified/a.slice';
  const host = hostWith({
    ...unified,
    [`${folder}/cpu.stat`]: 'usage_usec 3000000\nuser_usec 2000000\nsystem_usec much\n',
    [`${folder}/memory.current`]: '4096\n',
    [`${folder}/memory.max`]: 'max\n',
    [`${folder}/memory.events`]: 'low 0\nhigh never\nmax 1\noom 0\noom_kill 0\n',
  });
  const run = await collecting(cgroups)(0, { host });
  expect(text(run)).toContain('system.cgroup.cpu.time{group="a.slice",state="user"} 2 s');
  expect(text(run)).not.toContain('state="system"');
  expect(text(run)).toContain('event="max"} 1 count');
  expect(text(run)).not.toContain('event="high"');
  expect(run.errors.map(String)).toEqual([
    expect.stringContaining('cpu.stat line 3'),
    expect.stringContaining('memory.events line 2'),
  ]);
});

test('more groups than are wanted are said to be', async () => {
  const host = hostWith({ ...unified, ...group('a'), ...group('b'), ...group('c') });
  const run = await collecting(cgroups)(0, { host, options: { limit: 2 } });
  expect(run.observations).toHaveLength(2);
  expect(run.errors).toEqual([
    new ParseError('/sys/fs/cgroup/unified: more than 2 groups. Choose some, or raise "limit".'),
  ]);
});
