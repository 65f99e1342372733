import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, listens } from './carbon.ts';

const run = promisify(execFile);

/** A real squid with its own configuration, before a server whose `/cached` it may keep; it denies `/deny`. */
export class Squid implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #server: Server;
  readonly port: number;

  private constructor(folder: string, process: ChildProcess, server: Server, port: number) {
    this.#folder = folder;
    this.#process = process;
    this.#server = server;
    this.port = port;
  }

  static async start(): Promise<Squid> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-squid-'));
    // Its child is not root.
    chmodSync(folder, 0o777);
    const server = createServer(({ url }, response) => {
      response.statusCode = url === '/missing' ? 404 : 200;
      response.setHeader('cache-control', url === '/cached' ? 'max-age=600' : 'no-store');
      response.end('Hello.'.repeat(50));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = await freePort();
    writeFileSync(
      join(folder, 'squid.conf'),
      `http_port 127.0.0.1:${port}
visible_hostname proxy.example
pid_filename none
coredump_dir ${folder}
cache_log ${folder}/cache.log
access_log stdio:${folder}/access.log logformat=squid
netdb_filename none
pinger_enable off
acl denied urlpath_regex ^/deny
http_access deny denied
http_access allow all
cache_mem 8 MB
shutdown_lifetime 0 seconds
`,
    );
    const words = ['-N', '-f', join(folder, 'squid.conf')];
    const child = spawn('/usr/sbin/squid', words, { stdio: 'ignore' });
    const squid = new Squid(folder, child, server, port);
    for (let i = 0; i < 400 && !(await listens(port)); i += 1) await sleep(25);
    return squid;
  }

  /** All it has logged. */
  get log(): string {
    const file = join(this.#folder, 'access.log');
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  }

  /** So many requests for a page of the server behind it, some of them at once. */
  async load(path: string, requests: number): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    const words = ['-q', '-n', `${requests}`, '-c', '4', '-X', `127.0.0.1:${this.port}`];
    await run('/usr/bin/ab', [...words, `http://127.0.0.1:${port}${path}`]);
  }

  /** Sends bytes as they are, and waits until they were answered. */
  async say(text: string): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    socket.resume();
    socket.write(text, 'latin1');
    await once(socket, 'close');
  }

  /** Ends it, which writes what it has not written yet. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await this.stop();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
