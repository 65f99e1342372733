import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, Foreseen } from '../plugin/index.ts';

/** A folder that is this process's own until it lets go. */
export interface Hold {
  release(): Promise<void>;
}

/** What this process holds: whoever wants the same folder next waits here. */
const held = new Map<string, Promise<void>>();

/**
 * Makes a folder if it is not there, and takes it for this process alone. A process that died without
 * letting go (kill -9, power loss) holds nothing any more; within one process the next waits.
 *
 * @throws {@link Foreseen} if another process that lives has it.
 */
export async function holdFolder(folder: string): Promise<Hold> {
  for (let other = held.get(folder); other !== undefined; other = held.get(folder)) await other;
  let letGo = () => {};
  held.set(
    folder,
    new Promise((resolve) => {
      letGo = resolve;
    }),
  );
  const end = () => {
    held.delete(folder);
    letGo();
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const file = join(folder, 'lock');
    await take(file);
    let released = false;
    return {
      async release() {
        if (released) return;
        released = true;
        try {
          await rm(file, { force: true });
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

async function take(file: string): Promise<void> {
  const own = `${process.pid} ${await startOf(process.pid)}`;
  while (!(await write(file, own))) {
    const holder = await holderOf(file);
    if (holder === undefined) continue;
    const [pid = '', start = ''] = holder.split(' ');
    if (holder !== own && (await lives(Number(pid), start))) {
      throw new Foreseen(`${file}: process ${pid} is using this folder. Give each agent its own.`);
    }
    await discard(file, holder);
  }
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
