import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './carbon.ts';

const run = promisify(execFile);

/**
 * A real Postfix with its own configuration, queue and log. It delivers to the mailbox of `games`,
 * knows nobody else, reaches nobody at `deferred.example`, and relays for no stranger.
 */
export class Postfix implements AsyncDisposable {
  readonly #folder: string;
  readonly port: number;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<Postfix> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-postfix-'));
    chmodSync(folder, 0o755);
    for (const name of ['etc', 'spool', 'data', 'mail']) mkdirSync(join(folder, name));
    await run('chown', ['postfix', join(folder, 'data')]);
    chmodSync(join(folder, 'mail'), 0o1777);
    const port = await freePort();
    const postfix = new Postfix(folder, port);
    const master = readFileSync('/etc/postfix/master.cf.proto', 'utf8')
      .replace(/^smtp +inet .*$/m, `127.0.0.1:${port} inet n - n - - smtpd`)
      // Nothing runs in a jail that would have to be furnished first.
      .replace(/^(\S+ +\S+ +\S+ +\S+ +)y /gm, '$1n ');
    writeFileSync(join(folder, 'etc/master.cf'), master);
    writeFileSync(join(folder, 'etc/main.cf'), mainConfig(folder));
    copyFileSync('/etc/postfix/dynamicmaps.cf', join(folder, 'etc/dynamicmaps.cf'));
    await run('/usr/sbin/postfix', ['-c', join(folder, 'etc'), 'start']);
    return postfix;
  }

  /** All it has logged. */
  get log(): string {
    const file = join(this.#folder, 'mail.log');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }

  /** Waits until the log says something so many times. */
  async logged(what: RegExp, times: number): Promise<void> {
    for (let i = 0; i < 400; i += 1) {
      if ((this.log.match(new RegExp(what, 'gm')) ?? []).length >= times) return;
      await sleep(25);
    }
    throw new Error(`Postfix never logged ${what} ${times} times:\n${this.log}`);
  }

  /** Hands in a message as a program on the host does. */
  async sendmail(to: string): Promise<void> {
    const words = ['-C', join(this.#folder, 'etc'), '-f', 'games@mail.example', to];
    const child = spawn('/usr/sbin/sendmail', words, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end('Subject: hello\n\nstatus=bounced, said nobody\n');
    await once(child, 'exit');
  }

  /** Speaks SMTP: a command a line, each answered before the next. */
  async smtp(commands: readonly string[]): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    const closed = once(socket, 'close');
    const lines = createInterface(socket)[Symbol.asyncIterator]();
    const answered = async () => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true || /^\d{3} /.test(value)) return;
      }
    };
    await answered();
    for (const command of commands) {
      socket.write(`${command}\r\n`);
      await answered();
    }
    socket.end();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('/usr/sbin/postfix', ['-c', join(this.#folder, 'etc'), 'abort']).catch(() => {});
    // Its master may take a moment to go.
    const lock = join(this.#folder, 'spool/pid/master.pid');
    const pid = Number(existsSync(lock) ? readFileSync(lock, 'utf8').trim() : Number.NaN);
    for (let i = 0; i < 100 && pid > 0 && existsSync(`/proc/${pid}`); i += 1) await sleep(25);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const mainConfig = (folder: string): string => `
compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
mail_spool_directory = ${folder}/mail
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example
mydestination = mail.example, localhost
mynetworks = 192.0.2.0/24
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps = unix:passwd.byname
transport_maps = inline:{ deferred.example=smtp:[127.0.0.1]:9 }
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = reject_non_fqdn_recipient
message_size_limit = 20000
minimal_backoff_time = 300s
`;
