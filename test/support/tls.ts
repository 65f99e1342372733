import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listens } from './carbon.ts';

/** A certificate and its key, as PEM files. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

interface Wishes {
  /** Its subject's name, and the alternative names where there are none. */
  readonly names?: string;
  /** Whether it has expired. */
  readonly expired?: boolean;
}

/** An authority of our own that lives in a folder. */
class Authority {
  readonly #folder: string;
  readonly #name: string;
  /** Its certificate. */
  readonly cert: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.cert = join(folder, `${name}.pem`);
    const key = join(folder, `${name}.key`);
    openssl('req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2', [
      '-subj',
      `/CN=${name}`,
      '-keyout',
      key,
      '-out',
      this.cert,
    ]);
  }

  issue(name: string, { names = `DNS:${name}`, expired = false }: Wishes = {}): Pair {
    const file = (ending: string) => join(this.#folder, `${this.#name}-${name}.${ending}`);
    const pair = { cert: file('pem'), key: file('key') };
    openssl('req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes', [
      ...['-subj', `/CN=${name}`, '-keyout', pair.key, '-out', file('csr')],
    ]);
    // Only `openssl ca` can date a certificate back.
    writeFileSync(file('index'), '');
    writeFileSync(
      file('conf'),
      `[ca]
default_ca = it
[it]
database = ${file('index')}
new_certs_dir = ${this.#folder}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = ${names}
`,
    );
    openssl('ca -batch -notext -startdate 20200101000000Z', [
      ...['-enddate', expired ? '20200201000000Z' : '20491231000000Z'],
      ...['-config', file('conf'), '-in', file('csr'), '-out', pair.cert],
      ...['-cert', this.cert, '-keyfile', join(this.#folder, `${this.#name}.key`)],
    ]);
    return pair;
  }
}

const openssl = (words: string, more: readonly string[]): void => {
  execFileSync('openssl', [...words.split(' '), ...more], { stdio: 'pipe' });
};

/** A folder for certificates that is gone when the test is over. */
export class Certificates implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'cullinan-tls-'));
  readonly ours = new Authority(this.folder, 'ours');
  readonly theirs = new Authority(this.folder, 'theirs');

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface StunnelOptions extends Pair {
  /** Where it hands on what it decrypts. */
  readonly connect: number;
  /** The authority whose certificates it wants of its clients. */
  readonly clients?: string;
  /** As stunnel calls it: `TLSv1.2`. */
  readonly newest?: string;
}

/** A real stunnel before a port of this host. */
export class Stunnel implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#process = process;
  }

  static async start({ cert, key, connect, clients, newest }: StunnelOptions): Promise<Stunnel> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-stunnel-'));
    const port = await freePort();
    const config = join(folder, 'stunnel.conf');
    writeFileSync(
      config,
      `foreground = yes
pid =
syslog = no
[carbon]
accept = 127.0.0.1:${port}
connect = 127.0.0.1:${connect}
cert = ${cert}
key = ${key}
${clients === undefined ? '' : `CAfile = ${clients}\nverifyChain = yes\nrequireCert = yes\n`}${
  newest === undefined ? '' : `sslVersionMax = ${newest}\n`
}`,
    );
    const child = spawn('/usr/bin/stunnel4', [config], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    for (let attempt = 0; !(await listens(port)); attempt += 1) {
      if (child.exitCode !== null || attempt > 400) {
        throw new Error(`stunnel did not come up on port ${port}:\n${said}`);
      }
      await sleep(25);
    }
    return new Stunnel(folder, port, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
