import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'cullinan/plugin';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import handler from '../../handlers/file.ts';
import { around } from '../support/delivery.ts';
import { point } from '../support/points.ts';

const forever = new AbortController().signal;

let folder: string;
let path: string;
let connections: Connection[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cullinan-file-'));
  path = join(folder, 'archive.log');
  connections = [];
});
afterEach(async () => {
  for (const connection of connections) await connection.close();
  await rm(folder, { recursive: true });
});

async function open(
  options: Readonly<Record<string, unknown>> = {},
  signal = forever,
): Promise<Connection> {
  const parsed = handler.options.parse({ path, ...options });
  const connection = await handler.open({ options: parsed, signal, ...around });
  connections.push(connection);
  return connection;
}

/** How often this process has a file open. */
const held = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;

const read = (name = 'archive.log') => readFile(join(folder, name), 'utf8');
const files = async () => (await readdir(folder)).sort();

/** A moment of the host's own time zone, in Unix seconds. */
const at = (day: number, hour: number) => new Date(2026, 10, day, hour).getTime() / 1000;
const a = (time: number) => point('m', { path: 'servers.web01.m', value: 7, time });
const line = (time: number) => `servers.web01.m 7 ${time}\n`;

describe('lines', () => {
  test("are those of Diamond's archive", async () => {
    await (await open()).write([a(10), a(20)], forever);
    expect(await read()).toBe('servers.web01.m 7 10\nservers.web01.m 7 20\n');
  });

  test('are JSON objects if asked', async () => {
    await (await open({ format: 'json', sync: true })).write([a(10)], forever);
    expect(JSON.parse(await read())).toMatchObject({ name: 'm', value: 7, time: 10 });
  });

  test('follow those that are there', async () => {
    await writeFile(path, 'earlier 1 1\n');
    await (await open({ rotate: 'never' })).write([a(10)], forever);
    expect(await read()).toBe(`earlier 1 1\n${line(10)}`);
  });

  test('never continue a line that a crash left unfinished', async () => {
    await writeFile(path, 'earlier 1 1\nservers.we');
    await (await open({ rotate: 'never' })).write([a(10)], forever);
    expect(await read()).toBe(`earlier 1 1\nservers.we\n${line(10)}`);
  });
});

describe('rotation at midnight', () => {
  test('moves each day to a file of its date', async () => {
    const connection = await open();
    await connection.write([a(at(20, 22)), a(at(20, 23))], forever);
    await connection.write([a(at(20, 23) + 3599), a(at(21, 0))], forever);
    await connection.write([a(at(22, 0))], forever);
    expect(await files()).toEqual([
      'archive.log',
      'archive.log.2026-11-20',
      'archive.log.2026-11-21',
    ]);
    expect((await read('archive.log.2026-11-20')).split('\n')).toHaveLength(4);
    expect(await read()).toBe(line(at(22, 0)));
  });

  test('happens after a restart too', async () => {
    await writeFile(path, line(at(19, 12)));
    await utimes(path, at(19, 12), at(19, 12));
    await (await open()).write([a(at(20, 1))], forever);
    expect(await read('archive.log.2026-11-19')).toBe(line(at(19, 12)));
  });

  test('never replaces a file that is there', async () => {
    await writeFile(`${path}.2026-11-20`, 'precious\n');
    const connection = await open();
    await connection.write([a(at(20, 1)), a(at(21, 1))], forever);
    expect(await read('archive.log.2026-11-20')).toBe('precious\n');
    expect(await read('archive.log.2026-11-20.1')).toBe(line(at(20, 1)));
  });

  test('keeps as many as it is told, and touches no other file', async () => {
    await writeFile(`${path}.notes`, '');
    const connection = await open({ keep: 2 });
    for (let day = 10; day < 16; day += 1) await connection.write([a(at(day, 1))], forever);
    expect(await files()).toEqual([
      'archive.log',
      'archive.log.2026-11-13',
      'archive.log.2026-11-14',
      'archive.log.notes',
    ]);
  });

  test('does not go back for late points', async () => {
    const connection = await open();
    await connection.write([a(at(21, 1)), a(at(20, 1)), a(at(21, 2))], forever);
    expect(await files()).toEqual(['archive.log']);
  });
});

test('rotation by size numbers the files, the newest first', async () => {
  const connection = await open({ rotate: 'size', size: '50B', keep: 2 });
  for (let i = 10; i < 20; i += 1) await connection.write([a(i)], forever);
  expect(await files()).toEqual(['archive.log', 'archive.log.1', 'archive.log.2']);
  expect(await read()).toBe(line(18) + line(19));
  expect(await read('archive.log.1')).toBe(line(16) + line(17));
  expect(await read('archive.log.2')).toBe(line(14) + line(15));
});

describe('when others touch the file', () => {
  test('it is created again after logrotate has moved it', async () => {
    const connection = await open();
    await connection.write([a(10)], forever);
    await rename(path, `${path}-moved`);
    await connection.write([a(20)], forever);
    expect(await read('archive.log-moved')).toBe(line(10));
    expect(await read()).toBe(line(20));
  });

  test('it is created again after it was deleted', async () => {
    const connection = await open();
    await connection.write([a(10)], forever);
    await rm(path);
    await connection.write([a(20)], forever);
    expect(await read()).toBe(line(20));
  });

  test('it goes on at the start after it was emptied (copytruncate)', async () => {
    const connection = await open();
    await connection.write([a(10)], forever);
    await truncate(path);
    await connection.write([a(20)], forever);
    expect(await read()).toBe(line(20));
  });
});

describe('when it cannot be written', () => {
  test('a missing folder is named, with what to do', async () => {
    path = join(folder, 'missing', 'archive.log');
    await expect(open()).rejects.toThrow(
      `cannot write ${path}: its folder does not exist. Create it (mkdir -p), or choose another (ENOENT).`,
    );
  });

  test('a folder is no file', async () => {
    await mkdir(path);
    await expect(open()).rejects.toThrow('it is a folder. Name a file in it (EISDIR)');
  });

  test('a full disk is named, with what to do', async () => {
    path = '/dev/full';
    const connection = await open();
    await expect(connection.write([a(10)], forever)).rejects.toThrow(
      'cannot write /dev/full: its filesystem is full. Free space',
    );
  });

  test('half a batch leaves nothing behind', async () => {
    const connection = await open();
    await connection.write([a(10)], forever);
    const pid = String(process.pid);
    // The kernel takes what fits below the limit, as on a disk that fills up, and then refuses.
    execFileSync('prlimit', ['--pid', pid, '--fsize=100:']);
    try {
      const many = Array.from({ length: 50 }, (_, i) => a(20 + i));
      await expect(connection.write(many, forever)).rejects.toThrow('EFBIG');
    } finally {
      execFileSync('prlimit', ['--pid', pid, '--fsize=unlimited:']);
    }
    expect(await read()).toBe(line(10));
    await connection.write([a(20)], forever);
    expect(await read()).toBe(line(10) + line(20));
  });
});

describe('when it is given up', () => {
  test('while it is being opened, it is closed', async () => {
    const given = new AbortController();
    const opening = open({}, given.signal);
    given.abort();
    await expect(opening).rejects.toThrow('its disk does not answer');
    // It waits until the one before has come back from the disk.
    await open();
    expect(held()).toBe(1);
  });

  test('while a write is under way that fails, it is closed', async () => {
    path = '/dev/full';
    const given = new AbortController();
    const connection = await open({}, given.signal);
    const writing = connection.write([a(10)], forever);
    given.abort();
    await expect(writing).rejects.toThrow('its filesystem is full');
    await vi.waitFor(() => expect(held()).toBe(0), 10_000);
  });
});
