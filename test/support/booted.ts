import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, vi } from 'vitest';
import { freshSystem } from './packages.ts';
import { withUs } from './with-us.ts';

const execute = promisify(execFile);

export interface Said {
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  readonly err: string;
}

/** Waits until something holds. */
export async function eventually<T>(what: () => T | Promise<T>, seconds = 30): Promise<T> {
  return await vi.waitFor<T>(what, { timeout: seconds * 1000, interval: 100 });
}

/**
 * A Debian that systemd has booted, in a container with a network of its own. The host is its only
 * neighbour.
 */
export class Booted implements AsyncDisposable {
  /** The host's address on the way to the container, and the container's. */
  readonly outside: string;
  readonly inside: string;
  /** Its files. */
  readonly root: string;
  readonly #folder: string;
  readonly #name: string;
  #spawned: ChildProcess | undefined;
  #leader = '';

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'booted-'));
    this.root = join(this.#folder, 'root');
    // Names of interfaces have room for 15 characters.
    this.#name = `cb${process.pid % 100_000}${Math.floor(Math.random() * 1e5)}`;
    const [third, fourth] = [0, 1].map(() => Math.floor(Math.random() * 64) * 4) as [
      number,
      number,
    ];
    // A range for benchmarks, which nobody routes (RFC 2544).
    this.outside = `198.18.${third}.${fourth + 1}`;
    this.inside = `198.18.${third}.${fourth + 2}`;
  }

  /**
   * @param prepare is given the path of its root before it boots.
   * @param words further words for systemd-nspawn.
   */
  static async start(
    prepare: (root: string) => void | Promise<void> = () => undefined,
    words: readonly string[] = [],
  ): Promise<Booted> {
    const system = await freshSystem();
    const booted = new Booted();
    try {
      await booted.#build(system);
      await prepare(booted.root);
      await booted.#boot(words);
    } catch (error) {
      await booted[Symbol.asyncDispose]();
      throw error;
    }
    return booted;
  }

  async #build(system: string): Promise<void> {
    const [upper, work] = [join(this.#folder, 'upper'), join(this.#folder, 'work')];
    for (const folder of [this.root, upper, work]) mkdirSync(folder);
    const layers = `lowerdir=${system},upperdir=${upper},workdir=${work}`;
    try {
      await execute('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.root]);
    } catch {
      // On a file system that no overlay can be laid over, such as another overlay.
      await execute('cp', ['-a', '--reflink=auto', `${system}/.`, this.root]);
    }
    const name = this.#name;
    await execute('ip', ['netns', 'add', name]);
    const link = (...rest: string[]) => execute('ip', rest);
    await link('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await link('address', 'add', `${this.outside}/30`, 'dev', name);
    await link('link', 'set', name, 'up');
    await link('-n', name, 'address', 'add', `${this.inside}/30`, 'dev', 'eth0');
    await link('-n', name, 'link', 'set', 'eth0', 'up');
    await link('-n', name, 'link', 'set', 'lo', 'up');
  }

  async #boot(words: readonly string[]): Promise<void> {
    const [program, rest] = withUs('systemd-nspawn', [
      ...['-D', this.root, `--machine=${this.#name}`, '--register=no', '--keep-unit', '--quiet'],
      ...[`--network-namespace-path=/run/netns/${this.#name}`, '--console=pipe', '--boot'],
      ...words,
    ]);
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#spawned = child;
    await eventually(async () => {
      expect(child.exitCode, said).toBeNull();
      const { pid } = child;
      this.#leader = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
      expect(this.#leader, said).toMatch(/^\d+$/);
      const { out } = await this.try('systemctl', 'is-system-running');
      expect(['running\n', 'degraded\n'], said).toContain(out);
    });
  }

  /** Runs a command in it to its end. */
  async try(command: string, ...words: string[]): Promise<Said> {
    const all = ['--target', this.#leader, '--all', '--', command, ...words];
    try {
      const { stdout, stderr } = await execute('nsenter', all, {
        timeout: 120_000,
        maxBuffer: 64 * 1024 * 1024,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
      });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  }

  /** The same, for one that must succeed; returns what it printed. */
  async run(command: string, ...words: string[]): Promise<string> {
    const { code, out, err } = await this.try(command, ...words);
    if (code !== 0) throw new Error(`${command} ${words.join(' ')}: ${code}\n${out}\n${err}`);
    return out;
  }

  /** A line of shell. */
  sh(script: string): Promise<string> {
    return this.run('sh', '-c', script);
  }

  /** A property of the agent's unit, as systemd has it. */
  async property(name: string): Promise<string> {
    return (await this.run('systemctl', 'show', '-p', name, '--value', 'cullinan')).trim();
  }

  async journal(): Promise<string> {
    return this.run('journalctl', '-u', 'cullinan', '-o', 'cat', '--no-pager');
  }

  /** Writes a file in it. */
  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  /** Copies a file of the host into its /root. */
  take(path: string): string {
    const inside = join('/root', basename(path));
    copyFileSync(path, join(this.root, inside));
    return inside;
  }

  /**
   * The paths of all its files, without what every boot and every package leaves: logs, caches and the
   * books of dpkg and rpm.
   */
  async files(): Promise<readonly string[]> {
    const left = ['/var/log', '/var/cache', '/var/lib/dpkg', '/var/lib/rpm', '/root', '/var/tmp'];
    const prunes = left.map((path) => `-path ${path}`).join(' -o ');
    return (await this.sh(`find / -xdev \\( ${prunes} \\) -prune -o -print | sort`)).split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#spawned;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      // Its first process takes all others along.
      if (this.#leader === '') child.kill('SIGKILL');
      else process.kill(Number(this.#leader), 'SIGKILL');
      await ended;
    }
    const quietly = (...words: [string, ...string[]]) =>
      execute(words[0], words.slice(1)).catch(() => undefined);
    await quietly('umount', '--lazy', this.root);
    await quietly('ip', 'link', 'delete', this.#name);
    await quietly('ip', 'netns', 'delete', this.#name);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
