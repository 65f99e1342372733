import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { freePort, listens } from './carbon.ts';
import { withUs } from './with-us.ts';

/** A real tinyproxy. */
export class Tinyproxy implements AsyncDisposable {
  readonly port: number;
  readonly #log: string;
  readonly #child;

  private constructor(port: number, more: string) {
    this.port = port;
    const folder = mkdtempSync(join(tmpdir(), 'tinyproxy-'));
    this.#log = join(folder, 'log');
    const config = join(folder, 'tinyproxy.conf');
    writeFileSync(
      config,
      `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Connect\nLogFile "${this.#log}"\n${more}`,
    );
    const [program, words] = withUs('/usr/bin/tinyproxy', ['-d', '-c', config]);
    this.#child = spawn(program, words, { stdio: 'ignore' });
  }

  /** @param more lines of its configuration. */
  static async start(more = ''): Promise<Tinyproxy> {
    const proxy = new Tinyproxy(await freePort(), more);
    await vi.waitFor(async () => expect(await listens(proxy.port)).toBe(true), { timeout: 10_000 });
    return proxy;
  }

  /** What it was asked for: `GET http://…`, `CONNECT host:port`. */
  get requests(): readonly string[] {
    const found = readFileSync(this.#log, 'utf8').matchAll(
      /Request \(file descriptor \d+\): (.*)$/gm,
    );
    return [...found].map(([, request = '']) => request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
