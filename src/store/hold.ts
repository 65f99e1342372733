import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';

/** A folder, or a file, that is this process's own until it lets go. */
export interface Hold {
  release(): Promise<void>;
}

/** What this process holds, by its lock: whoever wants the same next waits here. */
const held = new Map<string, Promise<void>>();

/**
 * Makes a folder if it is not there, and takes it for this process alone. A process that died without
 * letting go (kill -9, power loss) holds nothing any more; within one process the next waits.
 *
 * @throws {@link Foreseen} if another process that lives has it.
 */
export async function holdFolder(folder: string): Promise<Hold> {
  const said = (pid: string, lock: string) =>
    `${lock}: process ${pid} is using this folder. Give each agent its own.`;
  return await hold(folder, join(folder, 'lock'), said, async () => false);
}

/**
 * Takes a file for this process alone, whether or not it is there, as {@link holdFolder} takes a folder.
 *
 * @param wait is called each time that another process is found to have it, and resolves to whether to
 *   try again.
 * @throws {@link Foreseen} if another process that lives has it, and is not waited for.
 */
export async function holdFile(file: string, wait: () => Promise<boolean>): Promise<Hold> {
  const said = (pid: string, lock: string) =>
    `${lock}: process ${pid} is at work on it. Wait until it has ended, or end it.`;
  return await hold(dirname(file), `${file}.lock`, said, wait);
}

async function hold(
  folder: string,
  lock: string,
  said: (pid: string, lock: string) => string,
  wait: () => Promise<boolean>,
): Promise<Hold> {
  for (let other = held.get(lock); other !== undefined; other = held.get(lock)) await other;
  let letGo = () => {};
  held.set(
    lock,
    new Promise((resolve) => {
      letGo = resolve;
    }),
  );
  const end = () => {
    held.delete(lock);
    letGo();
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    for (let pid = await take(lock); pid !== undefined; pid = await take(lock)) {
      if (!(await wait())) throw new Foreseen(said(pid, lock));
    }
    let released = false;
    return {
      async release() {
        if (released) return;
        released = true;
        try {
          await rm(lock, { force: true });
        } finally {
          end();
        }
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** @returns the number of the process that has it; `undefined` where this one has it now. */
async function take(file: string): Promise<string | undefined> {
  const own = `${process.pid} ${await startOf(process.pid)}`;
  while (!(await write(file, own))) {
    const holder = await holderOf(file);
    if (holder === undefined) continue;
    const [pid = '', start = ''] = holder.split(' ');
    if (holder !== own && (await lives(Number(pid), start))) return pid;
    await discard(file, holder);
  }
  return undefined;
}

/** Puts the lock there with what it says, in one step. @returns false if there is one already. */
async function write(file: string, own: string): Promise<boolean> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, own, { mode: 0o640 });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function holderOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Takes a stale lock away; one that somebody else has put there meanwhile is put back. */
async function discard(file: string, stale: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await holderOf(aside)) === stale) await rm(aside, { force: true });
  else await rename(aside, file);
}

/** Whether it is still the same process that has this number. */
async function lives(pid: number, start: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (start !== '') return (await startOf(pid)) === start;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** When a process was started, in ticks since boot (proc(5), stat, field 22); '' where that is not told. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
