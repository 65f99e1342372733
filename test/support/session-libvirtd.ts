import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withUs } from './with-us.ts';

const NOBODY = 65_534;

/** A real libvirtd of a user's own (`qemu:///session`), who is nobody where the tests run as root. */
export class SessionLibvirtd implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lv-'));
  readonly #env: NodeJS.ProcessEnv;
  #daemon: ChildProcess | undefined;

  private constructor() {
    const at = (name: string) => join(this.#folder, name);
    for (const name of ['config', 'config/libvirt', 'run', 'cache', 'data']) mkdirSync(at(name));
    // There is no virtlogd here that would write what QEMU says.
    writeFileSync(at('config/libvirt/qemu.conf'), 'stdio_handler = "file"\n');
    writeFileSync(at('libvirtd.conf'), 'auth_unix_ro = "none"\nauth_unix_rw = "none"\n');
    writeFileSync(at('disk.img'), '');
    truncateSync(at('disk.img'), 2 ** 24);
    this.#env = {
      PATH: process.env['PATH'],
      HOME: this.#folder,
      XDG_CONFIG_HOME: at('config'),
      XDG_RUNTIME_DIR: at('run'),
      XDG_CACHE_HOME: at('cache'),
      XDG_DATA_HOME: at('data'),
    };
    if (process.getuid?.() !== 0) return;
    for (const name of ['', 'config', 'config/libvirt', 'run', 'cache', 'data', 'disk.img']) {
      chownSync(at(name), NOBODY, NOBODY);
    }
  }

  static async start(): Promise<SessionLibvirtd> {
    const it = new SessionLibvirtd();
    it.#daemon = it.spawn(...withUs('libvirtd', ['-f', join(it.#folder, 'libvirtd.conf')]));
    for (let attempt = 0; !existsSync(it.socket); attempt += 1) {
      if (attempt > 400) throw new Error('libvirtd did not come up');
      await sleep(25);
    }
    return it;
  }

  get socket(): string {
    return join(this.#folder, 'run/libvirt/libvirt-sock');
  }

  /** Where a disk's image is. */
  get image(): string {
    return join(this.#folder, 'disk.img');
  }

  /** Starts a program as the user that the daemon is of. */
  spawn(command: string, words: readonly string[]): ChildProcess {
    const as =
      process.getuid?.() === 0
        ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', command]
        : [command];
    const all = process.getuid?.() === 0 ? ['/usr/bin/setpriv', ...as] : as;
    const [first = command, ...rest] = [...all, ...words];
    return spawn(first, rest, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** What a program prints, run as that user. */
  async run(command: string, words: readonly string[]): Promise<string> {
    const child = this.spawn(command, words);
    let printed = '';
    let complained = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complained += text;
    });
    const [status] = await once(child, 'close');
    if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${complained}`);
    return printed;
  }

  virsh(...words: readonly string[]): Promise<string> {
    return this.run('virsh', ['-c', 'qemu:///session', ...words]);
  }

  /** Starts a guest. */
  async create(xml: string): Promise<void> {
    const file = join(this.#folder, 'guest.xml');
    writeFileSync(file, xml);
    await this.virsh('create', file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const guests = (await this.virsh('list', '--name')).split('\n').filter((name) => name !== '');
    for (const name of guests) await this.virsh('destroy', name);
    const daemon = this.#daemon;
    if (daemon !== undefined && daemon.exitCode === null) {
      const gone = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
