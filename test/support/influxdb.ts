import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secured } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listens } from './carbon.ts';
import type { Pair } from './tls.ts';
import { withUs } from './with-us.ts';

interface Wishes {
  /** Who may do everything, and with which password. Absent, everybody may. */
  readonly login?: readonly [name: string, password: string];
  /** The certificate with which it speaks TLS, and the authority that vouches for it. */
  readonly pair?: Pair & { readonly ca: string };
}

/** A series as it was queried. */
export interface Queried {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | null)[])[];
}

/** A real InfluxDB 1 on a port of its own, with a database called `metrics`. */
export class InfluxDb implements AsyncDisposable {
  readonly port: number;
  readonly #wishes: Wishes;
  readonly #folder: string;
  #process: ChildProcess;

  static async start(wishes: Wishes = {}): Promise<InfluxDb> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-influxdb-'));
    const { login, pair } = wishes;
    const port = await freePort();
    const backup = await freePort();
    const tls =
      pair === undefined
        ? ''
        : `https-enabled = true\nhttps-certificate = "${pair.cert}"\nhttps-private-key = "${pair.key}"`;
    writeFileSync(
      join(folder, 'influxdb.conf'),
      `reporting-disabled = true
bind-address = "127.0.0.1:${backup}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
auth-enabled = ${login !== undefined}
max-body-size = 1000000
${tls}
`,
    );
    const server = new InfluxDb(folder, port, wishes, run(folder));
    await server.#up();
    if (login !== undefined) {
      await server.query(
        `CREATE USER ${login[0]} WITH PASSWORD '${login[1]}' WITH ALL PRIVILEGES`,
        true,
      );
    }
    await server.query('CREATE DATABASE metrics', true);
    return server;
  }

  private constructor(folder: string, port: number, wishes: Wishes, process: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#wishes = wishes;
    this.#process = process;
  }

  /** Where points are written. */
  get url(): string {
    const scheme = this.#wishes.pair === undefined ? 'http' : 'https';
    return `${scheme}://localhost:${this.port}/write?db=metrics`;
  }

  /** The series of a query's only statement; times in milliseconds. */
  async query(statement: string, change = false): Promise<readonly Queried[]> {
    const { login, pair } = this.#wishes;
    const query = new URLSearchParams({ db: 'metrics', epoch: 'ms', q: statement });
    const text = await new Promise<string>((resolve, reject) => {
      const asked = (pair === undefined ? plain : secured)(
        {
          port: this.port,
          host: '127.0.0.1',
          path: `/query?${query}`,
          method: change ? 'POST' : 'GET',
          ...(login === undefined ? {} : { auth: login.join(':') }),
          ...(pair === undefined ? {} : { ca: readFileSync(pair.ca), servername: 'localhost' }),
        },
        async (response) => {
          response.setEncoding('utf8');
          resolve((await response.toArray()).join(''));
        },
      );
      asked.on('error', reject);
      asked.end();
    });
    const { results, error } = JSON.parse(text) as {
      results?: { series?: Queried[]; error?: string }[];
      error?: string;
    };
    const wrong = error ?? results?.[0]?.error;
    if (wrong !== undefined) throw new Error(`${statement}: ${wrong}`);
    return results?.[0]?.series ?? [];
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  async restart(): Promise<void> {
    await this.kill();
    this.#process = run(this.#folder);
    await this.#up();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #up(): Promise<void> {
    for (let attempt = 0; !(await listens(this.port)); attempt += 1) {
      if (attempt > 800 || this.#process.exitCode !== null) {
        throw new Error(`influxd did not come up on port ${this.port}`);
      }
      await sleep(25);
    }
  }
}

const run = (folder: string): ChildProcess =>
  spawn(...withUs('/usr/bin/influxd', ['run', '-config', join(folder, 'influxdb.conf')]), {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder },
  });
