import { expect, test } from 'vitest';
import { deadlined } from '../../src/logs/deadline.ts';
import type { Files } from '../../src/logs/files.ts';
import { Mounts } from '../../src/mounts/index.ts';
import { NoData, Unresponsive } from '../../src/plugin/index.ts';
import { SimulatedClock } from '../support/clock.ts';
import { MemoryFiles } from '../support/memory-files.ts';

const MOUNTINFO = ['/', '/mnt/a', '/mnt/b', '/mnt/c', '/mnt/gr\xc3\xb6\xc3\x9fe']
  .map((on, i) => `${i + 1} ${i && 1} 0:${i} / ${on} rw - ${i === 0 ? 'ext4' : 'nfs4'} source rw\n`)
  .join('');
const LOGS = ['/local.log', '/mnt/a/1.log', '/mnt/a/2.log', '/mnt/b/1.log', '/mnt/c/1.log'];

/** Files on a disk and on three servers, of which some hang. */
function scene() {
  const clock = new SimulatedClock();
  const memory = new MemoryFiles(() => 0);
  for (const log of LOGS) memory.writing(log).append('line\n');
  const hanging = new Map<string, () => void>();
  const asked: string[] = [];
  /** Does what it is asked, but hangs where it is to until it is let go. */
  const through = async <T>(path: string, call: () => Promise<T>): Promise<T> => {
    asked.push(path);
    const mount = [...hanging.keys()].find((mount) => path.startsWith(mount));
    if (mount !== undefined) await new Promise<void>((resolve) => hanging.set(mount, resolve));
    return await call();
  };
  const files: Files = {
    ...{ mayHang: () => false, glance: (path) => memory.glance(path) },
    stat: (path) => through(path, () => memory.stat(path)),
    open: (path) =>
      through(path, async () => {
        const file = await memory.open(path);
        if (file === undefined) return undefined;
        return { ...file, read: (...how) => through(path, () => file.read(...how)) };
      }),
    real: (path) => through(path, () => memory.real(path)),
    list: (folder) => through(folder, () => memory.list(folder)),
    load: (path) => memory.load(path),
    store: (path, text) => memory.store(path, text),
    append: (path, text) => memory.append(path, text),
    rename: (from, to) => memory.rename(from, to),
    sync: () => memory.sync(),
  };
  const mounts = new Mounts(clock, () => undefined);
  mounts.update(MOUNTINFO);
  const until: Parameters<typeof deadlined>[2] = {
    ms: 1000,
    clock,
    signal: undefined,
    probe: undefined,
  };
  const it = deadlined(files, mounts, until);
  return {
    ...{ it, clock, asked, until },
    hang: (mount: string) => void hanging.set(mount, () => {}),
    async answer(mount: string) {
      const go = hanging.get(mount);
      hanging.delete(mount);
      go?.();
      await clock.run(0);
    },
  };
}

const bytes = (stat: { readonly bytes: number } | undefined) => stat?.bytes;

test('what answers, answers', async () => {
  const { it } = scene();
  for (const log of LOGS) expect(bytes(await it.stat(log))).toBe(5);
  expect(LOGS.map((log) => it.mayHang(log))).toEqual([false, true, true, true, true]);
});

test('a mount that hangs is not asked again before it answers; others are', async () => {
  const { it, clock, asked, hang, answer } = scene();
  hang('/mnt/a');
  const first = expect(it.stat('/mnt/a/1.log')).rejects.toThrow(
    new Unresponsive('/mnt/a does not answer: the logs there are not read'),
  );
  await clock.run(1000);
  await first;
  await expect(it.stat('/mnt/a/2.log')).rejects.toThrow(Unresponsive);
  expect(asked).toEqual(['/mnt/a/1.log']);
  expect(bytes(await it.stat('/mnt/b/1.log'))).toBe(5);
  await answer('/mnt/a');
  expect(bytes(await it.stat('/mnt/a/2.log'))).toBe(5);
});

test('while two hang, others that may are not asked; what is on this machine is', async () => {
  const { it, clock, hang } = scene();
  hang('/mnt/a');
  hang('/mnt/b');
  const both = Promise.allSettled([it.stat('/mnt/a/1.log'), it.list('/mnt/b')]);
  await clock.run(1000);
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(it.stat('/mnt/c/1.log')).rejects.toThrow(
    '/mnt/c is not asked while /mnt/a and /mnt/b do not answer',
  );
  expect(bytes(await it.stat('/local.log'))).toBe(5);
});

test('a mount is asked elsewhere first, once for each signal', async () => {
  const { it, asked, until } = scene();
  const probed: string[] = [];
  let fails: Error | undefined = new Unresponsive('it hangs');
  until.probe = async (mountpoint) => {
    probed.push(mountpoint);
    if (fails !== undefined) throw fails;
  };
  until.signal = new AbortController().signal;
  await expect(it.stat('/mnt/a/1.log')).rejects.toThrow(Unresponsive);
  await expect(it.open('/mnt/a/2.log')).rejects.toThrow(Unresponsive);
  expect(asked).toEqual([]);
  expect(probed).toEqual(['/mnt/a']);
  // That something else is wrong is said by whoever reads there.
  fails = new NoData('it is gone');
  until.signal = new AbortController().signal;
  expect(bytes(await it.stat('/mnt/a/1.log'))).toBe(5);
  expect(bytes(await it.stat('/local.log'))).toBe(5);
  expect(probed).toEqual(['/mnt/a', '/mnt/a']);
});

test('a mount is asked for in the bytes that its name has', async () => {
  const { it, until } = scene();
  const probed: string[] = [];
  until.probe = async (mountpoint) => void probed.push(mountpoint);
  await it.stat('/mnt/größe/1.log').catch(() => {});
  expect(probed).toEqual(['/mnt/gr\xc3\xb6\xc3\x9fe']);
});

test('the end of the time for all ends each call', async () => {
  const { it, clock, until, hang } = scene();
  hang('/mnt/a');
  const controller = new AbortController();
  until.signal = controller.signal;
  const call = expect(it.real('/mnt/a/1.log')).rejects.toThrow(Unresponsive);
  await clock.run(10);
  controller.abort();
  await call;
  expect(clock.pending).toBe(0);
});

test('what is read too late is written nowhere', async () => {
  const { it, clock, hang, answer } = scene();
  const file = await it.open('/mnt/a/1.log');
  hang('/mnt/a');
  const buffer = Buffer.from('before');
  const read = expect(file?.read(buffer, 0, 4, 0)).rejects.toThrow(Unresponsive);
  await clock.run(1000);
  await read;
  await file?.close();
  await answer('/mnt/a');
  expect(buffer.toString()).toBe('before');
});
