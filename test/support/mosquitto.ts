import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listens } from './carbon.ts';

interface Wishes {
  /** Who may log in, and with which password. Absent, everybody may. */
  readonly login?: readonly [name: string, password: string];
  /** Further lines of its configuration. */
  readonly more?: string;
}

/** A real Mosquitto on a port of its own. */
export class Mosquitto implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess;

  static async start({ login, more = '' }: Wishes = {}): Promise<Mosquitto> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-mosquitto-'));
    const port = await freePort();
    const users = join(folder, 'users');
    if (login !== undefined) {
      execFileSync('/usr/bin/mosquitto_passwd', ['-c', '-b', users, ...login], { stdio: 'ignore' });
    }
    const who = login === undefined ? 'allow_anonymous true' : `password_file ${users}`;
    const config = `listener ${port} 127.0.0.1\nuser root\n${who}\n${more}\n`;
    writeFileSync(join(folder, 'mosquitto.conf'), config);
    const broker = new Mosquitto(folder, port, run(folder));
    await broker.#up();
    return broker;
  }

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#process = process;
  }

  /** Follows every topic from now on, by Mosquitto's own client. */
  async subscribe(...login: readonly string[]): Promise<Subscription> {
    const words = [
      '-h',
      '127.0.0.1',
      '-p',
      `${this.port}`,
      '-t',
      '#',
      '-F',
      '%t %p',
      '-d',
      ...login,
    ];
    // Through a pipe it would keep to itself what it has not filled a block with.
    const child = spawn('/usr/bin/stdbuf', ['-oL', '/usr/bin/mosquitto_sub', ...words], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const subscription = new Subscription(child);
    await subscription.ready;
    return subscription;
  }

  async restart(): Promise<void> {
    await this.#stop();
    this.#process = run(this.#folder);
    await this.#up();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #up(): Promise<void> {
    for (let attempt = 0; !(await listens(this.port)); attempt += 1) {
      if (attempt > 400) throw new Error(`mosquitto did not come up on port ${this.port}`);
      await sleep(25);
    }
  }

  async #stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

const run = (folder: string): ChildProcess =>
  spawn('/usr/sbin/mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });

/** What a subscriber has seen, as `topic payload`. */
export class Subscription implements Disposable {
  readonly messages: string[] = [];
  /** Resolves when the broker has taken the subscription. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    let rest = '';
    this.ready = new Promise((resolve) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line.includes('SUBACK')) resolve();
          else if (!/^(Client|Subscribed)/.test(line)) this.messages.push(line);
        }
      });
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
