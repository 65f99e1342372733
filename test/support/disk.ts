import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of its own size, mounted in a folder. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes all the room there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** Lets nobody write any more. */
  readOnly(): void;
  writable(): void;
}

/** @throws what mount says, where this user or this machine may not mount. */
export function smallDisk(size: string): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'cullinan-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'pipe' });
  const filler = join(path, 'filler');
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, path]);
  return {
    path,
    fill: () => {
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096'], { stdio: 'ignore' });
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: () => remount('ro'),
    writable: () => remount('rw'),
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Why no disk can be mounted here; `undefined` if one can. */
export function noMounting(): string | undefined {
  try {
    const disk = smallDisk('64k');
    mkdirSync(join(disk.path, 'sub'));
    writeFileSync(join(disk.path, 'sub', 'file'), 'x');
    disk[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `mounting a tmpfs takes root: ${(error as Error).message.split('\n')[0]}`;
  }
}
