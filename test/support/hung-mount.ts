import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { withUs } from './with-us.ts';

/** Mounts a FUSE filesystem on the folder that it is given, and never answers. */
const SCRIPT = `
import ctypes, os, signal, sys
fuse = os.open('/dev/fuse', os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = 'fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other' % fuse
if libc.mount(b'hung', sys.argv[1].encode(), b'fuse.hung', 0, options.encode()) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
print('mounted', flush=True)
signal.pause()
`;

/** Whether a mount that hangs can be made here: root may, where there is FUSE. */
export const canHang = ((): boolean => {
  try {
    accessSync('/dev/fuse', constants.W_OK);
    accessSync('/usr/bin/python3', constants.X_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/** A real mount of which no file ever answers, as those of a file server that is gone. */
export class HungMount implements AsyncDisposable {
  readonly folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string) {
    this.folder = folder;
    this.#child = spawn(...withUs('/usr/bin/python3', ['-c', SCRIPT, folder]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  static async on(folder: string): Promise<HungMount> {
    const mount = new HungMount(folder);
    await Promise.race([
      once(mount.#child.stdout as NodeJS.ReadableStream, 'data'),
      once(mount.#child, 'exit').then(([code]) => {
        throw new Error(`it could not be mounted: ${code}`);
      }),
    ]);
    return mount;
  }

  /** Whoever waits for it gets an error, and it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    spawnSync('umount', ['--lazy', this.folder]);
  }
}
