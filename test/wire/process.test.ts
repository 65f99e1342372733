import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCgroups,
  decodeCommandLine,
  decodeIo,
  decodePss,
  decodeStat,
  decodeStatus,
} from '../../src/wire/process.ts';

const STAT =
  '1202 (nginx) S 1201 1202 1202 0 -1 4194560 9120 7 2 8 180340 240912 5 6 20 0 1 0 2152 13221888 1530 18446744073709551615\n';

describe('a stat file', () => {
  test('has what the process used without what its children did', () => {
    expect(decodeStat(STAT)).toEqual({
      ...{ command: 'nginx', state: 'S', started: 2152 },
      ...{ user: 180340, system: 240912, minorFaults: 9120, majorFaults: 2 },
    });
  });

  test.each(['tmux: server)', '(sd-pam)', 'a b', ') R 1 (', ''])('may name it %j', (name) => {
    expect(decodeStat(STAT.replace('nginx', name))).toMatchObject({ command: name, started: 2152 });
  });

  test.each([
    ['cut short', STAT.slice(0, 60)],
    ['cut within its last number', STAT.slice(0, -2)],
    ['without a name', '1 S 1 1 1'],
    ['with a word for a number', STAT.replace('2152', 'soon')],
  ])('%s is none', (_, text) => expect(decodeStat(text)).toBeUndefined());
});

describe('a status file', () => {
  test('has memory, threads and switches', () => {
    const text =
      'Name:\tx\nVmSize:\t  12912 kB\nVmRSS:\t   6120 kB\nVmSwap:\t     16 kB\nThreads:\t3\nvoluntary_ctxt_switches:\t9\nnonvoluntary_ctxt_switches:\t2\n';
    expect(decodeStatus(text)).toEqual({
      ...{ threads: 3, resident: 6120, virtual: 12912, swapped: 16 },
      ...{ voluntary: 9, involuntary: 2 },
    });
  });

  test('of a kernel thread has no memory', () => {
    expect(decodeStatus('Name:\tkthreadd\nThreads:\t1\n')).toMatchObject({ resident: undefined });
  });

  test.each(['Name:\tx\n', 'Name:\tx\nThreads:\t1'])('%j has no threads, and is none', (text) => {
    expect(decodeStatus(text)).toBeUndefined();
  });
});

test('an io file has what storage was asked for, not what the program asked for', () => {
  const text =
    'rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n';
  expect(decodeIo(text)).toEqual({ read: 5, written: 6 });
  expect(decodeIo(text.slice(0, 40))).toBeUndefined();
  expect(decodeIo('read_bytes: 5\nwrite_bytes: 6')).toBeUndefined();
});

test('a smaps_rollup file has Pss, and its parts under longer names', () => {
  expect(decodePss('Rss:  9 kB\nPss:    7 kB\nPss_Dirty:  3 kB\n')).toBe(7);
  expect(decodePss('Pss_Dirty:  3 kB\n')).toBeUndefined();
  expect(decodePss('Pss:    7')).toBeUndefined();
});

test('a cgroup file has a path for each hierarchy', () => {
  expect(decodeCgroups('2:cpu,cpuacct:/web\n1:name=systemd:/a:b\n0::/system.slice\n')).toEqual([
    '/web',
    '/a:b',
    '/system.slice',
  ]);
});

test('a command line has blanks between its words', () => {
  expect(decodeCommandLine('nginx: worker\0\0\0')).toBe('nginx: worker');
  expect(decodeCommandLine('qemu\0-name\0web01\0')).toBe('qemu -name web01');
});

test('no text makes a decoder fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const decode of [decodeStat, decodeStatus, decodeIo, decodePss, decodeCgroups]) {
        decode(text);
        decode(STAT + text);
      }
    }),
  );
});
