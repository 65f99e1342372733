import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './carbon.ts';

const run = promisify(execFile);

/**
 * A real HAProxy before two servers, and before one that is not there: as a proxy for HTTP, which denies
 * `/deny`, and as one for TCP.
 */
export class Haproxy implements AsyncDisposable {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #server: Server;
  readonly http: number;
  readonly tcp: number;

  private constructor(
    folder: string,
    process: ChildProcess,
    server: Server,
    ports: readonly [number, number],
  ) {
    this.#folder = folder;
    this.#process = process;
    this.#server = server;
    [this.http, this.tcp] = ports;
  }

  static async start(): Promise<Haproxy> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-haproxy-'));
    const server = createServer(({ url }, response) => {
      response.statusCode = url === '/missing' ? 404 : 200;
      setTimeout(() => response.end('Hello.'.repeat(50)), url === '/slow' ? 50 : 0);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [http, tcp, nobody] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(join(folder, 'haproxy.cfg'), config({ http, tcp, nobody, server: port }));
    const log = openSync(join(folder, 'log'), 'a');
    const process = spawn('/usr/sbin/haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], {
      stdio: ['ignore', log, 'ignore'],
    });
    closeSync(log);
    const haproxy = new Haproxy(folder, process, server, [http, tcp]);
    for (let i = 0; i < 200 && !haproxy.log.includes('200'); i += 1) {
      await haproxy.say(http, 'GET /first HTTP/1.0\r\n\r\n').catch(() => {});
      await sleep(25);
    }
    return haproxy;
  }

  /** All it has logged. */
  get log(): string {
    return readFileSync(join(this.#folder, 'log'), 'latin1');
  }

  /** Sends bytes as they are, and waits until they were answered. */
  async say(port: number, text: string): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.resume();
    socket.write(text, 'latin1');
    await once(socket, 'close');
  }

  /** So many requests, some of them at once. */
  async load(port: number, path: string, requests: number): Promise<void> {
    await run('/usr/bin/ab', [
      ...['-q', '-n', `${requests}`, '-c', '4', `http://127.0.0.1:${port}${path}`],
    ]);
  }

  /** Ends it, once it has written what it has not written yet. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGUSR1');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await this.stop();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** It has one thread, because of two that log to one descriptor at once one drops its line. */
const config = (ports: {
  readonly http: number;
  readonly tcp: number;
  readonly server: number;
  readonly nobody: number;
}): string => `
global
  nbthread 1
  log stdout format rfc3164 local0
  log-send-hostname web01
defaults
  log global
  timeout connect 500ms
  timeout client 5s
  timeout server 5s
  retries 0
frontend www
  mode http
  option httplog
  bind 127.0.0.1:${ports.http}
  http-request deny if { path /deny }
  use_backend dead if { path_beg /dead }
  default_backend app
frontend any
  mode tcp
  option tcplog
  bind 127.0.0.1:${ports.tcp}
  default_backend tcp
backend app
  mode http
  server app1 127.0.0.1:${ports.server}
  server app2 127.0.0.1:${ports.server}
backend dead
  mode http
  server gone 127.0.0.1:${ports.nobody}
backend tcp
  mode tcp
  server tcp1 127.0.0.1:${ports.server}
`;
