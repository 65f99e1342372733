import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UNPACKED } from './peers.ts';
import { withUs } from './with-us.ts';

const execute = promisify(execFile);
const ROOT = `${UNPACKED}/ntpsec`;
const TRIPLET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/**
 * A real ntpd (NTPsec) in a network of its own, because its port is 123 whatever one says; a real chronyd on
 * the host's side of that network is its source. Neither may set the clock.
 */
export class Ntpd implements AsyncDisposable {
  /** Where ntpd is asked. */
  readonly address: string;
  /** The sources that it has: chronyd, and one that nobody is. */
  readonly source: string;
  readonly absent: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'cullinan-ntpd-'));
  readonly #name = `nt${process.pid % 100_000}${Math.floor(Math.random() * 1e5)}`;
  readonly #children: ChildProcess[] = [];

  private constructor() {
    const [third, fourth] = [Math.floor(Math.random() * 256), Math.floor(Math.random() * 64) * 4];
    // A range for benchmarks, which nobody routes (RFC 2544).
    const at = (last: number) => `198.19.${third}.${fourth + last}`;
    [this.source, this.address, this.absent] = [at(1), at(2), at(3)];
  }

  static async start(): Promise<Ntpd> {
    const it = new Ntpd();
    try {
      await it.#connect();
      it.#run();
      await it.#answers();
    } catch (error) {
      await it[Symbol.asyncDispose]();
      throw error;
    }
    return it;
  }

  async #connect(): Promise<void> {
    const name = this.#name;
    const ip = (...words: string[]) => execute('ip', words);
    await ip('netns', 'add', name);
    await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    await ip('address', 'add', `${this.source}/30`, 'dev', name);
    await ip('link', 'set', name, 'up');
    await ip('-n', name, 'address', 'add', `${this.address}/30`, 'dev', 'eth0');
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, 'link', 'set', 'eth0', 'up');
  }

  #write(name: string, lines: readonly string[]): string {
    const path = join(this.#folder, name);
    writeFileSync(path, [...lines, ''].join('\n'));
    return path;
  }

  #run(): void {
    const start = (...[program, ...words]: [string, ...string[]]) => {
      this.#children.push(spawn(...withUs(program, words), { stdio: 'ignore' }));
    };
    const chrony = this.#write('chrony.conf', [
      ...['local stratum 5', 'port 123', `bindaddress ${this.source}`, `allow ${this.address}`],
      ...['cmdport 0', 'bindcmdaddress /', `pidfile ${this.#folder}/chrony.pid`],
    ]);
    start('/usr/sbin/chronyd', '-x', '-d', '-u', 'root', '-f', chrony);
    const ntp = this.#write('ntp.conf', [
      ...['disable kernel', `restrict ${this.source}`],
      ...[`server ${this.source} iburst minpoll 3 maxpoll 3`, `server ${this.absent}`],
    ]);
    start(
      ...(['ip', 'netns', 'exec', this.#name] as const),
      ...['setpriv', '--pdeathsig', 'KILL', '--bounding-set', '-sys_time', '--inh-caps=-all'],
      ...[`${ROOT}/usr/sbin/ntpd`, '-n', '-c', ntp, '-p', join(this.#folder, 'ntp.pid')],
      ...['-l', join(this.#folder, 'ntp.log')],
    );
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.variables();
        return;
      } catch (error) {
        if (attempt === 20) throw error;
      }
    }
  }

  async #ntpq(...words: string[]): Promise<string> {
    const at = ['usr/lib/python3/dist-packages', `usr/lib/${TRIPLET}/ntp`];
    const [PYTHONPATH, LD_LIBRARY_PATH] = at.map((path) => join(ROOT, path));
    const all = [`${ROOT}/usr/bin/ntpq`, '-n', ...words, this.address];
    const env = { ...process.env, PYTHONPATH, LD_LIBRARY_PATH };
    const { stdout } = await execute('/usr/bin/python3', all, { env, timeout: 10_000 });
    return stdout;
  }

  /** ntpd's own variables, as ntpq prints them: milliseconds. @throws if it does not answer. */
  async variables(): Promise<ReadonlyMap<string, string>> {
    const said = await this.#ntpq('-c', 'rv');
    const pairs = [...said.matchAll(/(\w+)=("[^"]*"|[^,\s]*)/g)];
    if (pairs.length === 0) throw new Error(`ntpq: ${said}`);
    return new Map(pairs.map(([, name = '', value = '']) => [name, value]));
  }

  /** The numbers in its table of sources, by address and column; `reach` is in digits of base 8. */
  async peers(): Promise<ReadonlyMap<string, Readonly<Record<string, number>>>> {
    const [head = '', , ...rows] = (await this.#ntpq('-p')).trim().split('\n');
    const names = head.trim().split(/\s+/);
    return new Map(
      rows.map((row) => {
        const cells = row.slice(1).trim().split(/\s+/);
        return [
          cells[0] ?? '',
          Object.fromEntries(names.map((name, i) => [name, Number(cells[i])])),
        ];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await execute('ip', ['link', 'delete', this.#name]).catch(() => undefined);
    await execute('ip', ['netns', 'delete', this.#name]).catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
