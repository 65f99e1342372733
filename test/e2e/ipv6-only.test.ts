import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeWithPeer } from '../support/peers.ts';
import { PROGRAM } from '../support/program.ts';
import { withUs } from '../support/with-us.ts';

const execute = promisify(execFile);
const NAME = `six${process.pid}`;

/** What listens on IPv6 alone, and says of each that it was sent something. */
const PEERS = `
const net = require('node:net'), dgram = require('node:dgram'), http = require('node:http');
const said = (who) => (bytes) => console.log(who + ' ' + String(bytes).split('\\n')[0]);
net.createServer((socket) => socket.on('data', said('graphite'))).listen(2003, 'fd00::5');
net.createServer((socket) => socket.on('data', said('syslog'))).listen(514, 'fd00::5');
http.createServer((request, response) => {
  request.on('data', said('http'));
  request.on('end', () => response.writeHead(204).end());
}).listen(8086, 'fd00::5');
for (const [who, port] of [['statsd', 8125], ['graphite-udp', 2004]]) {
  const socket = dgram.createSocket({ type: 'udp6', ipv6Only: true });
  socket.on('message', said(who)).bind(port, 'fd00::5');
}
console.log('up');
`;

const CONFIG = `interval: 1s
status: { enabled: false }
health: { listen: '[fd00::5]:8001' }
collectors: { sockets: {} }
handlers:
  graphite: { host: peer }
  graphite-udp: { type: graphite, host: peer, port: 2004, protocol: udp }
  statsd: { host: peer }
  syslog: { host: peer, port: 514 }
  http: { url: 'http://peer:8086/write' }
  literal: { type: http, url: 'http://[fd00::5]:8086/write' }
  prometheus: { host: '::', port: 9100 }
`;

// A name that has an address of IPv4, too, as most have: nothing leads there.
describeWithPeer('nspawn', 'on a host that has IPv6 alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'six-'));
  const children: ChildProcess[] = [];
  const said = new Set<string>();

  function inside(...command: string[]): ChildProcess {
    const [program, words] = withUs('ip', ['netns', 'exec', NAME, ...command]);
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  }

  beforeAll(async () => {
    mkdirSync(`/etc/netns/${NAME}`, { recursive: true });
    writeFileSync(`/etc/netns/${NAME}/hosts`, '192.0.2.1 peer\nfd00::5 peer\n::1 localhost\n');
    await execute('ip', ['netns', 'add', NAME]);
    await execute('ip', ['-n', NAME, 'link', 'set', 'lo', 'up']);
    await execute('ip', ['-n', NAME, 'address', 'delete', '127.0.0.1/8', 'dev', 'lo']);
    await execute('ip', ['-n', NAME, 'address', 'add', 'fd00::5/128', 'dev', 'lo']);
    const peers = inside(process.execPath, '-e', PEERS);
    createInterface(peers.stdout ?? expect.fail()).on('line', (line) => {
      said.add(line.split(' ')[0] ?? '');
    });
    await vi.waitFor(() => expect(said).toContain('up'));
    const config = join(folder, 'cullinan.yaml');
    writeFileSync(config, CONFIG);
    inside(process.execPath, PROGRAM, 'run', '--config', config);
  });
  afterAll(async () => {
    for (const child of children.filter(({ exitCode }) => exitCode === null)) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await execute('ip', ['netns', 'delete', NAME]).catch(() => undefined);
    rmSync(`/etc/netns/${NAME}`, { recursive: true, force: true });
  });

  test.each(['graphite', 'graphite-udp', 'statsd', 'syslog', 'http'])('%s arrives', async (who) => {
    await vi.waitFor(() => expect([...said]).toContain(who), { timeout: 15_000 });
  });

  const get = async (url: string) => {
    const script = `fetch('${url}').then(async (it) => console.log(it.status, await it.text()))`;
    const words = ['netns', 'exec', NAME, process.execPath, '-e', script];
    return (await execute('ip', words)).stdout;
  };

  test('its page is scraped', async () => {
    await vi.waitFor(
      async () => expect(await get('http://[::1]:9100/metrics')).toMatch(/^200 .*node_load1 /s),
      { timeout: 15_000 },
    );
  });

  test('probes are answered', async () => {
    expect(await get('http://[fd00::5]:8001/healthz')).toMatch(/^200 /);
  });
});
