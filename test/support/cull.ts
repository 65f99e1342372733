import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cullinan, type Ended, PROGRAM } from './program.ts';
import { withUs } from './with-us.ts';

const STATES = ['sent', 'sent', 'deferred', 'bounced'] as const;

/** A log of Postfix in a folder of its own, and `cullinan cull` at work on it. */
export class CulledLog implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'cullinan-cull-'));
  readonly log: string;
  readonly state = join(this.folder, 'state');
  /** Of what was written: recipients that got their mail. */
  sent = 0;
  #lines = 0;

  constructor(name = 'mail.log') {
    // Whoever runs it.
    chmodSync(this.folder, 0o755);
    this.log = join(this.folder, name);
    writeFileSync(this.log, '');
  }

  /** Adds recipients; of four two are sent, one is deferred and one bounces. */
  append(recipients: number): void {
    let text = '';
    for (let i = 0; i < recipients; i += 1) {
      const state = STATES[this.#lines % 4];
      this.#lines += 1;
      if (state === 'sent') this.sent += 1;
      text +=
        `Nov 21 10:00:00 mail postfix/smtp[812]: 3F2A${this.#lines}: to=<a@example.net>, ` +
        `relay=mx.example.net[192.0.2.1]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, status=${state} (ok)\n`;
    }
    appendFileSync(this.log, text);
  }

  file(name: string, text: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** One run, with the state in this folder. */
  cull(...words: readonly string[]): Promise<Ended> {
    return cullinan(['cull', '--state-dir', this.state, ...words]);
  }

  /** One run that is killed after so many milliseconds, unless it has ended by then. */
  async culled(ms: number, ...words: readonly string[]): Promise<'killed' | number | null> {
    const program = [PROGRAM, 'cull', '--state-dir', this.state, ...words];
    const child = spawn(...withUs(process.execPath, program), { stdio: 'ignore' });
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
    const timer = setTimeout(() => child.kill('SIGKILL'), ms);
    const [code, signal] = await ended;
    clearTimeout(timer);
    return signal === null ? code : 'killed';
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
