import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { holdFolder } from '../../src/store/index.ts';

const folder = () => join(mkdtempSync(join(tmpdir(), 'cullinan-hold-')), 'deep', 'below');

test('a folder is made, held and let go', async () => {
  const it = folder();
  const hold = await holdFolder(it);
  expect(existsSync(join(it, 'lock'))).toBe(true);
  await hold.release();
  expect(existsSync(join(it, 'lock'))).toBe(false);
});

test('within a process the next one waits', async () => {
  const it = folder();
  const order: string[] = [];
  const first = await holdFolder(it);
  const others = ['second', 'third'].map(async (name) => {
    const hold = await holdFolder(it);
    order.push(name);
    await hold.release();
  });
  order.push('first');
  await first.release();
  await Promise.all(others);
  // Which of the two comes next is nobody's concern.
  expect(order[0]).toBe('first');
  expect(order.toSorted()).toEqual(['first', 'second', 'third']);
});

test('what another process holds is refused by its number, and taken over when it is killed', async () => {
  const it = folder();
  const script = `
    import { holdFolder } from ${JSON.stringify(join(process.cwd(), 'dist/src/store/index.js'))};
    await holdFolder(${JSON.stringify(it)});
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await once(other.stdout, 'data');
  await expect(holdFolder(it)).rejects.toThrow(`process ${other.pid} is using this folder`);
  other.kill('SIGKILL');
  await once(other, 'exit');
  await (await holdFolder(it)).release();
});

test('a file that is no lock is taken away', async () => {
  const it = folder();
  await (await holdFolder(it)).release();
  writeFileSync(join(it, 'lock'), 'nonsense');
  await (await holdFolder(it)).release();
  expect(existsSync(join(it, 'lock'))).toBe(false);
});

test('a folder is the same by whatever name', async () => {
  const it = folder();
  const first = await holdFolder(it);
  symlinkSync(it, `${it}-too`);
  let second = false;
  const waiting = holdFolder(`${it}-too/`).then((hold) => {
    second = true;
    return hold;
  });
  await setImmediate();
  expect(second).toBe(false);
  await first.release();
  await (await waiting).release();
});

test('a folder with a long name can be held', async () => {
  const it = join(folder(), 'x'.repeat(200));
  await (await holdFolder(it)).release();
});

test('where no folder can be made it says so, and does not hang', async () => {
  await expect(holdFolder('/proc/nowhere/spool')).rejects.toMatchObject({ code: 'ENOENT' });
});

test.runIf(process.platform === 'linux')(
  'what cannot be held says which folder it is',
  async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cullinan-hold-')), 'no-folder');
    writeFileSync(file, '');
    await expect(holdFolder(file)).rejects.toThrow(`${file} cannot be written to (ENOTDIR).`);
  },
);
