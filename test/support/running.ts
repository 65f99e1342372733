import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from 'cullinan/wire/graphite';
import { expect } from 'vitest';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { PROGRAM } from './program.ts';

type Books = Pick<HandlerStatus, 'observed' | 'delivered' | 'queued' | 'dropped' | 'resent'>;

/** The program as it is installed, at one tick a second, with an archive of all it observes. */
export class RunningAgent implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-agent-'));
  readonly #archive = join(this.#folder, 'archive.log');
  readonly #child;
  #log = '';

  /** @param handlers as YAML, by instance. */
  constructor(handlers: Readonly<Record<string, string>>) {
    const config = join(this.#folder, 'cullinan.yaml');
    const lines = Object.entries(handlers).map(([name, options]) => `  ${name}: ${options}\n`);
    writeFileSync(
      config,
      `interval: 1s
shutdown: { timeout: 2s }
handlers:
  file: { path: ${this.#archive}, rotate: never, dialect: diamond, prefix: '' }
${lines.join('')}`,
    );
    this.#child = spawn(process.execPath, [PROGRAM, 'run', '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
  }

  /** What it has logged so far. */
  get log(): readonly string[] {
    return this.#log
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): string => (JSON.parse(line) as { msg: string }).msg);
  }

  /** Ends it as systemd does, and returns its last words on what became of each point. */
  async stop(): Promise<ReadonlyMap<string, Books>> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    const [code] = await ended;
    expect(code, this.#log).toBe(0);
    const last = JSON.parse(this.#log.trimEnd().split('\n').at(-1) ?? '{}') as {
      books?: (Books & { handler: string })[];
    };
    return new Map((last.books ?? []).map((books) => [books.handler, books]));
  }

  /** Everything it observed, below the prefix: path to time to value. */
  archived(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    const series = new Map<string, Map<number, number>>();
    for (const line of readFileSync(this.#archive, 'utf8').trimEnd().split('\n')) {
      const { path, time, value } = decodeLine(line);
      series.set(path, (series.get(path) ?? new Map()).set(time, value));
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
