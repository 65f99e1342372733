import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { liveHost } from '../../src/host/index.ts';
import { NoData } from '../../src/plugin/index.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cullinan-live-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const openFilesBelow = (path: string): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path);
    } catch {
      return false;
    }
  }).length;

describe('the host as it is now', () => {
  test('reads what the kernel says, anew in every turn of the event loop', async () => {
    const host = liveHost();
    try {
      const first = host.proc.read('uptime');
      expect(first).toMatch(/^\d+\.\d+ \d+\.\d+\n$/);
      await vi.waitFor(() => {
        expect(Number.parseFloat(host.proc.read('uptime'))).toBeGreaterThan(
          Number.parseFloat(first),
        );
      });
      expect(host.proc.read('version')).toBe(readFileSync('/proc/version', 'latin1'));
      expect(host.proc.read('self/mountinfo')).toBe(readFileSync('/proc/self/mountinfo', 'latin1'));
      expect(host.proc.read('kallsyms').length).toBeGreaterThan(64 * 1024);
      expect(host.sys.list('class/net')).toContain('lo');
      expect(host.sys.read('class/net/lo/mtu')).toBe('65536\n');
      expect(host.sys.link('class/net/lo')).toBe('../../devices/virtual/net/lo');
      expect(host.root.list('')).toContain('proc');
    } finally {
      host.close();
    }
  });

  test('reads a file of /proc that several ask for once per turn', async () => {
    const host = liveHost();
    try {
      host.proc.read('uptime');
      await Promise.resolve();
      const said = host.proc.read('uptime');
      const begun = performance.now();
      // The kernel counts in hundredths of a second.
      while (performance.now() < begun + 20);
      expect(host.proc.read('uptime')).toBe(said);
      await Promise.resolve();
      expect(host.proc.read('uptime')).not.toBe(said);
    } finally {
      host.close();
    }
  });

  test('keeps at most 64 files of /proc open, none of processes or /sys, and gives all back', () => {
    const before = openFilesBelow('/proc/sys/');
    const host = liveHost();
    for (const name of host.proc.list('sys/kernel')) {
      try {
        host.proc.read(`sys/kernel/${name}`);
      } catch {
        // Folders, and what only root may see.
      }
      try {
        host.proc.read('sys/kernel/ostype');
      } catch {}
    }
    const kept = openFilesBelow('/proc/sys/');
    expect(kept - before).toBeGreaterThan(32);
    expect(kept - before).toBeLessThanOrEqual(64);
    host.proc.read('1/stat');
    expect(openFilesBelow('/proc/1/')).toBe(0);
    host.close();
    expect(openFilesBelow('/proc/sys/')).toBe(before);
  });

  test('has no data where there is nothing, or nothing that applies', () => {
    const host = liveHost();
    expect(() => host.proc.read('nothing-of-this-name')).toThrow(NoData);
    expect(() => host.proc.read('stat/x')).toThrow(NoData);
    expect(() => host.sys.list('class/nothing')).toThrow(NoData);
    expect(() => host.proc.link('stat')).toThrow(NoData);
    expect(() => host.proc.read('999999999/stat')).toThrow(NoData);
    expect(() => host.sys.read('class/net/lo/speed')).toThrow(
      '/sys/class/net/lo/speed does not exist here (EINVAL)',
    );
    expect(() => host.statfs('/nothing')).toThrow(NoData);
    host.close();
  });

  test('names the file and the code of any other failure', () => {
    const host = liveHost();
    expect(() => host.sys.read('class')).toThrow('/sys/class cannot be read: EISDIR');
    host.close();
  });

  test('reads anew after its descriptors were closed behind its back', async () => {
    const host = liveHost();
    const version = host.proc.read('version');
    await Promise.resolve();
    for (const fd of readdirSync('/proc/self/fd')) {
      try {
        if (readlinkSync(`/proc/self/fd/${fd}`) === '/proc/version') closeSync(Number(fd));
      } catch {}
    }
    expect(host.proc.read('version')).toBe(version);
    host.close();
  });

  test('is foreign as soon as one of its trees is', () => {
    const foreign = (options: Parameters<typeof liveHost>[0]) => {
      const host = liveHost(options);
      host.close();
      return host.foreign;
    };
    expect(foreign({})).toBe(false);
    expect(foreign({ proc: '/proc/', sys: '/sys', root: '/' })).toBe(false);
    expect(foreign({ proc: '/host/proc' })).toBe(true);
    expect(foreign({ sys: '/host/sys' })).toBe(true);
    expect(foreign({ root: '/host' })).toBe(true);
  });
});

describe('a host at another place', () => {
  test('is read byte for byte, whatever the names and the contents', () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0 && byte !== 47)))
      .filter((bytes) => bytes.length > 0 && !/^\.\.?$/.test(bytes.toString('latin1')));
    fc.assert(
      fc.property(name, fc.uint8Array(), (bytes, content) => {
        const proc = mkdtempSync(join(directory, 'proc-ü-'));
        writeFileSync(Buffer.concat([Buffer.from(`${proc}/`), bytes]), content);
        symlinkSync(bytes, Buffer.from(`${proc}/0 link of a name of its own and of no other name`));
        const host = liveHost({ proc });
        const text = bytes.toString('latin1');
        expect(host.proc.read(text)).toBe(Buffer.from(content).toString('latin1'));
        expect(host.proc.list('')).toContain(text);
        const link = '0 link of a name of its own and of no other name';
        expect(host.proc.link(link)).toBe(text);
        host.close();
      }),
      { numRuns: 50 },
    );
  });

  test('sees a file that took the place of another', () => {
    const host = liveHost({ proc: directory });
    writeFileSync(join(directory, 'stat'), 'old');
    expect(host.proc.read('stat')).toBe('old');
    writeFileSync(join(directory, 'new'), 'new');
    renameSync(join(directory, 'new'), join(directory, 'stat'));
    expect(host.proc.read('stat')).toBe('new');
    host.close();
  });

  test('is no reason to wait: a FIFO, a socket or a device is refused', () => {
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    symlinkSync('/dev/zero', join(directory, 'zero'));
    const host = liveHost({ proc: directory });
    const message = 'cannot be read: not a regular file';
    expect(() => host.proc.read('fifo')).toThrow(message);
    expect(() => host.proc.read('zero')).toThrow(message);
    expect(openFilesBelow(directory)).toBe(0);
    host.close();
  });

  test('is read up to 64 MiB a file', () => {
    closeSync(openSync(join(directory, 'huge'), 'w'));
    truncateSync(join(directory, 'huge'), 64 * 1024 * 1024 + 1);
    const host = liveHost({ proc: directory });
    expect(() => host.proc.read('huge')).toThrow('is larger than 67108864 bytes');
    truncateSync(join(directory, 'huge'), 64 * 1024 * 1024);
    expect(host.proc.read('huge').length).toBe(64 * 1024 * 1024);
    host.close();
  });

  test('answers statfs below its root, with names of any bytes', () => {
    const bytes = Buffer.from([0x6d, 0xff]);
    mkdirSync(Buffer.concat([Buffer.from(`${directory}/`), bytes]));
    const host = liveHost({ root: directory });
    expect(host.statfs('/').blocks).toBeGreaterThan(0);
    expect(host.statfs('/m\xff').blockSize).toBeGreaterThan(0);
    expect(() => host.statfs('/m\xfe')).toThrow(NoData);
    expect(existsSync(directory)).toBe(true);
    host.close();
  });
});
