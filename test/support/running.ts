import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from 'cullinan/wire/graphite';
import { expect, vi } from 'vitest';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { ask } from '../../src/status/index.ts';
import { PROGRAM } from './program.ts';

type Books = Pick<
  HandlerStatus,
  'observed' | 'delivered' | 'queued' | 'spooled' | 'dropped' | 'resent'
>;

/** Path to time to values. */
export type Observations = ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<number>>>;

interface Settings {
  readonly interval?: string;
  /** Further keys of the configuration, as YAML. */
  readonly more?: string;
  /** Words for Node before the program. */
  readonly node?: readonly string[];
  /** A command that runs it. */
  readonly under?: readonly string[];
}

/** The program as it is installed, with an archive of all it observes. */
export class RunningAgent implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-agent-'));
  readonly #archive = join(this.#folder, 'archive.log');
  /** Where it answers `cullinan status`. */
  readonly socket = join(this.#folder, 'status.sock');
  readonly #words: readonly string[];
  #child;
  #log = '';

  /** @param handlers as YAML, by instance; FOLDER in it is a folder that lives as long as this. */
  constructor(
    handlers: Readonly<Record<string, string>>,
    { interval = '1s', more = '', node = [], under = [] }: Settings = {},
  ) {
    const config = join(this.#folder, 'cullinan.yaml');
    const lines = Object.entries(handlers).map(([name, options]) => `  ${name}: ${options}\n`);
    writeFileSync(
      config,
      `interval: ${interval}
${more}
shutdown: { timeout: 2s }
status: { socket: ${this.socket} }
handlers:
  file: { path: ${this.#archive}, rotate: never, dialect: diamond, prefix: '' }
${lines.join('').replaceAll('FOLDER', this.#folder)}`,
    );
    this.#words = [...under, process.execPath, ...node, PROGRAM, 'run', '--config', config];
    this.#child = this.#start();
  }

  #start() {
    const [command = '', ...words] = this.#words;
    const child = spawn(command, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    return child;
  }

  /** Kills it as the kernel does that has run out of memory, and starts it again. */
  async crash(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    this.#child = this.#start();
  }

  /** Starts it anew, after it was stopped. */
  startAgain(): void {
    this.#log = '';
    this.#child = this.#start();
  }

  /** Has it do what it does at a signal. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until it has observed so many more ticks. */
  async ticks(count: number): Promise<void> {
    const begun = this.#times().size;
    await vi.waitFor(() => expect(this.#times().size).toBeGreaterThanOrEqual(begun + count), {
      timeout: 30_000,
      interval: 50,
    });
  }

  #times(): ReadonlySet<number> {
    if (!existsSync(this.#archive)) return new Set();
    return new Set([...this.archived().values()].flatMap((points) => [...points.keys()]));
  }

  /** What it has logged so far. */
  get log(): readonly string[] {
    return this.#log
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): string => (JSON.parse(line) as { msg: string }).msg);
  }

  /** The books of a handler as they stand. */
  async books(handler: string): Promise<HandlerStatus> {
    const books = (await ask(this.socket)).handlers.find(({ name }) => name === handler);
    if (books === undefined) throw new Error(`there is no handler ${handler}`);
    return books;
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
    const last = [...this.observations()].map(([path, points]) => {
      const values = [...points].map(([time, values]) => [time, [...values].at(-1)] as const);
      return [path, new Map(values as [number, number][])] as const;
    });
    return new Map(last);
  }

  /** The same, with every value of a time that was observed more than once. */
  observations(): Observations {
    const series = new Map<string, Map<number, Set<number>>>();
    // What stands behind the last end is still being written.
    for (const line of readFileSync(this.#archive, 'utf8').split('\n').slice(0, -1)) {
      const { path, time, value } = decodeLine(line);
      const points = series.get(path) ?? new Map<number, Set<number>>();
      series.set(path, points.set(time, (points.get(time) ?? new Set()).add(value)));
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
