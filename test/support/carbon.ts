import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../../src/plugin/index.ts';

/** Seconds since the Unix epoch to value, oldest first. */
export type Whisper = ReadonlyMap<number, number>;

/**
 * The points in a whisper file's finest archive: big-endian, 16 bytes of header (aggregation,
 * retention, xFilesFactor, archives), 12 bytes for each archive (offset, seconds per point, points),
 * then 12 bytes for each point (time, value); a slot that was never written has time 0.
 *
 * @see https://graphite.readthedocs.io/en/latest/whisper.html#database-format
 */
function readWhisper(file: Buffer): Whisper {
  const offset = file.readUInt32BE(16);
  const step = file.readUInt32BE(20);
  const slots = file.readUInt32BE(24);
  const points: [number, number][] = [];
  for (let i = 0; i < slots; i += 1) {
    const at = offset + i * 12;
    const time = file.readUInt32BE(at);
    if (time !== 0 && time % step === 0) points.push([time, file.readDoubleBE(at + 4)]);
  }
  return new Map(points.sort(([a], [b]) => a - b));
}

/** Takes a port for as long as the tests run; false where another of them has it. */
function reserve(port: number): boolean {
  const folder = join(tmpdir(), 'ports');
  mkdirSync(folder, { recursive: true });
  try {
    mkdirSync(join(folder, `${port}`));
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Below the ports that the kernel hands out by itself, and none twice, so that a restarted peer gets its own
 * again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!reserve(port)) continue;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    const { port: found } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return found;
  }
}

/** A real carbon-cache with its own folder and ports; one point per series and second, for ten minutes. */
export class Carbon implements AsyncDisposable {
  /** Takes plaintext over TCP and over UDP. */
  readonly port: number;
  /** Takes pickles. */
  readonly pickle: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  readonly #address: string;

  private constructor(folder: string, address: string, port: number, pickle: number) {
    this.#folder = folder;
    this.#address = address;
    this.port = port;
    this.pickle = pickle;
  }

  /** @param address where it listens for points. */
  static async start(address = '127.0.0.1'): Promise<Carbon> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-carbon-'));
    const port = await freePort();
    const pickle = await freePort();
    mkdirSync(join(folder, 'conf'));
    mkdirSync(join(folder, 'whisper'));
    writeFileSync(
      join(folder, 'conf/storage-schemas.conf'),
      '[all]\npattern = .*\nretentions = 1s:10m\n',
    );
    writeFileSync(
      join(folder, 'conf/carbon.conf'),
      `[cache]
STORAGE_DIR = ${folder}
LOCAL_DATA_DIR = ${folder}/whisper
CONF_DIR = ${folder}/conf
LOG_DIR = ${folder}/log
PID_DIR = ${folder}
USER =
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = ${address}
LINE_RECEIVER_PORT = ${port}
PICKLE_RECEIVER_INTERFACE = ${address}
PICKLE_RECEIVER_PORT = ${pickle}
ENABLE_UDP_LISTENER = True
UDP_RECEIVER_INTERFACE = ${address}
UDP_RECEIVER_PORT = ${port}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = ${await freePort()}
CARBON_METRIC_INTERVAL = 0
CACHE_WRITE_STRATEGY = naive
ENABLE_TAGS = False
`,
    );
    const carbon = new Carbon(folder, address, port, pickle);
    await carbon.start();
    return carbon;
  }

  /** Starts it, again or for the first time, and waits until it listens. */
  async start(): Promise<void> {
    const { port } = this;
    const folder = this.#folder;
    const args = [
      `--config=${folder}/conf/carbon.conf`,
      `--pidfile=${folder}/carbon.pid`,
      `--logdir=${folder}/log`,
      '--nodaemon',
      'start',
    ];
    rmSync(join(folder, 'carbon.pid'), { force: true });
    const child = spawn('/usr/bin/carbon-cache', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#process = child;
    for (let attempt = 0; !(await listens(port, this.#address)); attempt += 1) {
      if (child.exitCode !== null || attempt > 400) {
        throw new Error(`carbon-cache did not come up on port ${port}:\n${said}`);
      }
      await sleep(25);
    }
  }

  /** Ends it and waits until it is gone. SIGKILL loses what it has not yet written to its files. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** The series it has files for, sorted. */
  series(): readonly string[] {
    return readdirSync(join(this.#folder, 'whisper'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.wsp'))
      .map((file) => file.slice(0, -'.wsp'.length).replaceAll('/', '.'))
      .sort();
  }

  /** What it has written of a series; nothing where there is no whole file yet. */
  read(series: string): Whisper {
    const file = join(this.#folder, 'whisper', `${series.replaceAll('.', '/')}.wsp`);
    try {
      return readWhisper(readFileSync(file));
    } catch {
      return new Map();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export function listens(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
