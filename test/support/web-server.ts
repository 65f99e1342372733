import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './carbon.ts';

const run = promisify(execFile);

/** What nginx is told to write, beside its own `combined`. */
export const NGINX_FORMAT =
  '$host $remote_addr [$time_iso8601] "$request_method $request_uri" $status $body_bytes_sent ' +
  '$request_time "$http_user_agent"';
/** The same as its configuration has it, of several parts; and how long the servers behind it took. */
export const NGINX_JSON = `log_format json escape=json
    '{"time":"$time_iso8601","vhost":"$server_name","method":"$request_method",'
    '"uri":"$uri$is_args$args","agent":"$http_user_agent","status":$status,'
    '"sent":$bytes_sent,"received":$request_length,'
    '"took":$request_time,"behind":$upstream_response_time }';`;
/** What Apache is told to write, beside its own `vhost_combined`. */
export const APACHE_FORMAT = '%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D';
/** The same as a line of its configuration, in an order of its own. */
export const APACHE_LINE = 'LogFormat "%{sec}t|%m %U%q %H|%>s|%B|%I|%{us}T|\\"%{Host}i\\"" piped';

/** A real nginx or Apache that serves some pages and refuses others, with logs of its own. */
export class WebServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly folder: string;
  readonly port: number;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.folder = folder;
    this.port = port;
    this.#process = process;
  }

  /** `access.log` in combined, `timed.log` in {@link NGINX_FORMAT}, `json.log` in {@link NGINX_JSON}, `error.log`. */
  static async nginx(): Promise<WebServer> {
    return WebServer.#start('/usr/sbin/nginx', nginxConfig, (file) => ['-c', file]);
  }

  /** `access.log` in combined, `timed.log` in {@link APACHE_FORMAT}, `piped.log` in {@link APACHE_LINE}, `error.log`. */
  static async apache(): Promise<WebServer> {
    return WebServer.#start('/usr/sbin/apache2', apacheConfig, (file) => [
      '-DFOREGROUND',
      '-f',
      file,
    ]);
  }

  static async #start(
    program: string,
    config: (folder: string, port: number) => string,
    words: (file: string) => readonly string[],
  ): Promise<WebServer> {
    const folder = mkdtempSync(join(tmpdir(), 'cullinan-web-'));
    // The workers are not root.
    chmodSync(folder, 0o755);
    const port = await freePort();
    mkdirSync(join(folder, 'pages'));
    writeFileSync(join(folder, 'pages/index.html'), 'Welcome.\n'.repeat(40));
    writeFileSync(join(folder, 'pages/secret.html'), 'Secret.\n', { mode: 0o600 });
    writeFileSync(join(folder, 'users'), 'zoë:{PLAIN}secret\n');
    const file = join(folder, 'server.conf');
    writeFileSync(file, config(folder, port));
    const child = spawn(program, words(file), { stdio: 'ignore' });
    const server = new WebServer(folder, port, child);
    for (let i = 0; i < 200 && !(await server.#answers()); i += 1) await sleep(25);
    return server;
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  /** Sends bytes as they are, and waits until the server has closed. */
  async say(text: string): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.write(text, 'latin1');
    await once(socket, 'close');
  }

  /** Requests of many kinds: found, not found, forbidden, redirected, no request at all; then a load. */
  async load(requests: number): Promise<void> {
    const end = 'Host: www.example.net\r\nConnection: close\r\n\r\n';
    for (const line of [
      'GET /index.html?from=feed HTTP/1.1',
      'HEAD / HTTP/1.1',
      'GET /missing/caf%C3%A9 HTTP/1.1',
      'GET /secret.html HTTP/1.1',
      'GET /old HTTP/1.1',
      'POST /index.html HTTP/1.1',
      'DELETE /index.html HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'BREW /pot HTTP/1.1',
      'GET /quoted"HTTP/1.1"%20200 HTTP/1.0',
      'GET /behind/index.html HTTP/1.1',
      'GET /behind/missing?q="{}" HTTP/1.1',
    ]) {
      await this.say(`${line}\r\nUser-Agent: a "quoted" \\ agent HTTP/1.1" 200 5\r\n${end}`);
    }
    await this.say('\x16\x03\x01 no HTTP at all\r\n\r\n');
    await this.say('GET /index.html HTTP/1.1\r\nbroken header\r\n\r\n');
    for (const path of ['/index.html', '/missing']) {
      const words = ['-q', '-n', `${requests / 2}`, '-c', '8', '-k'];
      await run('/usr/bin/ab', [...words, `http://127.0.0.1:${this.port}${path}`]);
    }
  }

  /** Ends the server, which writes what it has not written yet. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const nginxConfig = (folder: string, port: number): string => `
daemon off; user www-data; worker_processes 2; pid ${folder}/nginx.pid;
error_log ${folder}/error.log notice;
events { worker_connections 256; }
http {
  log_format timed '${NGINX_FORMAT}';
  access_log ${folder}/access.log combined;
  access_log ${folder}/timed.log timed;
  ${NGINX_JSON}
  access_log ${folder}/json.log json;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  # The first of these does not answer, so that nginx asks the second, and names both.
  upstream behind { server unix:${folder}/nobody.socket; server unix:${folder}/behind.socket; }
  server { listen unix:${folder}/behind.socket; access_log off; limit_rate 500; root ${folder}/pages; }
  server {
    listen 127.0.0.1:${port};
    server_name www.example.net;
    root ${folder}/pages;
    location = /old { return 301 /index.html; }
    location = /nginx_status { stub_status; access_log off; }
    location = /closed { deny all; }
    location = /private { auth_basic status; auth_basic_user_file ${folder}/users; stub_status; }
    location /behind/ { proxy_pass http://behind/; }
  }
}
`;

const apacheConfig = (folder: string, port: number): string => `
ServerRoot ${folder}
ServerName www.example.net
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
Mutex file:${folder}
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
DocumentRoot ${folder}/pages
Redirect permanent /old /index.html
LoadModule status_module /usr/lib/apache2/modules/mod_status.so
<Location /server-status>
SetHandler server-status
</Location>
ErrorLog ${folder}/error.log
LogLevel info
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "${APACHE_FORMAT.replaceAll('"', '\\"')}" timed
CustomLog ${folder}/access.log combined
CustomLog ${folder}/timed.log timed
${APACHE_LINE}
CustomLog ${folder}/piped.log piped
`;
