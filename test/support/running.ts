import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from 'cullinan/wire/graphite';
import { expect, vi } from 'vitest';
import type { HandlerStatus } from '../../src/plugin/index.ts';
import { ask } from '../../src/status/index.ts';
import { PROGRAM } from './program.ts';
import { withUs } from './with-us.ts';

type Books = Pick<
  HandlerStatus,
  'observed' | 'delivered' | 'queued' | 'spooled' | 'dropped' | 'resent'
>;

/** Path to time to values. */
export type Observations = ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;

interface Settings {
  readonly interval?: string;
  /** Further keys of the configuration, as YAML. */
  readonly more?: string;
  /** Further options of the archive, as YAML: `, counters: deltas`. */
  readonly archive?: string;
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
  /** What has been read of the archive: so many bytes, and what is in them. */
  #read = 0;
  readonly #series = new Map<string, Map<number, number[]>>();
  readonly #times = new Set<number>();

  /** @param handlers as YAML, by instance; FOLDER in it is a folder that lives as long as this. */
  constructor(
    handlers: Readonly<Record<string, string>>,
    { interval = '1s', more = '', archive = '', node = [], under = [] }: Settings = {},
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
  file: { path: ${this.#archive}, rotate: never, dialect: diamond, prefix: ''${archive} }
${lines.join('').replaceAll('FOLDER', this.#folder)}`,
    );
    this.#words = [...under, process.execPath, ...node, PROGRAM, 'run', '--config', config];
    this.#child = this.#start();
  }

  #start() {
    const [command = '', ...words] = this.#words;
    const child = spawn(...withUs(command, words), { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    return child;
  }

  /** Its process; of what runs it, where something does that does not become it. */
  get pid(): number {
    return this.#child.pid ?? 0;
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
    const begun = this.times.size;
    await vi.waitFor(() => expect(this.times.size).toBeGreaterThanOrEqual(begun + count), {
      timeout: 30_000,
      interval: 50,
    });
  }

  /** The ticks so far, each by the time that it has in the archive. */
  get times(): ReadonlySet<number> {
    this.#catchUp();
    return this.#times;
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
      const values = [...points].map(([time, values]) => [time, values.at(-1)] as const);
      return [path, new Map(values as [number, number][])] as const;
    });
    return new Map(last);
  }

  /** The same, with every value of a time that was observed more than once. */
  observations(): Observations {
    this.#catchUp();
    const copied = [...this.#series].map(([path, points]) => {
      const values = [...points].map(([time, all]) => [time, [...all]] as const);
      return [path, new Map(values)] as const;
    });
    return new Map(copied);
  }

  /** Reads what the archive has gained. */
  #catchUp(): void {
    if (!existsSync(this.#archive)) return;
    const file = openSync(this.#archive, 'r');
    const chunks: Buffer[] = [];
    try {
      for (let length = this.#read; ; ) {
        const chunk = Buffer.allocUnsafe(65_536);
        const got = readSync(file, chunk, 0, chunk.length, length);
        if (got === 0) break;
        chunks.push(chunk.subarray(0, got));
        length += got;
      }
    } finally {
      closeSync(file);
    }
    const gained = Buffer.concat(chunks);
    // What stands behind the last end is still being written.
    const end = gained.lastIndexOf('\n') + 1;
    this.#read += end;
    for (const line of gained.toString('utf8', 0, end).split('\n').slice(0, -1)) {
      const { path, time, value } = decodeLine(line);
      const points = this.#series.get(path) ?? new Map<number, number[]>();
      this.#series.set(path, points.set(time, [...(points.get(time) ?? []), value]));
      this.#times.add(time);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
