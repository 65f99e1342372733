import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listens } from './carbon.ts';

/** A real carbon-c-relay that divides what it gets among some hosts. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#process = process;
  }

  /** @param hosts as its configuration has them: `127.0.0.1:2003=a`. */
  static async start(hash: string, hosts: readonly string[]): Promise<Relay> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-relay-'));
    const port = await freePort();
    const config = join(folder, 'relay.conf');
    writeFileSync(
      config,
      `cluster graphite ${hash} replication 1 ${hosts.join(' ')} ;
match * send to graphite stop;
listen type linemode 127.0.0.1:${port} proto tcp;
`,
    );
    // -s: nothing of its own among the metrics.
    const child = spawn('/usr/bin/carbon-c-relay', ['-f', config, '-w', '1', '-s', '-H', 'relay'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    for (let attempt = 0; !(await listens(port)); attempt += 1) {
      if (child.exitCode !== null || attempt > 400) {
        throw new Error(`carbon-c-relay did not come up on port ${port}:\n${said}`);
      }
      await sleep(25);
    }
    return new Relay(folder, port, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
