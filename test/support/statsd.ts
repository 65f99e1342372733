import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeLine } from 'cullinan/wire/graphite';
import { freePort, listens } from './carbon.ts';

/** What a statsd sent to Graphite at the end of one of its intervals, by the names it was given. */
export interface Flush {
  /** What each counter was increased by. */
  readonly counts: ReadonlyMap<string, number>;
  readonly gauges: ReadonlyMap<string, number>;
}

const STATSD = fileURLToPath(import.meta.resolve('statsd/stats.js'));
/** It wants util.log, which Node 23 has no more. */
const START = 'require("node:util").log ??= console.log; require(process.argv[1])';

function readFlush(text: string): Flush {
  const counts = new Map<string, number>();
  const gauges = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    const { path, value } = decodeLine(line);
    const [, kind, name = ''] = /^stats\.(counters|gauges)\.(.*)$/.exec(path) ?? [];
    if (name.startsWith('statsd.')) continue;
    if (kind === 'gauges') gauges.set(name, value);
    const [, counted, tags = ''] = /^(.*)\.count(;.*)?$/.exec(name) ?? [];
    if (kind === 'counters' && counted !== undefined) counts.set(counted + tags, value);
  }
  return { counts, gauges };
}

/** The real statsd from npm, over UDP and TCP at one port, with a sink for what it flushes to Graphite. */
export class Statsd implements AsyncDisposable {
  readonly port: number;
  /** What it flushed, oldest first. */
  readonly flushes: Flush[] = [];
  readonly #folder: string;
  readonly #sink: Server;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, sink: Server) {
    this.#folder = folder;
    this.port = port;
    this.#sink = sink;
    sink.on('connection', (socket) => {
      let text = '';
      socket.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      socket.on('error', () => {
        // It was killed while it flushed.
      });
      socket.on('end', () => {
        if (text.endsWith('\n')) this.flushes.push(readFlush(text));
      });
    });
  }

  /** @param interval milliseconds between two flushes. */
  static async start({
    interval = 200,
    options = {},
  }: {
    readonly interval?: number;
    readonly options?: object;
  } = {}): Promise<Statsd> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-statsd-'));
    const port = await freePort();
    const sink = createServer().listen(0, '127.0.0.1');
    await once(sink, 'listening');
    const listener = (server: string) => ({ server, address: '127.0.0.1', port });
    const config = {
      flushInterval: interval,
      servers: [listener('./servers/udp'), listener('./servers/tcp')],
      mgmt_address: '127.0.0.1',
      mgmt_port: await freePort(),
      graphiteHost: '127.0.0.1',
      graphitePort: (sink.address() as AddressInfo).port,
      graphite: { legacyNamespace: false },
      automaticConfigReload: false,
      ...options,
    };
    writeFileSync(join(folder, 'config.js'), JSON.stringify(config));
    const statsd = new Statsd(folder, port, sink);
    await statsd.start();
    return statsd;
  }

  /** Starts it, again or for the first time, and waits until it listens. */
  async start(): Promise<void> {
    const words = ['-e', START, STATSD, join(this.#folder, 'config.js')];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#process = child;
    for (let attempt = 0; !(await listens(this.port)); attempt += 1) {
      if (child.exitCode !== null || attempt > 400) {
        throw new Error(`statsd did not come up on port ${this.port}:\n${said}`);
      }
      await sleep(25);
    }
  }

  /** Ends it and waits until it is gone. What it has not flushed is lost. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** What counters were increased by in all flushes from one on, together. */
  counted(from = 0): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { counts } of this.flushes.slice(from)) {
      for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
    }
    return sums;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#sink.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
