import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRecording, recordedHost } from '../../src/host/index.ts';
import { AccessDenied, NoData, Unresponsive } from '../../src/plugin/index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cullinan-recorded-'));
  put('recording.json', '{"version":1,"hostname":"web01","fqdn":"web01.example.net"}');
});
afterEach(() => rmSync(directory, { recursive: true }));

function put(path: string, content: string | Buffer): void {
  const whole = join(directory, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, content);
}

describe('a recorded host', () => {
  test('gives files one character per byte, names sorted, and links as they are written', () => {
    put('100/proc/net/dev', Buffer.from([0x65, 0xff, 0x00, 0xc3, 0xa9]));
    put('100/sys/devices/virtual/net/lo/mtu', '65536\n');
    put('100/sys/class/net/eth0/mtu', '1500\n');
    symlinkSync('../../devices/virtual/net/lo', join(directory, '100/sys/class/net/lo'));
    const host = recordedHost(join(directory, '100'));
    expect(host.proc.read('net/dev')).toBe('e\xff\0\xc3\xa9');
    expect(host.sys.list('class/net')).toEqual(['eth0', 'lo']);
    expect(host.sys.link('class/net/lo')).toBe('../../devices/virtual/net/lo');
    expect(host.sys.read('class/net/lo/mtu')).toBe('65536\n');
  });

  test('has no data where nothing was recorded', () => {
    put('100/proc/stat', '');
    const host = recordedHost(join(directory, '100'));
    expect(() => host.proc.read('meminfo')).toThrow(NoData);
    expect(() => host.proc.read('meminfo')).toThrow('/proc/meminfo is not in the recording');
    expect(() => host.root.list('dev/disk/by-label')).toThrow(NoData);
    expect(() => host.sys.link('class/net/eth0')).toThrow(NoData);
    expect(() => host.proc.link('stat')).toThrow(NoData);
    expect(() => host.proc.read('stat/x')).toThrow(NoData);
    expect(() => host.statfs('/')).toThrow(NoData);
  });

  test('fails as the host failed', () => {
    put(
      '100/errors.json',
      '{"read":{"proc/1/io":"EACCES","sys/a":"EIO","sys/b":"EACCES"},"list":{"proc/2":"EACCES"}}',
    );
    put('100/proc/1/io', 'never shown');
    put('100/proc/2/stat', '');
    mkdirSync(join(directory, '100/sys'));
    symlinkSync('c', join(directory, '100/sys/b'));
    const host = recordedHost(join(directory, '100'));
    expect(() => host.proc.read('1/io')).toThrow(AccessDenied);
    expect(() => host.proc.list('2')).toThrow(AccessDenied);
    expect(host.proc.read('2/stat')).toBe('');
    expect(() => host.sys.read('a')).toThrow('/sys/a cannot be read: EIO');
    expect(() => host.sys.read('b')).toThrow(AccessDenied);
    expect(host.sys.link('b')).toBe('c');
  });

  test('answers statfs by mount point, and at once where the mount hung', async () => {
    const root = {
      blockSize: 4096,
      blocks: 100,
      blocksFree: 50,
      blocksAvailable: 40,
      inodes: 10,
      inodesFree: 5,
    };
    put(
      '100/statfs.json',
      JSON.stringify({
        '/': root,
        '/mnt/nfs': { error: 'hung' },
        '/gone': { error: 'ENOENT' },
        '/root': { error: 'EACCES' },
        '/bad': { error: 'EIO' },
      }),
    );
    const host = recordedHost(join(directory, '100'));
    const { signal } = new AbortController();
    expect(host.statfs('/')).toEqual(root);
    expect(await host.statfsGuarded('/', signal)).toEqual(root);
    expect(() => host.statfs('/mnt/nfs')).toThrow(Unresponsive);
    await expect(host.statfsGuarded('/mnt/nfs', signal)).rejects.toThrow(Unresponsive);
    await expect(host.statfsGuarded('/gone', signal)).rejects.toThrow(NoData);
    await expect(host.statfsGuarded('/root', signal)).rejects.toThrow(AccessDenied);
    await expect(host.statfsGuarded('/bad', signal)).rejects.toThrow('/bad cannot be read: EIO');
  });

  test('does not follow links out of the recording', () => {
    put('100/proc/stat', '');
    put('secret', 'secret');
    symlinkSync('/etc/passwd', join(directory, '100/proc/meminfo'));
    symlinkSync('../../..', join(directory, '100/proc/up'));
    const host = recordedHost(join(directory, '100'));
    expect(() => host.proc.read('meminfo')).toThrow(NoData);
    expect(() => host.proc.list('up')).toThrow(NoData);
    expect(() => host.proc.link('up/x')).toThrow(NoData);
    expect(() => host.proc.read('../../secret')).toThrow(NoData);
  });

  test('does not wait for a FIFO', () => {
    mkdirSync(join(directory, '100/proc'), { recursive: true });
    execFileSync('mkfifo', [join(directory, '100/proc/stat')]);
    const host = recordedHost(join(directory, '100'));
    expect(() => host.proc.read('stat')).toThrow('not a regular file');
  });

  test('is foreign if the recording says so', () => {
    put('100/proc/stat', '');
    expect(recordedHost(join(directory, '100')).foreign).toBe(false);
    put('recording.json', '{"version":1,"hostname":"a","fqdn":"a","foreign":true}');
    expect(recordedHost(join(directory, '100')).foreign).toBe(true);
  });

  test('must exist', () => {
    expect(() => recordedHost(join(directory, '200'))).toThrow('/200 cannot be replayed');
  });

  test.each([
    ['no JSON', '{', 'statfs.json is no JSON'],
    ['a number missing', '{"/":{"blocks":1}}', 'statfs.json is not as this version'],
  ])('rejects statfs answers: %s', (_, json, message) => {
    put('100/statfs.json', json);
    expect(() => recordedHost(join(directory, '100'))).toThrow(message);
  });
});

describe('opening a recording', () => {
  test('finds its moments in the order of time', () => {
    for (const time of ['1700000010', '999', '1700000000']) put(`${time}/proc/stat`, '');
    put('README.md', 'notes');
    expect(openRecording(directory)).toEqual({
      hostname: 'web01',
      fqdn: 'web01.example.net',
      foreign: false,
      moments: [
        { time: 999, directory: join(directory, '999') },
        { time: 1700000000, directory: join(directory, '1700000000') },
        { time: 1700000010, directory: join(directory, '1700000010') },
      ],
    });
  });

  test.each<[string, () => void, string]>([
    ['that is missing', () => rmSync(directory, { recursive: true }), 'cannot be read (ENOENT)'],
    ['without moments', () => {}, 'has no moments'],
    [
      'without recording.json',
      () => rmSync(join(directory, 'recording.json')),
      'no recording.json',
    ],
    [
      'with an empty moment',
      () => mkdirSync(join(directory, '1700000000')),
      'has nothing in it of',
    ],
    ['with a folder that is no moment', () => put('1.5/proc/stat', ''), 'no time in whole Unix'],
    ['of a later version', () => put('recording.json', '{"version":2}'), 'is not as this version'],
    ['whose recording.json is cut', () => put('recording.json', '{"ver'), 'is no JSON'],
  ])('rejects one %s, and says what a recording is', (_, spoil, message) => {
    spoil();
    expect(() => openRecording(directory)).toThrow(message);
    expect(() => openRecording(directory)).toThrow(/DIR\/<unix seconds>|mend it/);
    mkdirSync(directory, { recursive: true });
  });

  test('points at the directory above when it is given a single moment', () => {
    put('100/proc/stat', '');
    expect(() => openRecording(join(directory, '100'))).toThrow('give the directory above it');
  });
});
