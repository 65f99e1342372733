import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LiveHost, liveHost } from '../../src/host/index.ts';
import { AccessDenied, NoData, ParseError, Unresponsive } from '../../src/plugin/index.ts';

let directory: string;
let host: LiveHost;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cullinan-guard-'));
});
afterEach(() => {
  host.close();
  rmSync(directory, { recursive: true });
});

const never = new AbortController().signal;

/** A `stat` that does what a test wants; `$4` is the path that it is asked for, after `-f -c FORMAT --`. */
function program(script: string): string {
  const path = join(directory, 'stat');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Waits for something that the kernel does in its own time. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}

/** Processes whose command line names this test's directory, zombies among them by their parent. */
function processes(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const zombie = /\) Z (\d+) /.exec(stat)?.[1] === String(process.pid);
        return zombie || readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(directory);
      } catch {
        return false;
      }
    });
}

describe('statfs in a child process', () => {
  test('says of / what statfs says of it', async () => {
    host = liveHost();
    const { blockSize, blocks, inodes, blocksFree } = host.statfs('/');
    const guarded = await host.statfsGuarded('/', never);
    expect(guarded).toMatchObject({ blockSize, blocks, inodes });
    expect(Object.keys(guarded)).toEqual(Object.keys(host.statfs('/')));
    expect(Math.abs(guarded.blocksFree - blocksFree) / blocks).toBeLessThan(0.05);
  });

  test('takes names of any bytes', async () => {
    host = liveHost({ root: directory });
    const names = ['a b', 'a\xff', 'a\xc3\xa9', '%s\\0101$(x)`y`"\'\xfe', 'new\nline\xfd\n', '-x'];
    for (const name of names) mkdirSync(Buffer.from(`${directory}/${name}`, 'latin1'));
    for (const name of names) {
      expect((await host.statfsGuarded(`/${name}`, never)).blocks).toBeGreaterThan(0);
    }
    await expect(host.statfsGuarded('/a\xfe', never)).rejects.toThrow(NoData);
  });

  test('tells absent, denied and broken mounts apart', async () => {
    host = liveHost({
      stat: program(`case "$5" in
        /absent) echo "stat: cannot read file system information for '/absent': No such file or directory" >&2;;
        /denied) echo "stat: cannot read file system information for '/denied': Permission denied" >&2;;
        /stale) echo "stat: cannot read file system information for '/stale': Stale file handle" >&2;;
        /words) echo "Usage: none"; exit 0;;
      esac; exit 1`),
    });
    await expect(host.statfsGuarded('/absent', never)).rejects.toThrow(NoData);
    await expect(host.statfsGuarded('/denied', never)).rejects.toThrow(AccessDenied);
    await expect(host.statfsGuarded('/stale', never)).rejects.toThrow('Stale file handle');
    await expect(host.statfsGuarded('/words', never)).rejects.toThrow(ParseError);
  });

  test('says which program is missing', async () => {
    host = liveHost({ stat: join(directory, 'missing') });
    await expect(host.statfsGuarded('/', never)).rejects.toThrow(
      'missing cannot be started: ENOENT',
    );
  });

  test('gives up at the deadline, kills all that it started, and asks again later', async () => {
    host = liveHost({
      stat: program(
        `if [ -e ${directory}/well ]; then echo 4096 5 4 3 2 1; else sh -c 'sleep 600; : ${directory}' & touch ${directory}/asked; wait; fi`,
      ),
    });
    const deadline = new AbortController();
    const asked = host.statfsGuarded('/mnt', deadline.signal);
    await until(() => existsSync(join(directory, 'asked')));
    expect(processes().length).toBeGreaterThan(0);
    deadline.abort();
    await expect(asked).rejects.toThrow(Unresponsive);
    // The kernel has not let go of the child yet: the mount counts as hung.
    await expect(host.statfsGuarded('/mnt', never)).rejects.toThrow('/mnt still does not answer');
    await until(() => processes().length === 0);
    writeFileSync(join(directory, 'well'), '');
    let answer: unknown;
    while (answer === undefined) {
      answer = await host.statfsGuarded('/mnt', never).catch(() => undefined);
      // It is asked behind our back meanwhile, and we are told at once that it has not answered yet.
      if (answer === undefined) await sleep(2);
    }
    expect(answer).toEqual({
      blockSize: 4096,
      blocks: 5,
      blocksFree: 4,
      blocksAvailable: 3,
      inodes: 2,
      inodesFree: 1,
    });
  });

  test('does not ask after the deadline', async () => {
    host = liveHost({ stat: program(`touch ${directory}/asked; sleep 600`) });
    await expect(host.statfsGuarded('/mnt', AbortSignal.abort())).rejects.toThrow(Unresponsive);
    expect(existsSync(join(directory, 'asked'))).toBe(false);
  });

  test('asks a mount once at a time, and eight mounts at most', async () => {
    mkdirSync(join(directory, 'asked'));
    host = liveHost({
      stat: program(
        `echo x >> ${directory}/asked$5; while [ ! -e ${directory}/go$5 ]; do sleep 0.01; done; echo 1 2 3 4 5 6`,
      ),
    });
    mkdirSync(join(directory, 'go'));
    const deadline = new AbortController();
    const asked = (): readonly string[] => readdirSync(join(directory, 'asked'));
    const first = Array.from({ length: 8 }, (_, i) => host.statfsGuarded(`/${i}`, never));
    const again = host.statfsGuarded('/0', never);
    const ninth = host.statfsGuarded('/8', never);
    const tenth = host.statfsGuarded('/9', deadline.signal);
    await until(() => asked().length === 8);
    deadline.abort();
    await expect(tenth).rejects.toThrow('/9 was not asked: 8 other mounts');
    expect(asked()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    writeFileSync(join(directory, 'go/0'), '');
    expect(await again).toEqual(await first[0]);
    await until(() => asked().length === 9);
    for (const i of [1, 2, 3, 4, 5, 6, 7, 8]) writeFileSync(join(directory, `go/${i}`), '');
    await Promise.all([...first, ninth]);
    expect(readFileSync(join(directory, 'asked/0'), 'utf8')).toBe('x\n');
    expect(asked()).not.toContain('9');
  });

  test('leaves no child and no descriptor behind', async () => {
    host = liveHost({ stat: program('[ "$5" = / ] && echo 1 2 3 4 5 6 && exit; exec sleep 600') });
    const open = (): number => readdirSync('/proc/self/fd').length;
    await host.statfsGuarded('/', never);
    const before = open();
    for (let i = 0; i < 20; i += 1) {
      await host.statfsGuarded('/', never);
      await host.statfsGuarded(`/${i}`, AbortSignal.timeout(1)).catch(() => undefined);
    }
    await until(() => processes().length === 0 && open() <= before);
  });

  test('ends with the host', async () => {
    host = liveHost({ stat: program(`touch ${directory}/asked; exec sleep 600`) });
    const asked = host.statfsGuarded('/mnt', never);
    await until(() => existsSync(join(directory, 'asked')));
    host.close();
    await expect(asked).rejects.toThrow(Unresponsive);
    await expect(host.statfsGuarded('/', never)).rejects.toThrow(Unresponsive);
    await until(() => processes().length === 0);
  });
});
