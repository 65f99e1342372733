import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listens } from './carbon.ts';
import type { Pair } from './tls.ts';

/** A message as rsyslog has understood it. */
export interface Understood {
  readonly pri: string;
  readonly time: string;
  readonly hostname: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  readonly msg: string;
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const TEMPLATE = [
  ['pri', '%pri%'],
  ['time', '%timestamp:::date-rfc3339%'],
  ['hostname', '%hostname:::json%'],
  ['app', '%app-name:::json%'],
  ['procid', '%procid:::json%'],
  ['msgid', '%msgid:::json%'],
  ['msg', '%msg:::json%'],
]
  .map(([name, property]) => `\\"${name}\\":\\"${property}\\",`)
  .join('');

/** What rsyslog writes to files: as it always did, as it does unless told otherwise, as RFC 5424 has it. */
const FORMS = ['TraditionalFileFormat', 'FileFormat', 'SyslogProtocol23Format'] as const;

/** A real rsyslog that takes messages over UDP and TCP at one port, and over TLS at another. */
export class Rsyslog implements AsyncDisposable {
  readonly port: number;
  readonly tls: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, tls: number) {
    this.#folder = folder;
    this.port = port;
    this.tls = tls;
  }

  static async start({ cert, key, ca }: Pair & { readonly ca: string }): Promise<Rsyslog> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-rsyslog-'));
    const rsyslog = new Rsyslog(folder, await freePort(), await freePort());
    const input = (type: string, port: number, more = '') =>
      `input(type="${type}" address="127.0.0.1" port="${port}" ruleset="all" ${more})`;
    writeFileSync(
      join(folder, 'rsyslog.conf'),
      `global(workDirectory="${folder}" net.enableDNS="off"
  defaultNetstreamDriverCAFile="${ca}" defaultNetstreamDriverCertFile="${cert}" defaultNetstreamDriverKeyFile="${key}")
module(load="imudp")
module(load="imtcp")
module(load="mmpstrucdata")
template(name="understood" type="string" string="{${TEMPLATE}\\"data\\":%$!rfc5424-sd%}\\n")
ruleset(name="all") {
  action(type="mmpstrucdata" sd_name.lowercase="off")
  action(type="omfile" file="${folder}/messages" template="understood" asyncWriting="off" flushOnTXEnd="on")
${FORMS.map((form) => `  action(type="omfile" file="${folder}/${form}" template="RSYSLOG_${form}" asyncWriting="off" flushOnTXEnd="on")`).join('\n')}
}
${input('imudp', rsyslog.port)}
${input('imtcp', rsyslog.port)}
${input('imtcp', rsyslog.tls, 'streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon"')}
`,
    );
    await rsyslog.start();
    return rsyslog;
  }

  /** Starts it, again or for the first time, and waits until it listens. */
  async start(): Promise<void> {
    const folder = this.#folder;
    const words = ['-n', '-C', '-f', `${folder}/rsyslog.conf`, '-i', `${folder}/pid`];
    const child = spawn('/usr/sbin/rsyslogd', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    }
    this.#process = child;
    for (let attempt = 0; !(await listens(this.port)) || !(await listens(this.tls)); attempt += 1) {
      if (child.exitCode !== null || attempt > 400) {
        throw new Error(`rsyslogd did not come up on port ${this.port}:\n${said}`);
      }
      await sleep(25);
    }
  }

  /** What it has written, oldest first; a line it is about to write is left out. */
  messages(): readonly Understood[] {
    let text: string;
    try {
      text = readFileSync(join(this.#folder, 'messages'), 'utf8');
    } catch {
      return [];
    }
    return text
      .split('\n')
      .slice(0, -1)
      .map((line): Understood => JSON.parse(line));
  }

  /** A file of messages as rsyslog writes one; empty until there is one. */
  file(form: (typeof FORMS)[number]): Buffer {
    const path = join(this.#folder, form);
    return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    rmSync(join(this.#folder, 'pid'), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
