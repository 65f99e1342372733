import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeLine } from 'cullinan/wire/graphite';
import { TcpPeer } from './tcp-peer.ts';

/** Path to time (Unix seconds) to value. */
export type Sent = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** A Carbon that only keeps what it is sent over TCP. */
export class Sink implements AsyncDisposable {
  readonly #peer: TcpPeer;

  private constructor(peer: TcpPeer) {
    this.#peer = peer;
  }

  static async listen(): Promise<Sink> {
    return new Sink(await TcpPeer.listen());
  }

  get port(): number {
    return this.#peer.port;
  }

  /** Whole lines so far, without their ends, and how they end. */
  lines(): { readonly lines: readonly string[]; readonly ends: ReadonlySet<string> } {
    const text = this.#peer.received.map((bytes) => bytes.toString('utf8')).join('');
    const lines: string[] = [];
    const ends = new Set<string>();
    for (const [, line = '', end = ''] of text.matchAll(/([^\r\n]*)(\r?\n)/g)) {
      lines.push(line);
      ends.add(end);
    }
    return { lines, ends };
  }

  /** Without `nan`, which collectd sends where it has no rate yet. */
  sent(): Sent {
    const series = new Map<string, Map<number, number>>();
    for (const line of this.lines().lines) {
      if (/ nan \d+$/.test(line)) continue;
      const { path, value, time } = decodeLine(line);
      const slots = series.get(path) ?? new Map<number, number>();
      series.set(path, slots.set(time, value));
    }
    return series;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer.close();
  }
}

/** A real collectd with its own folder, at one reading a second. */
export class Collectd implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** Its configuration. */
  readonly file: string;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.file = join(folder, 'collectd.conf');
    this.#process = process;
  }

  /**
   * @param hostname as it calls itself.
   * @param plugins names of those it loads; write_graphite is loaded besides.
   * @param configuration `<Plugin …>` blocks.
   */
  static start(hostname: string, plugins: readonly string[], configuration: string): Collectd {
    const loads = [...plugins, 'write_graphite'].map((plugin) => `LoadPlugin ${plugin}\n`);
    return Collectd.startWith(
      `Hostname "${hostname}"
FQDNLookup false
BaseDir "FOLDER"
PIDFile "FOLDER/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 1
${loads.join('')}${configuration}`,
    );
  }

  /** @param configuration the whole of collectd.conf; FOLDER in it is a folder that lives as long as this. */
  static startWith(configuration: string): Collectd {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-collectd-'));
    const file = join(folder, 'collectd.conf');
    writeFileSync(file, configuration.replaceAll('FOLDER', folder));
    const child = spawn('/usr/sbin/collectd', ['-f', '-C', file], { stdio: 'ignore' });
    return new Collectd(folder, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
